"""Arrays as views of a file's bytes, checked before anything is allocated."""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BFLOAT16 = "bfloat16"
_MOST_DIMENSIONS = 8


def map_file(path: Path) -> mmap.mmap:
    """A file whose bytes the system reads when they are used.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is empty.
    """
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@dataclass
class Storage:
    """The numbers that tensors are views of.

    Attributes:
        dtype: the name of a NumPy dtype, or "bfloat16".
        size: how many numbers there are.
        content: their bytes, once they are found.
    """

    dtype: str
    size: int
    content: memoryview | None = None

    @property
    def bytes(self) -> int:
        """The length of `content`."""
        return self.size * stored_dtype(self.dtype).itemsize


@dataclass(frozen=True)
class View:
    """A tensor: where its numbers lie in a storage. Offset and strides count numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        """The read-only array; bfloat16 becomes float32.

        Raises:
            ValueError: the tensor does not lie within its storage.
        """
        content, size = self.storage.content, self.storage.size
        self._check(size)
        if content is None or len(content) != self.storage.bytes:
            raise ValueError("a storage is missing, or has another length than stated")
        dtype = stored_dtype(self.storage.dtype)
        if not math.prod(self.shape):
            return np.zeros(self.shape, dtype)
        array: Any = np.ndarray(
            self.shape,
            dtype,
            content,
            self.offset * dtype.itemsize,
            tuple(stride * dtype.itemsize for stride in self.strides),
        )
        return widened(array) if self.storage.dtype == BFLOAT16 else array

    def _check(self, size: int) -> None:
        numbers = (self.offset, *self.shape, *self.strides)
        if any(type(number) is not int or number < 0 for number in numbers):
            raise ValueError("a tensor's size, offset or stride is not a whole number from 0 on")
        if len(self.shape) > _MOST_DIMENSIONS or len(self.shape) != len(self.strides):
            raise ValueError("a tensor has too many dimensions, or another number of strides")
        pairs = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((length - 1) * stride for length, stride in pairs)
        count = math.prod(self.shape)
        if count and (last >= size or count > size):
            raise ValueError("a tensor goes beyond its storage")


def contiguous(storage: Storage, shape: tuple[int, ...]) -> View:
    """The view of a whole storage in C order."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return View(storage, 0, shape, tuple(strides))


def stored_dtype(name: str) -> np.dtype:
    """How NumPy reads a dtype; bfloat16 as whole numbers."""
    return np.dtype("uint16" if name == BFLOAT16 else name).newbyteorder("<")


def widened(bfloat16: np.ndarray) -> np.ndarray:
    """The float32 values of bfloat16 numbers, which are their upper halves."""
    return (bfloat16.astype(np.uint32) << 16).view(np.float32)
