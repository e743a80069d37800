"""Log-mels of any convention as one quantity: the mean magnitude of the frequencies in a band."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, take_log


def log10_magnitudes(mel: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Returns log10 of each band's mean magnitude: (…, n_mels) → float64 (…, n_mels)."""
    values = np.asarray(mel, np.float64) / take_log(10.0, spec)
    return (values - _offset(spec)) / spec.power


def from_log10_magnitudes(magnitudes: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Returns the log-mel of `spec`: the inverse of `log10_magnitudes`, not below the floor."""
    values = (magnitudes * spec.power + _offset(spec)) * take_log(10.0, spec)
    return np.maximum(values, spec.log_floor)


def _offset(spec: MelSpec) -> np.ndarray:
    """log10 of the sum of each filter's weights, from its area over Hz."""
    area = spec.band_widths if spec.norm == "none" else np.ones(spec.n_mels)
    return np.log10(area * spec.n_fft / spec.sample_rate)
