"""Kernels of a converted model in int8 while its signals stay float32.

Engines then round a signal as it comes. XNNPACK gives each frame before a convolution of kernel 1 a
scale of its own, so that a stream computes what the whole does. Before a longer kernel or a
depthwise one, all that a call sees shares a scale; the converter itself leaves out neither.
"""

from collections.abc import Iterable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_melgan.export.packing import packed

# From which on a convolution may have float signals and a scale for each filter of its kernel.
_CONVOLUTION_VERSION = 5


def with_int8_kernels(model: bytes, kernels: Iterable[np.ndarray]) -> bytes:
    """A float32 model with some of its kernels (1, taps, channels, filters) in int8.

    Each filter has its own scale, from its own largest weight.

    Raises:
        ValueError: the model does not hold one of them.
    """
    content = schema.ModelT.InitFromPackedBuf(model)
    stored = {kernel.tobytes(): kernel for kernel in map(_stored, kernels)}
    scales = {}
    for index, buffer in enumerate(content.buffers):
        kernel = stored.pop(b"" if buffer.data is None else bytes(buffer.data), None)
        if kernel is not None:
            scale = np.maximum(np.abs(kernel).max(axis=(1, 2, 3)), 1e-30) / 127
            rounded = np.round(kernel / scale[:, None, None, None]).astype(np.int8)
            buffer.data, scales[index] = rounded.view(np.uint8).ravel(), scale
    if stored:
        raise ValueError(f"{len(stored)} of the kernels are not in the model")
    for tensor in (tensor for graph in content.subgraphs for tensor in graph.tensors):
        if tensor.buffer in scales:
            tensor.type = schema.TensorType.INT8
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales[tensor.buffer]
            tensor.quantization.zeroPoint = np.zeros(len(scales[tensor.buffer]), np.int64)
    for code in content.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.CONV_2D:
            code.version = max(code.version, _CONVOLUTION_VERSION)
    return packed(content)


def _stored(kernel: np.ndarray) -> np.ndarray:
    """A kernel as the converter lays it out: (filters, 1, taps, channels)."""
    return np.ascontiguousarray(kernel.transpose(3, 0, 1, 2))
