"""Log-mels of files in chunks: from a `.npy` that holds a mel, or from a recording."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from tf_melgan.audio.conventions import check_mel, check_mel_shape
from tf_melgan.audio.listing import SUFFIXES as SOUND_SUFFIXES
from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel import log_mel_valid, pad_audio
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.npy_header import read_header
from tf_melgan.audio.sound_files import load_audio, read_audio
from tf_melgan.errors import UserInputError, require

SUFFIXES = (*SOUND_SUFFIXES, ".npy")
_CHUNK_FRAMES = 512


def iter_chunks(path: str | Path, spec: MelSpec) -> Iterator[np.ndarray]:
    """Yields the log-mel of a file in chunks of at most 512 frames.

    A `.npy` is read chunk by chunk; a recording is loaded as a whole.

    Args:
        path: a `.npy` with a log-mel (frames, n_mels), or a recording.
        spec: the convention of the mel.

    Yields:
        float32 log-mel (frames, n_mels); the chunks add up to the mel of the whole file.

    Raises:
        UserInputError: the file cannot be read or is not a mel of `spec`; the message names it.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        mel = _opened(path, spec)
        for start in range(0, len(mel), _CHUNK_FRAMES):
            yield check_mel(mel[start : start + _CHUNK_FRAMES], spec, name=str(path))
        return
    audio = load_audio(path, spec.sample_rate)
    padded = pad_audio(audio, spec)
    samples = (_CHUNK_FRAMES - 1) * spec.hop + spec.n_fft
    for start in range(0, spec.frames(len(audio)) * spec.hop, _CHUNK_FRAMES * spec.hop):
        yield log_mel_valid(padded[start : start + samples], spec)


def sample_mels(folder: Path, spec: MelSpec, most: int = 16) -> list[np.ndarray]:
    """Returns the first chunk of up to `most` files, spread evenly over a folder tree.

    Args:
        folder: a folder tree with `.npy` mels or recordings.
        spec: the convention of the mels.
        most: the maximum number of files.

    Returns:
        float32 log-mels (frames, n_mels) of at most 512 frames each.

    Raises:
        UserInputError: the folder has no such files, or one cannot be read.
    """
    files = list_audio(folder, SUFFIXES)
    if not files:
        raise UserInputError(f"{folder}: holds no .npy mels and no recordings")
    return [next(iter_chunks(path, spec)) for path in files[:: -(-len(files) // most)]]


def count_frames(path: str | Path, spec: MelSpec) -> int:
    """Returns the total number of frames of all chunks. A recording is decoded for that."""
    path = Path(path)
    if path.suffix.lower() == ".npy":
        return len(_opened(path, spec))
    sound, rate = read_audio(path)
    return spec.frames(math.ceil(len(sound) * spec.sample_rate / rate))


def _opened(path: Path, spec: MelSpec) -> np.ndarray:
    """A mel's file as a memory map, of a size that its header and `spec` agree with."""
    require(path.is_file() or not path.exists(), f"{path}: is not a file; give a .npy file")
    try:
        with path.open("rb") as file:
            shape, fortran_order, dtype = read_header(file)
            start, size = file.tell(), path.stat().st_size - file.tell()
    except (OSError, ValueError):
        raise UserInputError(f"{path}: is not a .npy array; save it with numpy.save") from None
    check_mel_shape(shape, dtype, spec, str(path))
    expected = math.prod(shape) * dtype.itemsize
    require(
        size == expected,
        f"{path}: has {size} bytes of a mel {shape}, not {expected}; copy or save it again",
    )
    order: Literal["C", "F"] = "F" if fortran_order else "C"
    return np.memmap(path, dtype, "r", start, shape, order)
