"""Pseudo-quadrature mirror filters (PQMF): split a signal into sub-bands, and join them.

Source: Nguyen, "Near-perfect-reconstruction pseudo-QMF banks" (1994). The Kaiser prototype follows
Lin and Vaidyanathan (1998). Multi-band MelGAN (arXiv 2005.05106) uses PQMF in a vocoder.
"""

from functools import cache
from typing import Any

import numpy as np
from keras import ops

_KAISER_BETA = 9.0
_TAPS_PER_BAND = 16


@cache
def prototype(bands: int) -> np.ndarray:
    """Returns the symmetric low-pass prototype: float64 (16 · bands − 1,).

    A search chooses the cutoff that minimizes the autocorrelation at multiples of 2 · bands, so
    that neighboring bands cancel each other's aliases.
    """
    length = _TAPS_PER_BAND * bands - 1
    position = np.arange(length) - length // 2
    window = np.kaiser(length, _KAISER_BETA)

    def lowpass(cutoff: float) -> np.ndarray:
        return cutoff * np.sinc(cutoff * position) * window

    def ripple(cutoff: float) -> float:
        taps = lowpass(cutoff)
        shifts = np.convolve(taps, taps)[length - 1 :: 2 * bands]
        return float(np.abs(shifts[1:]).max() / shifts[0])

    low, high = 0.5 / bands, 1.0 / bands
    for _ in range(4):
        grid = np.linspace(low, high, 65)
        best = int(np.argmin([ripple(cutoff) for cutoff in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 64)]
    taps = lowpass((low + high) / 2)
    return taps / np.sqrt(2 * bands * np.sum(taps**2))


class PQMF:
    """A cosine-modulated filter bank with near-perfect reconstruction and no delay.

    The filters are constants, so the bank has no weights. `analysis` and `synthesis` take and
    return backend tensors (batch, time, channels), and compute in the dtype of their input.

    Args:
        bands: number of sub-bands.

    Examples:
        >>> from tf_melgan.layers.pqmf import PQMF
        >>> subbands = PQMF(4).analysis(keras.random.normal((1, 8192, 1)))
        >>> audio = PQMF(4).synthesis(subbands)
    """

    def __init__(self, bands: int):
        self.bands = bands
        taps = prototype(bands)
        self._center = len(taps) // 2
        position = np.arange(len(taps)) - self._center
        band = np.arange(bands)[:, None]
        angle = (2 * band + 1) * np.pi / (2 * bands) * position
        phase = (-1.0) ** band * np.pi / 4
        self._analysis = 2 * taps * np.cos(angle + phase)
        self._synthesis = 2 * taps * np.cos(angle - phase)

    def analysis(self, audio: Any) -> Any:
        """Splits a signal into sub-bands.

        Args:
            audio: (batch, samples, 1); `samples` is a multiple of `bands`.

        Returns:
            (batch, samples / bands, bands)
        """
        # The backends' convolution is a correlation, so the filters are reversed.
        kernel = np.sqrt(self.bands) * self._analysis[:, ::-1].T[:, None, :]
        padded = ops.pad(audio, ((0, 0), (self._center, self._center), (0, 0)))
        kernel = ops.convert_to_tensor(kernel, dtype=audio.dtype)
        return ops.conv(padded, kernel, strides=self.bands, padding="valid")

    def synthesis(self, subbands: Any) -> Any:
        """Joins sub-bands to a signal: (batch, frames, bands) → (batch, frames · bands, 1)."""
        kernel, before, after = self.synthesis_kernel()
        padded = ops.pad(subbands, ((0, 0), (before, after), (0, 0)))
        kernel = ops.convert_to_tensor(kernel, dtype=subbands.dtype)
        phases = ops.conv(padded, kernel, padding="valid")
        return ops.reshape(phases, (-1, ops.shape(subbands)[1] * self.bands, 1))

    def synthesis_kernel(self) -> tuple[np.ndarray, int, int]:
        """Returns synthesis as a plain convolution over frames.

        Returns:
            The kernel, float64 (16, bands, bands), and the number of zeros to pad before and
            after. Output sample n · bands + r is channel r of the convolution at frame n.
        """
        bands, center = self.bands, self._center
        half = _TAPS_PER_BAND // 2
        kernel = np.zeros((_TAPS_PER_BAND, bands, bands))
        for tap in range(_TAPS_PER_BAND):
            # Tap `tap` applies to frame n − shift.
            shift = half - 1 - tap
            for phase in range(bands):
                index = shift * bands + phase + center
                if 0 <= index < len(self._synthesis[0]):
                    kernel[tap, :, phase] = np.sqrt(bands) * self._synthesis[:, index]
        return kernel, half - 1, half
