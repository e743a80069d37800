"""Log-mels that are given beside recordings, such as those that an acoustic model predicts.

A mel belongs to the recording of the same path without suffix, or of the same name. It has to
follow that recording frame by frame, as a model's does under teacher forcing.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.audio.conventions import check_mel
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_layout import with_frames_first
from tf_melgan.audio.mel_spec import MelSpec, take_log
from tf_melgan.audio.npy_header import read_header
from tf_melgan.data.usable import Usable
from tf_melgan.errors import UserInputError, require

# Programs count the frames at the end of a recording in different ways.
MOST_FRAMES_APART = 2
# A prediction is a few dB away from the recording's mel; one of another convention or of another
# sentence is farther away, or runs otherwise.
_MOST_DECIBELS, _LEAST_CORRELATION = 20, 0.6


def mel_path(mels: Path, source: str) -> Path:
    """The mel of a recording.

    Args:
        mels: the folder of mels, with the folders of the recordings or without folders.
        source: the recording's path, relative to the folder of recordings.

    Raises:
        UserInputError: there is no such file.
    """
    path = (mels / source).with_suffix(".npy")
    found = next((x for x in (path, mels / path.name) if x.is_file()), None)
    if found is None:
        raise UserInputError(f"has no mel: {path} is missing")
    return found


def read_mel(path: Path, spec: MelSpec) -> np.ndarray:
    """Reads a mel of any layout that leaves no doubt.

    Args:
        path: a `.npy` of (frames, n_mels) or (n_mels, frames), perhaps with a batch axis of 1
            before them.
        spec: the convention of the mel.

    Returns:
        float32 (frames, n_mels).

    Raises:
        UserInputError: it is not a log-mel of `spec`; the message begins with "its mel".
    """
    try:
        with path.open("rb") as file:
            read_header(file)
        # The memory map also compares the file's size with the header.
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, OverflowError):
        raise UserInputError("its mel is not a .npy array") from None
    # Whoever gives hundreds of mels knows how they lie.
    frames = with_frames_first(stored, spec.n_mels, "its mel")
    return check_mel(frames, spec, name="its mel")


def pair(usable: Usable, mel: np.ndarray, spec: MelSpec) -> tuple[np.ndarray, np.ndarray, str]:
    """Joins a recording, whose gain is at most 1, and the mel that is given for it.

    Args:
        usable: the recording as it is stored.
        mel: the mel of the recording at its own level, float32 (frames, n_mels).
        spec: the convention.

    Returns:
        The samples and the mel of the frames that both have, the mel at the level of the samples;
        and what is remarkable, or "".

    Raises:
        UserInputError: the lengths are more than two frames apart, or the mel is of another
            recording or another convention.
    """
    lengths = f"its mel has {len(mel)} frames, not {usable.frames}"
    require(abs(len(mel) - usable.frames) <= MOST_FRAMES_APART, lengths)
    remarks = [usable.remark, lengths if len(mel) != usable.frames else ""]
    frames = min(len(mel), len(usable.samples) // spec.hop)
    samples, mel = usable.samples[: frames * spec.hop], mel[:frames]
    own = log_mel(samples / np.float32(32768 * usable.gain), spec)[:frames]
    _check_likeness(mel, own, spec)
    given = quieter(mel, np.float32(usable.gain), spec)
    return samples, given, ", ".join(filter(None, remarks))


def _check_likeness(mel: np.ndarray, own: np.ndarray, spec: MelSpec) -> None:
    decibels = np.abs(mel - own).mean() * 20 / log_of_gain(10.0, spec)
    require(
        decibels <= _MOST_DECIBELS,
        f"its mel is {decibels:.0f} dB away from the recording's own; convert its convention",
    )
    with np.errstate(invalid="ignore"):  # A constant mel follows nothing.
        correlation = np.corrcoef(mel.ravel(), own.ravel())[0, 1]
    require(
        correlation >= _LEAST_CORRELATION,
        f"its mel does not follow the recording, with a correlation of {correlation:.2f}",
    )


def log_of_gain(gain: float, spec: MelSpec) -> float:
    """By how much the log-mel of `spec` rises where the sound is multiplied with `gain`."""
    return spec.power * float(take_log(np.float64(gain), spec))


def quieter(mel: Any, gain: Any, spec: MelSpec, by: Any = np) -> Any:
    """The log-mel of a sound that is multiplied with `gain`.

    This is exact, because `gain` is at most 1 (but for a constant under the root, `spec.epsilon`):
    what is above the floor falls, at most to the floor. What a prediction has below it stays.

    Args:
        mel: log-mel (…, frames, n_mels).
        gain: factors from 0 to 1 that can be multiplied with `mel`'s shape.
        spec: the convention.
        by: the functions to compute with, `numpy` or `keras.ops`.
    """
    fall = by.log(gain) * log_of_gain(np.e, spec)
    return by.maximum(mel + fall, by.minimum(mel, spec.log_floor))
