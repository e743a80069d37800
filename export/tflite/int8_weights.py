"""Kernels of a converted model in int8 while its signals stay float32.

Engines then round a signal as it comes. XNNPACK gives each frame before a convolution of kernel 1 a
scale of its own, so that a stream computes what the whole does. Before a longer kernel or a
depthwise one, all that a call sees shares a scale; the converter itself leaves out neither.
"""

from collections.abc import Iterable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_melgan.export.tflite.strip import strip_model

# From which on a convolution may have float signals and a scale for each filter of its kernel.
_CONVOLUTION_VERSION = 5


def with_int8_kernels(model: bytes, kernels: Iterable[np.ndarray]) -> bytes:
    """A float32 model with some of its kernels (1, taps, channels, filters) in int8.

    Raises:
        ValueError: the model does not hold one of them.
    """
    content = schema.ModelT.InitFromPackedBuf(model)
    stored = {_stored(kernel).tobytes(): kernel for kernel in kernels}
    scales = {}
    for index, buffer in enumerate(content.buffers):
        kernel = stored.pop(b"" if buffer.data is None else bytes(buffer.data), None)
        if kernel is not None:
            whole, scales[index] = round_to_int8(kernel)
            buffer.data = _stored(whole).view(np.uint8).ravel()
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
    return strip_model(content)


def round_to_int8(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A kernel (…, filters) in int8, and the scale of each filter, from its own largest weight."""
    scale = np.maximum(np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))), 1e-30) / 127
    return np.round(kernel / scale).astype(np.int8), scale


def _stored(kernel: np.ndarray) -> np.ndarray:
    """A kernel as the converter lays it out: (filters, 1, taps, channels)."""
    return np.ascontiguousarray(kernel.transpose(3, 0, 1, 2))
