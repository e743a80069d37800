"""A cosine-modulated filter bank in PyTorch: joins sub-bands to a waveform."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def join_bands(
    subbands: Tensor, prototype: np.ndarray, phase: int = -1, shift: float = 0
) -> Tensor:
    """(batch, bands, frames) → (batch, 1, frames × bands) through cosine-modulated filters.

    Args:
        prototype: an odd number of taps of the low-pass filter.
        phase: 1 for banks whose phase has the opposite sign.
        shift: how much later the cosines' middle is than the prototype's, in samples.
    """
    bands, center = subbands.shape[1], len(prototype) // 2
    band, position = np.arange(bands)[:, None], np.arange(len(prototype)) - center - shift
    angle = (2 * band + 1) * np.pi / (2 * bands) * position + phase * (-1.0) ** band * np.pi / 4
    filters = torch.from_numpy(2 * np.sqrt(bands) * prototype * np.cos(angle))[:, None]
    return F.conv_transpose1d(
        subbands, filters.to(subbands), stride=bands, padding=center, output_padding=bands - 1
    )
