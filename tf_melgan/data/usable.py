"""Whether a recording can be trained on, and its samples as training stores them."""

import math
from typing import NamedTuple

import numpy as np

from tf_melgan.audio.decoding import Recording
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import resample
from tf_melgan.errors import require

PEAK = 0.95
SILENCE = 1e-3
# Three equal samples in a row at full scale mean clipping: in unclipped audio only a tone under
# 40 Hz at full level has them. One or two such runs are clicks, and are accepted.
FLAT_RUN, FLAT_RUNS = 3, 3
FULL_SCALE = 32767 / 32768
# Below full scale, the round top of a low or a quiet tone has equal samples, too. The sample before
# a cut top is lower by more than this share of it, and by more than this many quantization steps.
EDGE, EDGE_STEPS = 0.02, 3
# A mean beyond this share of the peak comes from the equipment.
OFFSET = 0.01


class Usable(NamedTuple):
    """A recording as training stores it.

    Attributes:
        samples: int16 (samples,), a whole number of hops.
        gain: the factor on the recording, by which it peaks at 0.95.
        frames: the frames of the whole recording, the last of which may be of a partial hop.
        remark: what is remarkable about the recording, or "".
    """

    samples: np.ndarray
    gain: float
    frames: int
    remark: str


def usable_samples(recording: Recording, spec: MelSpec, most_gain: float = math.inf) -> Usable:
    """Converts a recording to what is stored.

    Args:
        recording: the recording.
        spec: the mel settings.
        most_gain: the largest gain. A recording that needs a larger one stays below the peak.

    Raises:
        UserInputError: the recording is clipped, too short or silent.
    """
    sound, rate, remark = recording
    require(not _clipped(sound), "clipped: cut flat at full scale three times or more")
    require(not _cut_below_full_scale(sound), "clipped: its peaks are cut flat below full scale")
    mono = sound.mean(axis=1)
    offset = mono.mean(dtype=np.float64)
    if abs(offset) > OFFSET * np.abs(mono).max():
        mono = (mono - offset).astype(np.float32)
        remark = ", ".join(filter(None, [remark, f"a constant offset of {offset:.3f} is removed"]))
    mono = resample(mono, rate, spec.sample_rate)
    require(
        len(mono) >= spec.n_fft,
        f"too short: {len(mono)} samples at {spec.sample_rate} Hz, under one window",
    )
    peak = np.abs(mono).max()
    require(peak >= SILENCE, "silent: nowhere above -60 dB of full scale")
    frames = spec.frames(len(mono))
    mono = mono[: len(mono) - len(mono) % spec.hop]
    scale = min(PEAK * 32768 / peak, most_gain * 32768)
    return Usable(np.round(mono * scale).astype(np.int16), float(scale) / 32768, frames, remark)


def _clipped(sound: np.ndarray) -> bool:
    """Returns whether a channel of float (samples, channels) is clipped at least three times."""
    full_scale = np.abs(sound) >= FULL_SCALE
    starts = _run_starts(full_scale[1:] & (sound[1:] == sound[:-1]), FLAT_RUN - 1)
    return bool((starts.sum(axis=0) >= FLAT_RUNS).any())


def _cut_below_full_scale(sound: np.ndarray) -> bool:
    """Returns whether a channel's highest or lowest samples are cut flat at least three times."""
    for peak in (sound.max(axis=0), sound.min(axis=0)):
        below = np.abs(sound - peak)
        step = np.where(below > 0, below, np.inf).min(axis=0)
        starts = _run_starts(below[1:] == 0, FLAT_RUN)
        edges = below[: len(starts)] > np.maximum(EDGE * np.abs(peak), EDGE_STEPS * step)
        if ((starts & edges).sum(axis=0) >= FLAT_RUNS).any():
            return True
    return False


def _run_starts(flags: np.ndarray, length: int) -> np.ndarray:
    """Marks where runs of at least `length` True begin, along the first axis."""
    runs = flags[length - 1 :].copy()
    for lag in range(1, length):
        runs &= flags[length - 1 - lag : -lag]
    runs[1:] &= ~runs[:-1]
    return runs
