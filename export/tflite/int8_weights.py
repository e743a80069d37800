"""Int8 weights with dynamic quantization: int8 kernels, while signals in the file are float32.

Engines then quantize activations dynamically. For a convolution with kernel size 1, XNNPACK uses
one scale per frame, so that a stream is bit-identical to a whole utterance. For a longer or a
depthwise kernel, all samples of a call share one scale. The converter's own dynamic quantization
would include these kernels; here the caller chooses which kernels are int8.
"""

from collections.abc import Iterable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_melgan.export.tflite.strip import strip_model

# The first version of CONV_2D with float signals and one scale per filter of an int8 kernel.
_CONVOLUTION_VERSION = 5


def with_int8_kernels(model: bytes, kernels: Iterable[np.ndarray]) -> bytes:
    """Replaces kernels of a float32 model with int8 kernels.

    Args:
        model: the LiteRT model.
        kernels: the kernels to replace, float32 (1, taps, channels, filters).

    Returns:
        The changed model.

    Raises:
        ValueError: a kernel is not in the model.
    """
    content = schema.ModelT.InitFromPackedBuf(model)
    stored = {_stored(kernel).tobytes(): kernel for kernel in kernels}
    scales = {}
    for index, buffer in enumerate(content.buffers):
        kernel = stored.pop(b"" if buffer.data is None else bytes(buffer.data), None)
        if kernel is not None:
            rounded, scales[index] = round_to_int8(kernel)
            buffer.data = _stored(rounded).view(np.uint8).ravel()
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
    """Rounds a kernel to int8, with one scale per filter: its largest absolute weight / 127.

    Args:
        kernel: float (…, filters).

    Returns:
        The kernel, int8 (…, filters), and the scales (filters,).
    """
    scale = np.maximum(np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))), 1e-30) / 127
    return np.round(kernel / scale).astype(np.int8), scale


def _stored(kernel: np.ndarray) -> np.ndarray:
    """A kernel in the layout of the converter, (filters, 1, taps, channels)."""
    return np.ascontiguousarray(kernel.transpose(3, 0, 1, 2))
