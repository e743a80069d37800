"""Log-mels of files in chunks: from a file that holds a mel, or from a recording."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_melgan.audio.conventions import read_mel, warn_if_unlikely
from tf_melgan.audio.listing import SUFFIXES as SOUND_SUFFIXES
from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel import log_mel_valid, pad_audio
from tf_melgan.audio.mel_arrays import MEL_SUFFIXES, read_array
from tf_melgan.audio.mel_sources import MelSource
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, read_audio
from tf_melgan.errors import UserInputError

SUFFIXES = (*SOUND_SUFFIXES, *MEL_SUFFIXES)
_CHUNK_FRAMES = 512


def holds_mel(path: str | Path) -> bool:
    """Returns whether a file holds a mel, going by its suffix; else it is a recording."""
    return Path(path).suffix.lower() in MEL_SUFFIXES


def iter_chunks(
    path: str | Path, spec: MelSpec, source: MelSource | None = None
) -> Iterator[np.ndarray]:
    """Yields the log-mel of a file in chunks of at most 512 frames.

    A `.npy` is read chunk by chunk; a recording is loaded as a whole.

    Args:
        path: a mel (`read_array`) or a recording.
        spec: the convention of the mels that are yielded, unless `source` is given.
        source: the convention of a mel, which is yielded as a log-mel of `source.spec`.

    Yields:
        float32 log-mel (frames, n_mels); the chunks add up to the mel of the whole file.

    Raises:
        UserInputError: the file cannot be read or is not a mel of that convention; the message
            names it.
    """
    path = Path(path)
    if holds_mel(path):
        yield from _iter_mel(path, source or MelSource(spec), named=source is not None)
        return
    audio = load_audio(path, spec.sample_rate)
    padded = pad_audio(audio, spec)
    samples = (_CHUNK_FRAMES - 1) * spec.hop + spec.n_fft
    for start in range(0, spec.frames(len(audio)) * spec.hop, _CHUNK_FRAMES * spec.hop):
        yield log_mel_valid(padded[start : start + samples], spec)


def _iter_mel(path: Path, source: MelSource, named: bool) -> Iterator[np.ndarray]:
    mel = read_array(path, source.spec.n_mels)
    for start in range(0, len(mel), _CHUNK_FRAMES):
        chunk = read_mel(mel[start : start + _CHUNK_FRAMES], source, str(path))
        if start == 0:
            warn_if_unlikely(chunk, source.spec, str(path), named)
        yield chunk


def sample_mels(folder: Path, spec: MelSpec, most: int = 16) -> list[np.ndarray]:
    """Returns the first chunk of up to `most` files, spread evenly over a folder tree.

    Args:
        folder: a folder tree with mels or recordings.
        spec: the convention of the mels.
        most: the maximum number of files.

    Returns:
        float32 log-mels (frames, n_mels) of at most 512 frames each.

    Raises:
        UserInputError: the folder has no such files, or one cannot be read.
    """
    files = list_audio(folder, SUFFIXES)
    if not files:
        raise UserInputError(f"{folder}: holds no mels and no recordings")
    return [next(iter_chunks(path, spec)) for path in files[:: -(-len(files) // most)]]


def count_frames(path: str | Path, spec: MelSpec, source: MelSource | None = None) -> int:
    """Returns the total number of frames of all chunks. A recording is decoded for that."""
    if holds_mel(path):
        return len(read_array(path, (source.spec if source else spec).n_mels))
    sound, rate = read_audio(path)
    return spec.frames(math.ceil(len(sound) * spec.sample_rate / rate))
