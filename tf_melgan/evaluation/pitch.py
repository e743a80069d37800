"""Metrics of the pitch and of voicing. F0 is estimated with pYIN between 60 and 600 Hz."""

from functools import lru_cache

import numpy as np

from tf_melgan.evaluation.convention import MetricValue, metric_mel_spec

_LOWEST, _HIGHEST = 60, 600  # Hz
_TOO_SHORT = "too short for pitch"


def log_f0_rmse(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """Root mean square error of log F0 over frames where both signals are voiced, in cents.

    100 cents are a semitone, or 0.0578 in natural logarithm.
    """
    a, b = (_pitch(x.tobytes(), x.dtype.str, rate) for x in (reference, synthesized))
    if a is None or b is None:
        return _TOO_SHORT
    cents = 1200 * np.log2(a / b)
    voiced = cents[np.isfinite(cents)]
    return float(np.sqrt((voiced**2).mean())) if len(voiced) else "never voiced together"


def voicing_error(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """Percentage of all frames in which one signal is voiced and the other one is not."""
    a, b = (_pitch(x.tobytes(), x.dtype.str, rate) for x in (reference, synthesized))
    if a is None or b is None:
        return _TOO_SHORT
    return float(100 * np.mean(np.isfinite(a) != np.isfinite(b)))


@lru_cache(maxsize=2)  # It takes longer than all other metrics: both metrics of a pair share it.
def _pitch(audio: bytes, dtype: str, rate: int) -> np.ndarray | None:
    """F0 of each frame in Hz, NaN where it is unvoiced (pYIN; Mauch & Dixon 2014)."""
    import librosa

    spec = metric_mel_spec(rate)
    samples = np.frombuffer(audio, dtype)
    if len(samples) < 2 * spec.n_fft:
        return None
    window, hop = 2 * spec.n_fft, spec.hop
    pitch, _, _ = librosa.pyin(
        samples, fmin=_LOWEST, fmax=_HIGHEST, sr=rate, frame_length=window, hop_length=hop
    )
    return np.asarray(pitch)
