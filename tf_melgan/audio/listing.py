"""Finds the sound files of a folder tree."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import soundfile

# soundfile's names of formats that do not only have the name as their suffix.
_MORE_SUFFIXES = {
    "AIFF": (".aif", ".aifc"),
    "AU": (".snd",),
    "IRCAM": (".sf",),
    "MP3": (".mp1", ".mp2"),
    "NIST": (".sph",),
    "OGG": (".oga", ".opus"),
    "SVX": (".8svx",),
    "WAV": (".wave",),
}
_WITHOUT_HEADER = ("RAW", "SD2")
_FORMATS = [name for name in soundfile.available_formats() if name not in _WITHOUT_HEADER]

SUFFIXES = tuple(
    sorted(
        suffix
        for name in _FORMATS
        for suffix in (f".{name.lower()}", *_MORE_SUFFIXES.get(name, ()))
    )
)
"""The suffixes of sound files that can be read, in lower case with a dot."""

_NO_DECODER = (".aac", ".ac3", ".amr", ".ape", ".m4a", ".m4b", ".mka", ".mpc", ".ra", ".wma", ".wv")
_NO_HEADER = (".gsm", ".pcm", ".raw", ".sd2", ".vox")
UNREADABLE_SUFFIXES = (*_NO_DECODER, *_NO_HEADER)
"""The suffixes of sound files that cannot be read."""


def list_audio(folder: Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """Lists the sound files of a folder tree in sorted order, without hidden files.

    Symbolic links to folders are followed. A folder that several links lead to is listed once.

    Args:
        folder: the root of the tree.
        suffixes: the accepted suffixes, in lower case with a dot.

    Returns:
        The paths, each starting with `folder`. A folder that cannot be read is listed itself, and
        so are pipes and devices with the name of a sound file: `require_file` refuses them.

    Examples:
        >>> from tf_melgan.audio.listing import list_audio
        >>> for path in list_audio(Path("recordings")):
        ...     print(path)
    """
    return sorted(
        path
        for path in _files(folder)
        if (path.suffix.lower() in suffixes and not path.name.startswith("."))
        or os.path.isdir(path)
    )


def _files(root: Path) -> Iterator[Path]:
    """Yields what is no folder, such as files, pipes and dead links, and unreadable folders."""
    # Links come last, so that a folder inside the tree keeps its own path.
    pending, seen = deque([root]), set()
    while pending:
        folder = pending.popleft()
        try:
            status, names = os.stat(folder), sorted(os.listdir(folder))
        except OSError:
            yield folder
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for path in (folder / name for name in names):
            if not os.path.isdir(path):
                yield path
            elif os.path.islink(path):
                pending.append(path)
            else:
                pending.appendleft(path)
