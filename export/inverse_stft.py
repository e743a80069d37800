"""An inverse STFT whose frames are four hops long, in three eighths of the multiplications.

A frame is the sum of what its bins give by their remainder modulo 4: 0 gives a signal that repeats
after one hop, 2 one that repeats with its sign changed, and 1 and 3 together one that repeats after
two hops with its sign changed. So one hop of the first and of the second is enough, and two of the
third; window, signs and overlap-add are then a depthwise convolution over frames.
"""

import numpy as np

from tf_melgan.config import OVERLAP
from tf_melgan.fourier import inverse_dft, window


def groups(hop: int) -> list[np.ndarray]:
    """The bins whose remainder modulo 4 is 0, those where it is 2, and the odd ones."""
    bins = np.arange(OVERLAP * hop // 2 + 1)
    return [bins[0::4], bins[2::4], bins[1::2]]


def basis(hop: int, bins: np.ndarray) -> np.ndarray:
    """Real and then imaginary parts of a group's bins → its signal before it repeats.

    Returns:
        float64 (2 · bins, hop), or (2 · bins, 2 · hop) of the odd ones.
    """
    return inverse_dft(hop, bins, hop * (1 + bins[0] % 2))


def overlap_kernel(hop: int) -> np.ndarray:
    """Window and overlap-add of the groups' signals, one after the other: (4, 4 · hop) float64.

    Tap t meets the frame that began 3 − t hops ago. Of what comes out, the four times `hop`
    channels are to be added.
    """
    parts = window(hop).reshape(OVERLAP, hop)
    signs = np.array([[1, 1, 1, 0], [1, -1, 0, 1], [1, 1, -1, 0], [1, -1, 0, -1]])
    return np.flip((signs[:, :, None] * parts[:, None]).reshape(OVERLAP, -1), axis=0).copy()
