"""The inverse STFT of frames four hops long, as NumPy matrices in float64."""

import numpy as np

OVERLAP = 4
"""Hops per frame, which is the number of windows that overlap at a sample."""


def inverse_kernel(hop: int) -> np.ndarray:
    """Returns inverse DFT, window and overlap-add as the kernel of one convolution over frames.

    A frame is `inverse_dft` times `window`; frames are `hop` samples apart. The spectra are padded
    with 3 frames at both ends. Channel r of step n is then sample n · hop + r, counted from the
    start of the first frame.

    Returns:
        float64 (4, 2 · bins, hop)
    """
    basis = inverse_dft(hop, np.arange(OVERLAP * hop // 2 + 1), OVERLAP * hop) * window(hop)
    # Tap t applies to the frame that started 3 − t hops ago.
    return np.flip(basis.reshape(-1, OVERLAP, hop).transpose(1, 0, 2), axis=0).copy()


def envelope_kernel(hop: int) -> np.ndarray:
    """Returns the overlap-add of squared windows as the kernel of one convolution over frames.

    Its input is 1 for each frame. Its output is 1 where all windows overlap, and below 1 near both
    ends, where a waveform of `inverse_kernel` is as much too small.

    Returns:
        float64 (4, 1, hop)
    """
    squares = (1.5 * window(hop) ** 2).reshape(OVERLAP, 1, hop)
    return np.flip(squares, axis=0).copy()


def inverse_dft(hop: int, bins: np.ndarray, samples: int) -> np.ndarray:
    """Returns rows of the real inverse DFT of size 4 · hop.

    Args:
        hop: samples per hop.
        bins: the bins to include.
        samples: number of samples from the start of the frame.

    Returns:
        float64 (2 · bins, samples); rows for the real parts, then for the imaginary parts.
    """
    size = OVERLAP * hop
    frequency = bins[:, None]
    angle = 2 * np.pi * (frequency * np.arange(samples) % size) / size
    weight = np.where(frequency % (size // 2) == 0, 1.0, 2.0) / size
    return np.concatenate((weight * np.cos(angle), -weight * np.sin(angle)))


def window(hop: int) -> np.ndarray:
    """Returns a periodic Hann window divided by 1.5, the sum of its overlapping squares.

    Returns:
        float64 (4 · hop,)
    """
    size = OVERLAP * hop
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)) / 1.5
