"""A fast inverse STFT of frames four hops long, with small matrices.

It needs three eighths of the multiplications of a full inverse DFT. The bins of a frame are grouped
by their remainder modulo 4, and the frame is the sum of three signals:

- remainder 0: a signal that repeats after one hop;
- remainder 2: a signal that repeats after one hop with the opposite sign;
- remainders 1 and 3: a signal that repeats after two hops with the opposite sign.

It is therefore enough to compute one hop of the first and of the second signal, and two hops of the
third. Window, signs and overlap-add are a depthwise convolution over frames.

A matrix for a quarter of each signal is enough. The same matrix gives the other quarters, after
each bin is rotated by its phase advance over that time.
"""

import math

import numpy as np

from tf_melgan.models.fourier.inverse_stft import OVERLAP, inverse_dft, window


def groups(hop: int) -> list[np.ndarray]:
    """Returns the bins with remainder 0 modulo 4, those with remainder 2, and the odd bins."""
    bins = np.arange(OVERLAP * hop // 2 + 1)
    return [bins[0::4], bins[2::4], bins[1::2]]


def basis(hop: int, bins: np.ndarray) -> np.ndarray:
    """Returns the matrix from a group's bins (real, then imaginary parts) to its first part.

    Returns:
        float64 (2 · bins, samples) for a quarter of the signal; for a half or for the whole
        signal if its length is not divisible by 4.
    """
    return inverse_dft(hop, bins, _period(hop, bins) // _parts(hop, bins))


def turns(hop: int, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rotation of a group's bins from the first part of its signal to each part.

    Returns:
        Cosines and sines, float64 (parts, 2 · bins). The rotated spectrum is
        spectrum · cosines + swapped · sines. The spectrum has real and then imaginary parts;
        `swapped` has imaginary and then real parts.
    """
    size, parts = OVERLAP * hop, _parts(hop, bins)
    starts = np.arange(parts) * (_period(hop, bins) // parts)
    angle = 2 * np.pi * (starts[:, None] * bins % size) / size
    # Rounding makes the values at right angles exactly 0, so that they can be skipped.
    cosine, sine = np.round(np.cos(angle), 15), np.round(np.sin(angle), 15)
    return np.concatenate((cosine, cosine), 1), np.concatenate((-sine, sine), 1)


def _period(hop: int, bins: np.ndarray) -> int:
    """Samples before a group's signal repeats: one hop, or two for odd bins."""
    return hop * (1 + int(bins[0]) % 2)


def _parts(hop: int, bins: np.ndarray) -> int:
    return math.gcd(_period(hop, bins), 4)


def overlap_kernel(hop: int) -> np.ndarray:
    """Returns window and overlap-add of the groups' signals as a depthwise kernel.

    The channels are the signals of the groups in order: `hop`, `hop` and 2 · `hop`. Tap t applies
    to the frame that started 3 − t hops ago. The sum of the four blocks of `hop` output channels
    is the waveform.

    Returns:
        float64 (4, 4 · hop)
    """
    parts = window(hop).reshape(OVERLAP, hop)
    signs = np.array([[1, 1, 1, 0], [1, -1, 0, 1], [1, 1, -1, 0], [1, -1, 0, -1]])
    return np.flip((signs[:, :, None] * parts[:, None]).reshape(OVERLAP, -1), axis=0).copy()
