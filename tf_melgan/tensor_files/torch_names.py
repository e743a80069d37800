"""What the names in a PyTorch checkpoint stand for: tensors, and what optimizers keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_melgan.tensor_files.pickle_data import Name, Stateful, UnknownName
from tf_melgan.tensor_files.views import BFLOAT16, Storage, View

_STORAGES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": BFLOAT16,
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_TABLES = {"collections.OrderedDict", "collections.Counter", "builtins.dict"}
_SEQUENCES = {"torch.Size", "builtins.set", "__builtin__.set"}
_SCALARS = {"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"}
_ARRAYS = {name.replace("scalar", "_reconstruct") for name in _SCALARS}
_DTYPES = {f"torch.{name}" for name in ("float32", "float64", "float16", "bfloat16", "int64")}


def call(name: Name, arguments: tuple) -> Any:
    """The value of a call in a checkpoint.

    Raises:
        UnknownName: the name is none of these.
        ValueError: the arguments are wrong.
    """
    if name.name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
        storage, offset, shape, strides = arguments[:4]
        if not isinstance(storage, Storage):
            raise ValueError("a tensor without numbers")
        return View(storage, offset, tuple(shape), tuple(strides))
    if name.name == "torch._utils._rebuild_parameter":
        return arguments[0]
    if name.name in _TABLES:
        return dict(*arguments)
    if name.name in _SEQUENCES:
        return list(*arguments)
    if name.name == "collections.defaultdict":
        return {}
    if name.name == "torch.device":
        return ":".join(str(argument) for argument in arguments)
    if name.name == "numpy.dtype":
        return _numeric(arguments[0])
    if name.name == "_codecs.encode":
        return arguments[0].encode("latin-1")
    if name.name in _ARRAYS:
        return Stateful()
    if name.name in _SCALARS:
        dtype, content = arguments
        return np.frombuffer(content, dtype["numpy"])[0].item()
    raise UnknownName(name.name)


def numpy_array(value: Stateful) -> np.ndarray | list:
    """The array of numbers that a pickle of NumPy holds, or its list of objects.

    Raises:
        ValueError: it holds neither.
    """
    _, shape, dtype, fortran_order, content = value.state
    if isinstance(content, list):
        return content
    array = np.frombuffer(content, dtype["numpy"])
    return array.reshape(shape, order="F" if fortran_order else "C")


def storage(reference: Any) -> Storage:
    """The storage that a checkpoint refers to, without its numbers.

    Raises:
        UnknownName: its numbers have a type that weights never have.
        ValueError: it is no reference to a storage.
    """
    kind, name = reference[:2]
    if not isinstance(name, Name):
        raise ValueError("no reference to a storage")
    if kind != "storage" or name.name not in _STORAGES:
        raise UnknownName(name.name)
    size = reference[4]
    if type(size) is not int or size < 0:
        raise ValueError("a storage of no size")
    return Storage(_STORAGES[name.name], size)


def plain_name(name: Name) -> str:
    """What a name means as a value: torch.float32 is a dtype.

    Raises:
        UnknownName: it means code.
    """
    if name.name not in _DTYPES:
        raise UnknownName(name.name)
    return name.name


def _numeric(dtype: str) -> Any:
    """A dtype of numbers as a table, which a later step may add its byte order to."""
    if np.dtype(dtype).kind not in "fiubO":
        raise ValueError("neither numbers nor objects")
    return {"numpy": np.dtype(dtype).newbyteorder("<").str}
