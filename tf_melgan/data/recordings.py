"""Finds the recordings to prepare, and splits them into training and validation."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tf_melgan.audio.listing import SUFFIXES, UNREADABLE_SUFFIXES, list_audio
from tf_melgan.errors import UserInputError


def find_recordings(folder: Path) -> list[str]:
    """Lists the sound files of a folder tree, also those of formats that cannot be read.

    Returns:
        The paths relative to `folder`, with slashes, in sorted order.

    Raises:
        UserInputError: there is no such folder, or no sound file in it.
    """
    if not folder.is_dir():
        raise UserInputError(f"{folder}: no such folder; give one with recordings")
    paths = list_audio(folder, (*SUFFIXES, *UNREADABLE_SUFFIXES))
    if not paths:
        raise UserInputError(
            f"{folder}: holds no wav, flac, ogg or mp3; give a folder of recordings"
        )
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def read_ids(path: Path, sources: Iterable[str]) -> set[str]:
    """Reads the names of the recordings for validation, one a line.

    Raises:
        UserInputError: the file cannot be read, or a name is not that of one of the `sources`.
    """
    try:
        listed = {line.strip() for line in path.read_text(encoding="utf-8").splitlines()} - {""}
    except (OSError, UnicodeDecodeError):
        raise UserInputError(
            f"{path}: cannot be read; give a text file with one id a line"
        ) from None
    missing = sorted(listed - {Path(source).stem for source in sources})
    if missing:
        raise UserInputError(
            f"{path}: {len(missing)} of {len(listed)} ids match no recording, {missing[0]!r} "
            "first; give file names without folder and suffix"
        )
    return listed


def split_of(source: str, validation: float, listed: set[str] | None) -> str:
    """Returns "train" or "validation" for a recording.

    Args:
        source: its path, relative to the folder of recordings.
        validation: fraction of the recordings for validation, which a hash of the path selects.
        listed: the names of the recordings for validation; if None, folders named `train` and
            `validation` decide, then the hash.
    """
    path = Path(source)
    if listed is not None:
        return "validation" if path.stem in listed else "train"
    for folder in reversed(path.parts[:-1]):
        if folder in ("train", "validation"):
            return folder
    # Names of files need not be UTF-8.
    name = path.with_suffix("").as_posix().encode(errors="surrogateescape")
    digest = hashlib.sha256(name).digest()
    return "validation" if int.from_bytes(digest[:8], "big") < validation * 2**64 else "train"
