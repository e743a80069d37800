"""The index of a prepared folder: its content, its checksum and its checks."""

import hashlib
import json
import re
from typing import Any, NamedTuple, TypeGuard

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError, require, shown

INDEX = "index.json"
VERSION = 2
# Version 1 has no checksum.
_VERSIONS = (1, VERSION)
_ENTRY = {
    "path": str,
    "split": str,
    "bytes": int,
    "modified": int,
    "sha256": str,
    "parts": list,
    "remark": str,
    "refused": str,
    "mel": dict,
}
_MEL = {"bytes": int, "modified": int, "sha256": str}
_PART = {
    "file": str,
    "samples": int,
    "sha256": str,
    "modified": int,
    "mel_sha256": str,
    "mel_modified": int,
}
_FILE, _SHA256 = re.compile(r"[0-9a-f]{16}-\d+\.npy"), re.compile(r"[0-9a-f]{64}")


class Index(NamedTuple):
    """The content of an index.

    Attributes:
        version: 2, or 1, whose recordings were decoded otherwise.
        spec: the mel settings.
        entries: a dict for each recording, as in `write_index`.
    """

    version: int
    spec: MelSpec
    entries: list[dict]


def write_index(spec: MelSpec, entries: list[dict]) -> str:
    """Returns the text of an index.

    Args:
        spec: the mel settings.
        entries: a dict for each recording, with "path" and "split", and either "refused" (the
            reason) or "parts": the "file", "samples", "sha256" and time "modified" of each. With
            given mels, "mel" is what the recording's mel was read from, and parts have the
            "mel_sha256" and "mel_modified" of their `mel_file`.
    """
    content = {"version": VERSION, "mel": spec.to_dict(), "recordings": entries}
    return json.dumps({"checksum": _checksum(content), **content}, indent=1)


def read_index(text: bytes, place: str) -> Index:
    """Reads what `write_index` wrote.

    Args:
        text: the bytes of the file.
        place: its path, for messages.

    Raises:
        UserInputError: the index has another version or is damaged.
    """
    damaged = f"{place}: is damaged; prepare into a new folder"
    try:
        content = json.loads(text)
        version, checksum = content["version"], content.pop("checksum", None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserInputError(damaged) from None
    require(
        version in _VERSIONS,
        f"{place}: has version {shown(version)}, not {VERSION}; prepare into a new folder",
    )
    require(checksum == (None if version == 1 else _checksum(content)), damaged)
    try:
        spec, entries = MelSpec.from_dict(content["mel"]), content["recordings"]
        require(all(_is_entry(entry) for entry in entries), damaged)
    except (ValueError, KeyError, TypeError):
        raise UserInputError(damaged) from None
    return Index(version, spec, entries)


def mel_file(file: str) -> str:
    """The name of the file with an utterance's given mel, beside that of its samples."""
    return f"{file.removesuffix('.npy')}.mel.npy"


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _is_entry(entry: object) -> bool:
    return (
        _is_record(entry, _ENTRY, {"path", "split"})
        and entry["split"] in ("train", "validation")
        and all(_is_part(part, "mel" in entry) for part in entry.get("parts", ()))
        and ("mel" not in entry or _is_record(entry["mel"], _MEL, {"sha256"}))
    )


def _is_part(part: object, has_mel: bool) -> bool:
    mel = {"mel_sha256"} if has_mel else set()
    return (
        _is_record(part, _PART, {"file", "samples", "sha256"} | mel)
        and _FILE.fullmatch(part["file"]) is not None
        and _SHA256.fullmatch(part["sha256"]) is not None
        and ("mel_sha256" in part) == has_mel
        and _SHA256.fullmatch(part.get("mel_sha256", part["sha256"])) is not None
        and part["samples"] > 0
    )


def _is_record(value: object, types: dict[str, type], required: set[str]) -> TypeGuard[dict]:
    return (
        isinstance(value, dict)
        and required <= value.keys()
        and all(type(item) is types.get(key) for key, item in value.items())
    )
