"""Pseudo-quadrature mirror filters: a signal as bands at a fraction of its rate, and back.

Nguyen, "Near-perfect-reconstruction pseudo-QMF banks" (1994); the Kaiser prototype after Lin and
Vaidyanathan (1998); used for vocoders by Multi-band MelGAN, arXiv 2005.05106.
"""

from functools import cache
from typing import Any

import numpy as np
from keras import ops

_KAISER_BETA = 9.0
_TAPS_PER_BAND = 16


@cache
def prototype(bands: int) -> np.ndarray:
    """The low-pass prototype: (16 · bands − 1,) float64, symmetric.

    Its cutoff is the one for which shifts by 2 · bands of its autocorrelation vanish best, which
    is what makes neighboring bands cancel each other's aliases.
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
    """A bank of `bands` cosine-modulated filters; reconstruction is near-perfect, with no delay.

    Filters are constants: a bank has no weights. Both methods take and give
    (batch, time, channels) tensors of the backend, and compute in the dtype of their input.
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
        """(batch, samples, 1) → (batch, samples / bands, bands); samples is a multiple of bands."""
        # Convolution as the backends have it is correlation, so the filters are turned around.
        kernel = np.sqrt(self.bands) * self._analysis[:, ::-1].T[:, None, :]
        padded = ops.pad(audio, ((0, 0), (self._center, self._center), (0, 0)))
        kernel = ops.convert_to_tensor(kernel, dtype=audio.dtype)
        return ops.conv(padded, kernel, strides=self.bands, padding="valid")

    def synthesis(self, subbands: Any) -> Any:
        """(batch, frames, bands) → (batch, frames · bands, 1)."""
        kernel, before, after = self.synthesis_kernel()
        padded = ops.pad(subbands, ((0, 0), (before, after), (0, 0)))
        kernel = ops.convert_to_tensor(kernel, dtype=subbands.dtype)
        phases = ops.conv(padded, kernel, padding="valid")
        return ops.reshape(phases, (-1, ops.shape(subbands)[1] * self.bands, 1))

    def synthesis_kernel(self) -> tuple[np.ndarray, int, int]:
        """Synthesis as a plain convolution: its kernel and the zeros before and after.

        The kernel is (16, bands, bands) float64, from band to phase: output sample
        n · bands + r is channel r of the convolution at frame n.
        """
        bands, center = self.bands, self._center
        reach = _TAPS_PER_BAND // 2
        kernel = np.zeros((_TAPS_PER_BAND, bands, bands))
        for tap in range(_TAPS_PER_BAND):
            # Tap `tap` weighs frame n − shift.
            shift = reach - 1 - tap
            for phase in range(bands):
                index = shift * bands + phase + center
                if 0 <= index < len(self._synthesis[0]):
                    kernel[tap, :, phase] = np.sqrt(bands) * self._synthesis[:, index]
        return kernel, reach - 1, reach
