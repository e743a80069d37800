"""Whether a recording can be trained on, and its samples as training stores them."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import resample
from tf_melgan.errors import UserInputError

PEAK = 0.95
SILENCE = 1e-3
# Three equal samples in a row at full scale mean clipping: in unclipped audio only a tone under
# 40 Hz at full level has them. One or two such runs are clicks, and are accepted.
FLAT_RUN, FLAT_RUNS = 3, 3
FULL_SCALE = 32767 / 32768


def usable_samples(sound: np.ndarray, rate: int, spec: MelSpec) -> np.ndarray:
    """Converts a recording to int16 (samples,), a whole number of hops.

    Raises:
        UserInputError: the recording is clipped, too short or silent.
    """
    if _clipped(sound):
        raise UserInputError("clipped: cut flat at full scale three times or more")
    mono = resample(sound.mean(axis=1), rate, spec.sample_rate)
    if len(mono) < spec.n_fft:
        raise UserInputError(
            f"too short: {len(mono)} samples at {spec.sample_rate} Hz, under one window"
        )
    peak = np.abs(mono).max()
    if peak < SILENCE:
        raise UserInputError("silent: nowhere above -60 dB of full scale")
    mono = mono[: len(mono) - len(mono) % spec.hop]
    return np.round(mono * (PEAK * 32768 / peak)).astype(np.int16)


def _clipped(sound: np.ndarray) -> bool:
    """Returns whether a channel of float (samples, channels) is clipped at least three times."""
    full_scale = np.abs(sound) >= FULL_SCALE
    flat = full_scale[1:] & (sound[1:] == sound[:-1])
    runs = flat[FLAT_RUN - 2 :].copy()
    for lag in range(1, FLAT_RUN - 1):
        runs &= flat[FLAT_RUN - 2 - lag : -lag]
    starts = runs[:1].sum(axis=0) + (runs[1:] & ~runs[:-1]).sum(axis=0)
    return bool((starts >= FLAT_RUNS).any())
