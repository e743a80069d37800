"""Pseudo-quadrature mirror filters (PQMF): split a signal into sub-bands, and join them.

Multi-band MelGAN (arXiv 2005.05106) uses them in a vocoder.
"""

from typing import Any

import numpy as np
from keras import ops

from tf_melgan.layers.filter_bank import FilterBank


class PQMF:
    """A cosine-modulated filter bank with near-perfect reconstruction and no delay.

    The filters are constants, so the bank has no weights. `analysis` and `synthesis` take and
    return backend tensors (batch, time, channels), and compute in the dtype of their input.

    Args:
        bands: number of sub-bands.
        design: the design of the filters.

    Examples:
        >>> from tf_melgan.layers.pqmf import PQMF
        >>> subbands = PQMF(4).analysis(keras.random.normal((1, 8192, 1)))
        >>> audio = PQMF(4).synthesis(subbands)
    """

    def __init__(self, bands: int, design: FilterBank | None = None):
        self.bands = bands
        self._analysis, self._synthesis = (design or FilterBank()).filters(bands)
        self._center = self._analysis.shape[1] // 2

    def analysis(self, audio: Any) -> Any:
        """Splits a signal into sub-bands.

        Args:
            audio: (batch, samples, 1); `samples` is a multiple of `bands`.

        Returns:
            (batch, samples / bands, bands)
        """
        # The backends' convolution is a correlation, so the filters are reversed.
        kernel = self._analysis[:, ::-1].T[:, None, :]
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
            The kernel, float64 (frames, bands, bands), and the number of zeros to pad before and
            after. Output sample n · bands + r is channel r of the convolution at frame n.
        """
        bands, center = self.bands, self._center
        before, after = center // bands, (center + bands - 1) // bands
        kernel = np.zeros((before + 1 + after, bands, bands))
        for tap in range(len(kernel)):
            # Tap `tap` applies to frame n − shift.
            shift = before - tap
            for phase in range(bands):
                index = shift * bands + phase + center
                if 0 <= index < self._synthesis.shape[1]:
                    kernel[tap, :, phase] = self._synthesis[:, index]
        return kernel, before, after
