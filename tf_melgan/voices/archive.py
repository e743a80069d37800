"""Reads and seals the zip archives of voices: every entry stored as it is, every byte checked.

A sealed archive has an entry `sha256` with the checksum of all others. Archives from before there
were seals have the checksums of zip, one for each entry.
"""

import hashlib
import os
import struct
import zipfile
from collections.abc import Mapping
from typing import IO, Any

Archive = str | os.PathLike | IO[bytes]
SEAL = "sha256"
# The last record of an archive without a comment: mark, number of this disk, disk of the directory,
# entries on this disk, entries, size and offset of the directory, length of the comment.
_END, _END_MARK = struct.Struct("<4s4H2LH"), b"PK\x05\x06"


def read_archive(file: Archive) -> dict[str, bytes]:
    """Reads all entries, and compares their checksums.

    Args:
        file: the path or the open file of a zip archive, or of what ends in one.

    Returns:
        The content of each entry by name, in the order of the file, without the seal.

    Raises:
        ValueError: it is not such an archive, is damaged, or cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            _check_directory(infos, archive.fp)
            entries = {info.filename: archive.read(info) for info in infos}
    # In a damaged file, zipfile meets about every error of Python.
    except Exception as error:
        raise ValueError(f"is not a zip archive, or is damaged ({error})") from None
    seal = entries.pop(SEAL, None)
    if seal is not None and seal != _seal(entries):
        raise ValueError("its checksum is wrong")
    return entries


def seal_archive(file: Archive) -> None:
    """Adds the checksum of all entries to an archive that has none."""
    entries = read_archive(file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(SEAL, _seal(entries))


def _check_directory(infos: list[zipfile.ZipInfo], file: Any) -> None:
    """Refuses entries that are missing, or would take more memory than the file is long."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size))
    mark, *_, count, _, _, _ = _END.unpack(file.read())
    # zipfile does not compare them, so that damage can hide entries, the seal among them.
    if mark != _END_MARK or count != len(infos):
        raise ValueError("another number of entries")
    if len({info.filename for info in infos}) < len(infos):
        raise ValueError("a name twice")
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise ValueError("a compressed entry")
    if sum(info.file_size for info in infos) > size:
        raise ValueError("entries longer than the file")


def _seal(entries: Mapping[str, bytes]) -> bytes:
    total = hashlib.sha256()
    for name, content in sorted(entries.items()):
        total.update(f"{name}\n{len(content)}\n".encode())
        total.update(content)
    return total.hexdigest().encode()
