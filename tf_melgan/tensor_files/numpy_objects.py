"""Reads a `.npy` file of Python objects, which NumPy saves as a pickle behind its header."""

from __future__ import annotations

import mmap
import struct
from typing import Any

from tf_melgan.tensor_files.pickle_data import UnknownName, read_pickle
from tf_melgan.tensor_files.torch_file import resolve
from tf_melgan.tensor_files.torch_names import call

_HEADER = struct.Struct("<6xBxH")  # the version and the length of what follows


def read_numpy_objects(content: mmap.mmap) -> Any:
    """Reads the objects, a list.

    Raises:
        UnknownName: it holds something that is neither an array nor plain data.
        ValueError: it is damaged, or holds numbers, which need no pickle.
    """
    version, length = _HEADER.unpack_from(content)
    start = _HEADER.size + length
    if version != 1 or b"'descr': '|O'" not in content[_HEADER.size : start]:
        raise ValueError("an array of numbers of NumPy")
    content.seek(start)
    return resolve(read_pickle(content, call, _refuse))


def _refuse(reference: Any) -> Any:
    raise UnknownName("a reference to another file")
