"""Writes the zip archives of PyTorch checkpoints, right and wrong ones, without torch."""

import io
import pickle
import zipfile
from typing import Any

import numpy as np


def pickled_tensor(
    key: str = "0",
    numbers: int = 12,
    offset: int = 0,
    shape: tuple[int, ...] = (3, 4),
    strides: tuple[int, ...] | None = None,
) -> bytes:
    """The pickle of a dict with one tensor; its storage has `numbers` numbers."""
    strides = strides or tuple(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))
    storage = b"(" + _plain("storage") + b"ctorch\nFloatStorage\n" + _plain(key) + _plain("cpu")
    storage += _plain(numbers) + b"tQ"
    rest = b"".join(_plain(value) for value in (offset, shape, strides, False))
    rest += b"ccollections\nOrderedDict\n)R"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"tR"
    return b"\x80\x02}" + _plain("a") + call + b"s."


def torch_zip(
    content: bytes,
    storages: dict[str, np.ndarray] | None = None,
    name: str = "data.pkl",
    byteorder: bytes = b"little",
) -> bytes:
    """The archive around a pickle and its storages; one of 12 ones unless they are given."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"archive/{name}", content)
        archive.writestr("archive/byteorder", byteorder)
        for key, array in (storages or {"0": np.ones(12, "<f4")}).items():
            archive.writestr(f"archive/data/{key}", array.tobytes())
    return file.getvalue()


def torch_state(tensors: dict[str, np.ndarray], *keys: str) -> bytes:
    """A checkpoint with tensors of float32 by name, in tables at nested keys."""
    content = b"}("
    for number, (name, array) in enumerate(tensors.items()):
        one = pickled_tensor(str(number), array.size, 0, array.shape)
        content += one[len(b"\x80\x02}") : -len(b"s.")].replace(_plain("a"), _plain(name), 1)
    content += b"u"
    for key in reversed(keys):
        content = b"}" + _plain(key) + content + b"s"
    storages = {str(number): array for number, array in enumerate(tensors.values())}
    return torch_zip(b"\x80\x02" + content + b".", storages)


def _plain(value: Any) -> bytes:
    """The steps of a pickle that make a plain value."""
    return pickle.dumps(value, 2)[2:-1]
