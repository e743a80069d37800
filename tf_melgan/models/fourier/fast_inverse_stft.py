"""An inverse STFT of frames four hops long, in three eighths of the multiplications, and small.

A frame is the sum of what its bins give by their remainder modulo 4: 0 gives a signal that repeats
after one hop, 2 one that repeats with its sign changed, and 1 and 3 together one that repeats after
two hops with its sign changed. So one hop of the first and of the second is enough, and two of the
third; window, signs and overlap-add are then a depthwise convolution over frames.

Of each signal a quarter is enough to have a matrix for: the next quarters are what the same matrix
makes of the same bins, each turned by as much as it turns in that time.
"""

import math

import numpy as np

from tf_melgan.models.fourier.inverse_stft import OVERLAP, inverse_dft, window


def groups(hop: int) -> list[np.ndarray]:
    """The bins whose remainder modulo 4 is 0, those where it is 2, and the odd ones."""
    bins = np.arange(OVERLAP * hop // 2 + 1)
    return [bins[0::4], bins[2::4], bins[1::2]]


def basis(hop: int, bins: np.ndarray) -> np.ndarray:
    """Real and then imaginary parts of a group's bins → the first part of its signal.

    Returns:
        float64 (2 · bins, samples): a quarter of the signal, or where it has none its half or all.
    """
    return inverse_dft(hop, bins, _period(hop, bins) // _parts(hop, bins))


def turns(hop: int, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How a group's bins turn from the first part of its signal to each part before it repeats.

    Returns:
        Cosines and sines, float64 (parts, 2 · bins): a spectrum, real parts and then imaginary,
        times the ones and its halves' exchange times the others is the spectrum turned.
    """
    size, parts = OVERLAP * hop, _parts(hop, bins)
    begins = np.arange(parts) * (_period(hop, bins) // parts)
    angle = 2 * np.pi * (begins[:, None] * bins % size) / size
    # Those of right angles are then exactly 0, and need not be multiplied with.
    cosine, sine = np.round(np.cos(angle), 15), np.round(np.sin(angle), 15)
    return np.concatenate((cosine, cosine), 1), np.concatenate((-sine, sine), 1)


def _period(hop: int, bins: np.ndarray) -> int:
    """Samples of a group's signal before it repeats: the odd bins' are two hops."""
    return hop * (1 + int(bins[0]) % 2)


def _parts(hop: int, bins: np.ndarray) -> int:
    return math.gcd(_period(hop, bins), 4)


def overlap_kernel(hop: int) -> np.ndarray:
    """Window and overlap-add of the groups' signals, one after the other: (4, 4 · hop) float64.

    Tap t meets the frame that began 3 − t hops ago. Of what comes out, the four times `hop`
    channels are to be added.
    """
    parts = window(hop).reshape(OVERLAP, hop)
    signs = np.array([[1, 1, 1, 0], [1, -1, 0, 1], [1, 1, -1, 0], [1, -1, 0, -1]])
    return np.flip((signs[:, :, None] * parts[:, None]).reshape(OVERLAP, -1), axis=0).copy()
