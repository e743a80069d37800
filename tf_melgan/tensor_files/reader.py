"""`read_tensors`: reads a file of tensors, whichever program wrote it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tf_melgan.errors import UserInputError
from tf_melgan.files import require_local
from tf_melgan.tensor_files.hdf5 import read_hdf5
from tf_melgan.tensor_files.numpy_objects import read_numpy_objects
from tf_melgan.tensor_files.pickle_data import UnknownName
from tf_melgan.tensor_files.safetensors import is_safetensors, read_safetensors
from tf_melgan.tensor_files.torch_file import read_legacy, read_zip
from tf_melgan.tensor_files.views import map_file

_ZIP, _PICKLE, _HDF5, _NPY = b"PK\x03\x04", b"\x80", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY"
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def read_tensors(path: str | os.PathLike) -> Any:
    """Reads the tensors and plain values of a file; runs nothing of what it holds.

    Needs neither PyTorch nor safetensors. Of checkpoints, arrays are views of the file, which is
    read where they are used.

    Examples:
        >>> from tf_melgan.tensor_files.reader import read_tensors
        >>> checkpoint = read_tensors("checkpoint.pth")
        >>> shapes = {name: array.shape for name, array in checkpoint["model"].items()}

    Args:
        path: a PyTorch checkpoint (of any version, with tensors, containers and plain values),
            safetensors, HDF5, or a `.npy` of objects.

    Returns:
        An array, or nested dicts and lists of read-only arrays and plain values. Numbers keep
        their type; bfloat16 becomes float32.

    Raises:
        UserInputError: the file is none of these, is damaged, or holds anything else, such as code.
    """
    path = require_local(path)
    try:
        return _read(path)
    except UnknownName as error:
        raise UserInputError(
            f"{path}: holds {str(error)[:80]!r}, which is neither a tensor nor plain data, and was "
            "not run; save the state_dict alone with torch.save"
        ) from None
    except OSError as error:
        raise UserInputError(f"{path}: cannot be read ({error.strerror})") from None
    # Damage meets many of Python's errors.
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        if isinstance(error, UserInputError):
            raise
        reason = str(error) if type(error) is ValueError else "damaged"
        raise UserInputError(
            f"{path}: is no readable PyTorch checkpoint, safetensors or HDF5 ({reason[:120]}); "
            "download or save it again"
        ) from None


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(9)
    if start.startswith(_HDF5):
        return read_hdf5(path)
    if start.startswith(_ZIP):
        return read_zip(map_file(path))
    if start.startswith(_PICKLE):
        return read_legacy(map_file(path))
    if start.startswith(_NPY):
        return read_numpy_objects(map_file(path))
    if len(start) == 9 and is_safetensors(start):
        return read_safetensors(map_file(path))
    for mark, name in _PACKED.items():
        if start.startswith(mark):
            raise ValueError(f"packed with {name}, unpack it first")
    raise ValueError("it starts like none of them")
