"""The frame-rate generator in PyTorch primitives: an oracle that imports nothing from tf_melgan.

Signals are (batch, channels, frames), as in torch.
"""

import librosa
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def padded(x: Tensor, ahead: int) -> Tensor:
    return F.pad(x, (6 - ahead, ahead))


class ChannelNorm(nn.Module):
    """RMS norm over the channels of (batch, channels, frames)."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.RMSNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, width: int, ahead: int, root_half: float = 0.5**0.5):
        super().__init__()
        self.ahead, self.root_half = ahead, root_half
        self.depthwise = nn.Conv1d(width, width, 7, groups=width)
        self.norm = ChannelNorm(width)
        self.expand = nn.Conv1d(width, 3 * width, 1)
        self.contract = nn.Conv1d(3 * width, width, 1)
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(padded(x, self.ahead)))
        y = self.expand(y)
        y = self.contract(0.5 * y * (1 + torch.erf(y * self.root_half)))
        return x + y * self.gain[:, None]


class Fourier(nn.Module):
    """(batch, n_mels, frames) → (batch, 1, frames · hop); `root_half` is GELU's √½.

    `rate`, `n_fft` and `fmax` are those of the log10 mel, whose bands begin at 0 Hz.
    """

    def __init__(self, n_mels, rate, n_fft, hop, fmax, floor, width, aheads, root_half=0.5**0.5):
        super().__init__()
        self.hop, self.floor, self.ahead = hop, floor, aheads[0]
        self.rate, self.n_fft = rate, n_fft
        self.centers = librosa.mel_frequencies(n_mels + 2, fmin=0, fmax=fmax)[1:-1]
        self.first = nn.Conv1d(n_mels, width, 7)
        self.first_norm = ChannelNorm(width)
        self.blocks = nn.ModuleList(Block(width, ahead, root_half) for ahead in aheads[1:])
        self.last_norm = ChannelNorm(width)
        self.last = nn.Conv1d(width, 4 * hop + 2, 1)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.first_norm(self.first(padded(mel - self.floor, self.ahead)))
        for block in self.blocks:
            x = block(x)
        magnitude, phase = self.last(self.last_norm(x)).chunk(2, dim=1)
        magnitude = magnitude.exp() * self.envelope(mel)
        return self.inverse(torch.polar(magnitude.clamp(max=100), phase))

    def envelope(self, mel: Tensor) -> Tensor:
        """Magnitudes (batch, bins, frames), interpolated geometrically between the mel bands."""
        size = 4 * self.hop
        frequencies = np.fft.rfftfreq(size, 1 / self.rate)
        above = np.searchsorted(self.centers, frequencies).clip(1, len(self.centers) - 1)
        left, right = self.centers[above - 1], self.centers[above]
        share = torch.from_numpy(((frequencies - left) / (right - left)).clip(0, 1)).to(mel)[
            :, None
        ]
        bands = 10**mel * (self.rate / self.n_fft) * (size / self.n_fft)
        return bands[:, above - 1] ** (1 - share) * bands[:, above] ** share

    def inverse(self, spectra: Tensor) -> Tensor:
        """Overlap-add of windowed frames of 4 · hop, one every hop."""
        size, frames = 4 * self.hop, spectra.shape[-1]
        window = torch.hann_window(size, dtype=spectra.real.dtype)
        pieces = torch.fft.irfft(spectra, size, dim=1) * window[:, None]
        length = (frames + 3) * self.hop
        sums = F.fold(pieces, (1, length), (1, size), stride=(1, self.hop))[:, :, 0]
        crop = 3 * self.hop // 2
        return sums[:, :, crop : length - crop] / 1.5
