"""The sound file that `tf-melgan vocode` writes for each input; `-` is a standard stream."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel_files import SUFFIXES
from tf_melgan.audio.sound_files import WRITABLE
from tf_melgan.errors import UserInputError, require

STANDARD_STREAM = Path("-")
# How files of mels begin. A zip archive is a `.npz` if it holds a `.npy`.
_MELS = {b"\x93NUMPY": ".npy", b"PK\x03\x04": ".pt", b"\x80": ".pt"}
_NAME_BYTES = 256
# A folder's name may end like a version, in ".2"; a file's ends in letters.
_FILE_SUFFIX = re.compile(r"\.[A-Za-z]\w{1,4}")


@contextmanager
def standard_input(folder: Path) -> Iterator[Path]:
    """Yields a file in `folder` with the bytes of standard input: a mel, else a recording.

    Errors inside the block that name the file name standard input.
    """
    data = sys.stdin.buffer.read()
    require(bool(data), "standard input: is empty; pipe a mel or a recording into it")
    suffix = next((s for start, s in _MELS.items() if data.startswith(start)), ".wav")
    if suffix == ".pt" and b".npy" in data[:_NAME_BYTES]:
        suffix = ".npz"
    path = folder / f"stdin{suffix}"
    path.write_bytes(data)
    try:
        yield path
    except UserInputError as error:
        raise UserInputError(str(error).replace(str(path), "standard input")) from None


@contextmanager
def standard_output(folder: Path, raw: bool) -> Iterator[Path]:
    """Yields the path of a wav in `folder`, which goes to standard output after the block.

    Args:
        folder: a folder for it.
        raw: leave out the header.

    Raises:
        UserInputError: standard output is a terminal, or closed.
    """
    # `main` opens what the caller closed.
    require(
        getattr(sys.stdout, "name", None) != os.devnull,
        "standard output: is closed; open it, or give --out",
    )
    require(
        not sys.stdout.isatty(),
        "standard output: is a terminal; redirect it to a file or a player, or give --out",
    )
    path = folder / "stdout.wav"
    yield path
    with path.open("rb") as file:
        if raw:
            _skip_header(file)
        shutil.copyfileobj(file, sys.stdout.buffer)


def _skip_header(wav: BinaryIO) -> None:
    """Goes to the first sample of a wav that this program wrote: its last chunk is the sound."""
    wav.seek(12)
    while wav.read(4) != b"data":
        wav.seek(int.from_bytes(wav.read(4), "little"), os.SEEK_CUR)
    wav.seek(4, os.SEEK_CUR)


def targets(inputs: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Returns the file to write for each input file.

    Args:
        inputs: mels and recordings, or folders of them.
        out: a folder; for a single file also a `.wav` or `.flac`.

    Raises:
        UserInputError: an input does not exist or is nothing to vocode, two would be written to
            the same file, or an input would be overwritten.
    """
    files: dict[Path, Path] = {}
    for path in inputs:
        if path.is_dir():
            found = list_audio(path, SUFFIXES)
            require(bool(found), f"{path}: holds no mels and no recordings")
            files |= {file: out / file.relative_to(path).with_suffix(".wav") for file in found}
        else:
            _check_input(path)
            files[path] = out / f"{path.stem}.wav"
    if _names_a_file(out):
        require(
            len(files) == 1 and not inputs[0].is_dir(),
            f"--out: {out} is the name of a file, for {len(files)} inputs; give a folder",
        )
        files = dict.fromkeys(files, out)
    _check_targets(files)
    return files


def _check_input(path: Path) -> None:
    require(path.is_file(), f"{path}: no such file; give mels, recordings, or a folder of them")
    require(
        path.suffix.lower() in SUFFIXES,
        f"{path}: is neither a recording nor a mel; give a sound file, a .npy, .npz or .pt",
    )


def _names_a_file(out: Path) -> bool:
    if out.is_dir() or not _FILE_SUFFIX.fullmatch(out.suffix):
        return False
    require(
        out.suffix.lower() in WRITABLE,
        f"--out: {out} would be no {' or '.join(WRITABLE)} file; give one of these, or a folder",
    )
    return True


def _check_targets(files: dict[Path, Path]) -> None:
    sources: dict[Path, Path] = {}
    inputs = {source.resolve() for source in files}
    for source, target in files.items():
        require(
            target.resolve() not in inputs,
            f"{target}: is an input and would be overwritten; give another --out",
        )
        require(
            target not in sources,
            f"{source}: would be written to {target}, like {sources.get(target)}; rename one of "
            "them",
        )
        sources[target] = source
