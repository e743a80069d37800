"""Reads PyTorch checkpoints, the zip archives of today and the files from before PyTorch 1.6."""

from __future__ import annotations

import io
import mmap
import struct
import zipfile
import zlib
from typing import IO, Any, cast

from tf_melgan.tensor_files.pickle_data import Name, Stateful, UnknownName, read_pickle
from tf_melgan.tensor_files.torch_names import call, numpy_array, plain_name, storage
from tf_melgan.tensor_files.views import Storage, View

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_DEEPEST, _MOST_VALUES = 32, 1_000_000
_LOCAL_HEADER = struct.Struct("<26x2H")  # of a zip entry: the lengths of its name and extra field
_COUNT = struct.Struct("<q")


def read_zip(content: mmap.mmap) -> Any:
    """Reads a checkpoint of PyTorch 1.6 or later.

    Raises:
        UnknownName: it holds something that is neither a tensor nor plain data.
        ValueError: it is none, or is damaged.
    """
    try:
        with zipfile.ZipFile(cast(IO[bytes], content)) as archive:
            entries = {info.filename: _entry(content, info) for info in archive.infolist()}
    # In a damaged file, zipfile meets about every error of Python.
    except Exception as error:
        raise ValueError(f"a damaged zip archive ({error})") from None
    pickles = [name for name in entries if name.endswith("data.pkl")]
    if len(pickles) != 1:
        raise ValueError("a zip archive without a data.pkl")
    folder = pickles[0].removesuffix("data.pkl")
    if bytes(entries.get(f"{folder}byteorder", b"little")) != b"little":
        raise ValueError("numbers in the byte order of other machines")
    storages: dict[str, Storage] = {}

    def refer(reference: Any) -> Storage:
        key = reference[2]
        found = storages.setdefault(key, storage(reference))
        found.content = entries[f"{folder}data/{key}"]
        return found

    return resolve(read_pickle(io.BytesIO(entries[pickles[0]]), call, refer))


def _entry(content: mmap.mmap, info: zipfile.ZipInfo) -> memoryview:
    """The bytes of an entry, in place, with the right checksum."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError("a compressed entry")
    start = info.header_offset + _LOCAL_HEADER.size
    start += sum(_LOCAL_HEADER.unpack_from(content, info.header_offset))
    entry = memoryview(content)[start : start + info.file_size]
    if len(entry) != info.file_size or zlib.crc32(entry) != info.CRC:
        raise ValueError("a wrong checksum")
    return entry


def read_legacy(content: mmap.mmap) -> Any:
    """Reads a checkpoint from before PyTorch 1.6: pickles, then the numbers.

    Raises:
        UnknownName: it holds something that is neither a tensor nor plain data.
        ValueError: it is none, or is damaged.
    """
    storages: dict[str, Storage] = {}

    def refer(reference: Any) -> Storage:
        if len(reference) > 5 and reference[5] is not None:
            raise ValueError("a storage that is part of another")
        return storages.setdefault(reference[2], storage(reference))

    def read() -> Any:
        return read_pickle(content, call, refer)

    if read() != _MAGIC_NUMBER:
        raise ValueError("a pickle of something else")
    _, system = read(), read()
    if system.get("little_endian") is not True:
        raise ValueError("numbers in the byte order of other machines")
    tree, keys = read(), read()
    if not isinstance(keys, list) or sorted(keys) != sorted(storages):
        raise ValueError("other storages than stated")
    for key in keys:
        found, start = storages[key], content.tell() + _COUNT.size
        (count,) = _COUNT.unpack(content.read(_COUNT.size))
        if count != found.size:
            raise ValueError("a storage of another length than stated")
        found.content = memoryview(content)[start : start + found.bytes]
        content.seek(start + found.bytes)
    if content.tell() != len(content):
        raise ValueError("bytes after the last storage")
    return resolve(tree)


def resolve(tree: Any) -> Any:
    """The value of a checkpoint with its tensors as arrays.

    Raises:
        UnknownName: it holds something that is neither a tensor nor plain data.
        ValueError: a tensor does not lie within its storage, or values are nested without end.
    """
    count = 0

    def value_of(value: Any, depth: int) -> Any:
        nonlocal count
        count += 1
        # A few steps of a pickle can stand for billions of values, or for one within itself.
        if depth > _DEEPEST or count > _MOST_VALUES:
            raise ValueError("values that are nested too deeply, or too many")
        if isinstance(value, View):
            return value.array()
        if isinstance(value, dict):
            return {key: value_of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [value_of(item, depth + 1) for item in value]
        if isinstance(value, Name):
            return plain_name(value)
        if isinstance(value, Stateful):
            array = numpy_array(value)
            return value_of(array, depth + 1) if isinstance(array, list) else array
        if isinstance(value, Storage):
            raise UnknownName("a storage without a tensor")
        return value

    return value_of(tree, 0)
