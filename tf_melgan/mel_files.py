"""The log-mel of a file, piece by piece: of a `.npy` that holds one, or of a recording."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_melgan import audio, features
from tf_melgan.errors import BadInput
from tf_melgan.features import MelSpec, check_mel, check_shape, log_mel_valid

SUFFIXES = (*audio.SUFFIXES, ".npy")
_PIECE = 512


def pieces(path: str | Path, spec: MelSpec) -> Iterator[np.ndarray]:
    """Float32 (frames, n_mels) each, at most 512 frames, together the whole file's log-mel.

    A `.npy` is not read as a whole; a recording is.

    Raises:
        BadInput: naming the file, if it cannot be read, or is no mel of `spec`.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        mel = check_shape(_opened(path), spec, str(path))
        for start in range(0, len(mel), _PIECE):
            yield check_mel(mel[start : start + _PIECE], spec, name=str(path))
        return
    sound = audio.load(path, spec.sample_rate)
    padded = features.padded(sound, spec)
    for start in range(0, spec.frames(len(sound)) * spec.hop, _PIECE * spec.hop):
        samples = _PIECE * spec.hop + 2 * spec.margin
        yield log_mel_valid(padded[start : start + samples], spec)


def some(folder: Path, spec: MelSpec, most: int = 16) -> list[np.ndarray]:
    """The first piece of at most so many files, spread over those below a folder.

    Raises:
        BadInput: there are none, or one cannot be read.
    """
    files = audio.below(folder, SUFFIXES)
    if not files:
        raise BadInput(f"{folder}: holds no .npy mels and no recordings")
    return [next(pieces(path, spec)) for path in files[:: -(-len(files) // most)]]


def frames(path: str | Path, spec: MelSpec) -> int:
    """How many frames all pieces have together, by the file's header."""
    path = Path(path)
    if path.suffix.lower() == ".npy":
        return len(_opened(path))
    return spec.frames(math.ceil(audio.info(path).duration * spec.sample_rate))


def _opened(path: Path) -> np.ndarray:
    try:
        mel = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise BadInput(f"{path}: is not a .npy array; save it with numpy.save") from None
    if mel.ndim == 0:
        raise BadInput(f"{path}: holds a single number; give a mel (frames, bands)")
    return mel
