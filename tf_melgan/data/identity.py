"""Whether a recording, and the mel that is given for it, are those of an earlier call."""

import hashlib
from pathlib import Path


def identity(path: Path, known: dict) -> dict:
    """The size, the time stamp and the checksum of a file.

    Args:
        path: the file.
        known: the same of an earlier call, or of no file. A file of its size and time stamp is not
            read again.
    """
    status = path.stat()
    stamp = {"bytes": status.st_size, "modified": status.st_mtime_ns}
    if all(known.get(key) == value for key, value in stamp.items()):
        return {**stamp, "sha256": known["sha256"]}
    with open(path, "rb") as file:
        return {**stamp, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def content(entry: dict) -> str:
    """A checksum of a recording and its mel, by their entry in the index; "" for no entry."""
    if "mel" not in entry:
        return entry.get("sha256", "")
    both = entry["sha256"] + entry["mel"]["sha256"]
    return hashlib.sha256(both.encode()).hexdigest()
