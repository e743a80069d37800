"""Triangular filters on a mel scale."""

from functools import lru_cache

import numpy as np


def band_edges(n_mels: int, fmin: float, fmax: float, htk: bool) -> np.ndarray:
    """Returns the edges of filters in Hz: float64 (n_mels + 2,).

    Band i starts at edge i, peaks at i + 1 and ends at i + 2.
    """
    low, high = _hz_to_mel(np.array([fmin, fmax], np.float64), htk)
    return _mel_to_hz(np.linspace(low, high, n_mels + 2), htk)


@lru_cache
def mel_matrix(
    rate: float, n_fft: int, n_mels: int, fmin: float, fmax: float, htk: bool, norm: str
) -> np.ndarray:
    """Returns the filters as a read-only matrix: float64 (n_mels, n_fft // 2 + 1)."""
    corners = band_edges(n_mels, fmin, fmax, htk)[:, None]
    frequencies = np.arange(n_fft // 2 + 1) * (rate / n_fft)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    matrix = np.maximum(0, np.minimum(rising, falling))
    if norm == "slaney":
        matrix = matrix * 2 / (corners[2:] - corners[:-2])
    matrix.setflags(write=False)
    return matrix


def _hz_to_mel(hz: np.ndarray, htk: bool) -> np.ndarray:
    if htk:
        return 2595 * np.log10(1 + hz / 700)
    logarithmic = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, 3 * hz / 200, logarithmic)


def _mel_to_hz(mel: np.ndarray, htk: bool) -> np.ndarray:
    if htk:
        return 700 * (10 ** (mel / 2595) - 1)
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))
