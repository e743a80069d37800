"""The inverse STFT of frames four hops long, as matrices (NumPy, float64)."""

import numpy as np

OVERLAP = 4
"""Hops in a frame: as many windows overlap in a sample."""


def inverse_kernel(hop: int) -> np.ndarray:
    """Inverse DFT, window and overlap-add as one convolution: (4, 2 · bins, hop) float64.

    A frame is `inverse_dft` times `window`; frames are `hop` apart. Channel r of step n is sample
    n · hop + r, counted from 3 frames before the first frame's begin.
    """
    basis = inverse_dft(hop, np.arange(OVERLAP * hop // 2 + 1), OVERLAP * hop) * window(hop)
    # Tap t meets the frame that began 3 − t hops ago.
    return np.flip(basis.reshape(-1, OVERLAP, hop).transpose(1, 0, 2), axis=0).copy()


def inverse_dft(hop: int, bins: np.ndarray, samples: int) -> np.ndarray:
    """What some bins, real parts and then imaginary, add to a frame's first samples.

    Returns:
        float64 (2 · bins, samples), of the real inverse DFT of size 4 · hop.
    """
    size = OVERLAP * hop
    frequency = bins[:, None]
    angle = 2 * np.pi * (frequency * np.arange(samples) % size) / size
    weight = np.where(frequency % (size // 2) == 0, 1.0, 2.0) / size
    return np.concatenate((weight * np.cos(angle), -weight * np.sin(angle)))


def window(hop: int) -> np.ndarray:
    """Periodic Hann of 4 · hop samples over 1.5, the sum of its squares that meet: float64."""
    size = OVERLAP * hop
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)) / 1.5
