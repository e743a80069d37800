"""Reads safetensors: a table of tensors as JSON, then their numbers."""

from __future__ import annotations

import math
import mmap
import struct
from typing import Any

import numpy as np

from tf_melgan.strict_json import parse_json
from tf_melgan.tensor_files.views import BFLOAT16, Storage, contiguous

_LENGTH = struct.Struct("<Q")
_LONGEST_TABLE = 1 << 24  # bytes
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": BFLOAT16,
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


def is_safetensors(start: bytes) -> bool:
    """Whether a file that starts with these 9 bytes can be safetensors."""
    return start[8:9] == b"{" and _LENGTH.unpack_from(start)[0] <= _LONGEST_TABLE


def read_safetensors(content: mmap.mmap) -> dict[str, np.ndarray]:
    """Reads all tensors by name.

    Raises:
        ValueError: the file is damaged.
    """
    (length,) = _LENGTH.unpack_from(content)
    if _LENGTH.size + length > len(content):
        raise ValueError("a table that is cut off")
    data = memoryview(content)[_LENGTH.size + length :]
    table = parse_json(content[_LENGTH.size : _LENGTH.size + length])
    if not isinstance(table, dict):
        raise ValueError("no table of tensors")
    table.pop("__metadata__", None)
    arrays = {name: _array(entry, data) for name, entry in table.items()}
    spans = sorted(entry["data_offsets"] for entry in table.values())
    ends = [0, *(end for _, end in spans)]
    if [start for start, _ in spans] != ends[:-1] or ends[-1] != len(data):
        raise ValueError("tensors that overlap, or bytes of none")
    return arrays


def _array(entry: Any, data: memoryview) -> np.ndarray:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError("no tensor")
    shape, (start, end) = tuple(entry["shape"]), entry["data_offsets"]
    if entry["dtype"] not in _DTYPES:
        raise ValueError(f"numbers of the type {str(entry['dtype'])[:20]!r}")
    if any(type(number) is not int or number < 0 for number in (start, end, *shape)):
        raise ValueError("a size that is not a whole number from 0 on")
    storage = Storage(_DTYPES[entry["dtype"]], math.prod(shape), data[start:end])
    return contiguous(storage, shape).array()
