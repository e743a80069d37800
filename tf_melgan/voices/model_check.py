"""Checks that a LiteRT model has the form of those that `tf-melgan export` writes.

LiteRT trusts a model: it follows any index, size and offset in it, so that a changed one can end
the process or fill the memory. This check reads the whole model first. It needs about 0.1 s, which
voices in the package itself are spared.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

SIGNATURES = ("vocode", "vocode_short", "start", "step", "end")
_VERSION = 3
_MOST_ITEMS = 10_000  # operators, tensors or buffers
_MOST_DIMENSIONS = 6
_MOST_NUMBERS = 1 << 27  # in a tensor
_LARGEST = 1 << 16  # of the whole numbers that positions, paddings and strides are made of
_DTYPES: dict[int, np.dtype] = {
    schema.TensorType.FLOAT32: np.dtype("<f4"),
    schema.TensorType.FLOAT16: np.dtype("<f2"),
    schema.TensorType.INT32: np.dtype("<i4"),
    schema.TensorType.INT8: np.dtype("i1"),
    schema.TensorType.BOOL: np.dtype("?"),
}
# The operators that converters may write for the stages of generators, by number of inputs; with 0,
# any number. None of them calls another graph, keeps a state, or runs code of its own.
_OPERATORS = {
    0: "CONCATENATION PACK",
    1: (
        "ABS CAST COS DEQUANTIZE EXP FLOOR GELU LEAKY_RELU LOG LOGISTIC NEG QUANTIZE RELU ROUND "
        "RSQRT SHAPE SIN SQRT SQUARE SQUEEZE TANH UNPACK"
    ),
    2: (
        "ADD BROADCAST_TO DIV EQUAL EXPAND_DIMS FILL FLOOR_DIV FLOOR_MOD GATHER GREATER "
        "GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR MAXIMUM MEAN MINIMUM MIRROR_PAD MUL "
        "NOT_EQUAL PAD POW RESHAPE SPLIT SQUARED_DIFFERENCE SUB SUM TRANSPOSE"
    ),
    3: ("CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED PADV2 RANGE SELECT_V2 SLICE TRANSPOSE_CONV"),
    4: "STRIDED_SLICE",
}
_INPUTS = {
    getattr(schema.BuiltinOperator, name): count
    for count, names in _OPERATORS.items()
    for name in names.split()
}
_MANY_OUTPUTS = {schema.BuiltinOperator.SPLIT, schema.BuiltinOperator.UNPACK}
# LiteRT takes 0 for options that are missing, which no stride can be.
_NEED_OPTIONS = {
    getattr(schema.BuiltinOperator, name)
    for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "CONCATENATION", "GATHER")
}


def check_model(model: bytes) -> None:
    """Checks all of a model but the values of its weights, which must only be finite.

    Args:
        model: the LiteRT model.

    Raises:
        ValueError: the model has another form; the message says where.
    """
    try:
        content = _unpacked(model)
    except Exception as error:  # Of any kind, since offsets in a damaged model lead anywhere.
        raise ValueError(f"it cannot be read, {type(error).__name__}") from None
    _require(content.version == _VERSION, f"it has version {content.version}, not {_VERSION}")
    kinds = [_kind(code) for code in content.operatorCodes]
    _check_signatures(content.signatureDefs, content.subgraphs)
    checked: set[tuple[int, int]] = set()
    for graph in content.subgraphs:
        for tensor in graph.tensors:
            _check_tensor(tensor, content.buffers, checked)
        _check_operators(graph, content.buffers, kinds)


def _require(holds: Any, reason: str) -> None:
    if not holds:
        raise ValueError(reason)


def _unpacked(model: bytes) -> schema.ModelT:
    packed = schema.Model.GetRootAs(model)
    graphs = [packed.Subgraphs(index) for index in range(len(SIGNATURES))]
    counts = [graph.TensorsLength() for graph in graphs] + [x.OperatorsLength() for x in graphs]
    counts += [packed.BuffersLength(), packed.OperatorCodesLength(), packed.SignatureDefsLength()]
    counts += [packed.MetadataLength(), len(SIGNATURES) * packed.SubgraphsLength()]
    _require(max(counts) <= _MOST_ITEMS, "too many parts")
    content = schema.ModelT.InitFromObj(packed)
    for graph in content.subgraphs:
        _require(None not in (graph.tensors, graph.operators), "an empty graph")
    return content


def _kind(code: schema.OperatorCodeT) -> int:
    # LiteRT takes the greater one; old files have only the first.
    kind = max(code.deprecatedBuiltinCode, code.builtinCode)
    _require(kind in _INPUTS and not code.customCode, f"it has operator {kind}")
    return kind


def _check_signatures(signatures: list[Any], graphs: list[Any]) -> None:
    names = {(x.signatureKey or b"").decode(errors="replace") for x in signatures}
    _require(names == set(SIGNATURES), "it has other signatures")
    numbers = sorted(signature.subgraphIndex for signature in signatures)
    _require(numbers == list(range(len(graphs))), "its signatures have other graphs")
    for signature in signatures:
        graph = graphs[signature.subgraphIndex]
        _check_ends(signature.inputs or [], graph.inputs, len(graph.tensors))
        _check_ends(signature.outputs or [], graph.outputs, len(graph.tensors))


def _check_ends(named: list[Any], indices: Any, tensors: int) -> None:
    """Checks that all inputs or outputs of a graph have one name each."""
    used = sorted(x.tensorIndex for x in named)
    _require(indices is not None and used == sorted(indices), "names and tensors differ")
    _require(all(0 <= index < tensors for index in used), "a tensor that is not there")
    _require(all(x.name for x in named), "a tensor without a name")
    _require(len({x.name for x in named}) == len(named), "a name twice")


def _check_tensor(tensor: Any, buffers: list[Any], checked: set[tuple[int, int]]) -> None:
    _require(tensor.type in _DTYPES, f"a tensor of type {tensor.type}")
    shape = [] if tensor.shape is None else tensor.shape.tolist()
    signature = shape if tensor.shapeSignature is None else tensor.shapeSignature.tolist()
    _require(len(shape) <= _MOST_DIMENSIONS, "a tensor of too many dimensions")
    _require(
        all(size >= 0 for size in shape) and math.prod(shape) <= _MOST_NUMBERS,
        f"a tensor of the shape {shape}",
    )
    _require(
        len(signature) == len(shape)
        and all(x in (-1, size) for x, size in zip(signature, shape, strict=True)),
        "a tensor of two shapes",
    )
    _require(not tensor.isVariable and tensor.sparsity is None, "a tensor with a state")
    _require(0 <= tensor.buffer < len(buffers), "a buffer that is not there")
    _check_scales(tensor.quantization, shape)
    if not _is_constant(tensor, buffers):
        return
    data, dtype = buffers[tensor.buffer].data, _DTYPES[tensor.type]
    _require(len(data) == math.prod(shape) * dtype.itemsize, "a constant of another size")
    if (tensor.buffer, tensor.type) in checked:
        return
    checked.add((tensor.buffer, tensor.type))
    values = np.frombuffer(data.tobytes(), dtype)
    if dtype.kind == "f":
        _require(np.isfinite(values).all(), "weights that are NaN or infinite")
    elif dtype.kind == "i" and not _scales(tensor.quantization).size:
        _require((np.abs(values.astype(np.int64)) <= _LARGEST).all(), "a number that is too large")


def _is_constant(tensor: Any, buffers: list[Any]) -> bool:
    return buffers[tensor.buffer].data is not None


def _scales(quantization: Any) -> np.ndarray:
    scale = None if quantization is None else quantization.scale
    return np.zeros(0) if scale is None else scale


def _check_scales(quantization: Any, shape: list[int]) -> None:
    scales = _scales(quantization)
    if quantization is None or not scales.size:
        return
    axis, zeros = quantization.quantizedDimension, quantization.zeroPoint
    _require((np.isfinite(scales) & (scales > 0)).all(), "a scale that is not above 0")
    _require(
        len(scales) == 1 or (0 <= axis < len(shape) and len(scales) == shape[axis]),
        "another number of scales than of filters",
    )
    _require(
        zeros is not None and len(zeros) == len(scales) and (np.abs(zeros) <= 128).all(),
        "a zero point that is no int8",
    )
    _require(quantization.details is None, "another kind of scale")


def _check_operators(graph: Any, buffers: list[Any], kinds: list[int]) -> None:
    """Checks that each operator reads only what is known before it, and writes new tensors."""
    constants = {i for i, tensor in enumerate(graph.tensors) if _is_constant(tensor, buffers)}
    _require(constants.isdisjoint(graph.inputs), "an input that is a constant")
    known = constants | set(graph.inputs)
    for operator in graph.operators:
        _require(0 <= operator.opcodeIndex < len(kinds), "an operator that is not there")
        kind = kinds[operator.opcodeIndex]
        inputs, outputs = _indices(operator.inputs), _indices(operator.outputs)
        expected = _INPUTS[kind] or max(len(inputs), 1)
        _require(len(inputs) == expected, f"an operator {kind} of {len(inputs)} inputs")
        _require(known.issuperset(inputs), "an operator that reads what is not there yet")
        _require(
            (len(outputs) == 1 or (outputs and kind in _MANY_OUTPUTS))
            and len(set(outputs)) == len(outputs)
            and all(0 <= index < len(graph.tensors) for index in outputs)
            and known.isdisjoint(outputs),
            "an operator that writes elsewhere",
        )
        known.update(outputs)
        _check_options(operator.builtinOptions, kind)
    _require(known.issuperset(graph.outputs), "an output that no operator writes")


def _indices(numbers: Iterable[int] | None) -> list[int]:
    return [] if numbers is None else [int(number) for number in numbers]


def _check_options(options: Any, kind: int) -> None:
    _require(options is not None or kind not in _NEED_OPTIONS, "an operator without options")
    for name, value in vars(options).items() if options is not None else ():
        if isinstance(value, (int, float)):
            least = 1 if name.startswith(("stride", "dilation")) else -_LARGEST
            _require(least <= value <= _LARGEST, f"an option {name} of {value}")
