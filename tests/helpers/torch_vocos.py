"""Vocos in PyTorch primitives: an oracle that imports nothing from tf_melgan.

Its layers have the names of the official checkpoints. Signals are (batch, channels, frames).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.pwconv1(self.norm(self.dwconv(x).mT))
        y = self.pwconv2(0.5 * y * (1 + torch.erf(y * 0.5**0.5)))
        return x + (self.gamma * y).mT


class Vocos(nn.Module):
    """(batch, n_mels, frames) → waveform (batch, samples), for either padding."""

    def __init__(self, n_mels: int, hop: int, width: int, hidden: int, depth: int, center: bool):
        super().__init__()
        self.hop, self.center = hop, center
        self.backbone = nn.Module()
        self.backbone.embed = nn.Conv1d(n_mels, width, 7, padding=3)
        self.backbone.norm = nn.LayerNorm(width, eps=1e-6)
        self.backbone.convnext = nn.ModuleList(Block(width, hidden) for _ in range(depth))
        self.backbone.final_layer_norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Module()
        self.head.out = nn.Linear(width, 4 * hop + 2)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.backbone.norm(self.backbone.embed(mel).mT).mT
        for block in self.backbone.convnext:
            x = block(x)
        x = self.head.out(self.backbone.final_layer_norm(x.mT)).mT
        magnitude, phase = x.chunk(2, dim=1)
        return self.inverse(torch.polar(magnitude.exp().clamp(max=100), phase))

    def inverse(self, spectra: Tensor) -> Tensor:
        size, hop = 4 * self.hop, self.hop
        window = torch.hann_window(size, dtype=spectra.real.dtype)
        frames = spectra.shape[-1]
        if self.center:
            # Without `length`, as in Vocos, it ends at the last frame's center, a hop earlier.
            return torch.istft(spectra, size, hop, size, window, center=True, length=frames * hop)
        length, crop = (frames + 3) * hop, 3 * hop // 2

        def added(pieces: Tensor) -> Tensor:
            sums = F.fold(pieces, (1, length), (1, size), stride=(1, hop))[:, 0, 0]
            return sums[:, crop : length - crop]

        pieces = torch.fft.irfft(spectra, size, dim=1) * window[:, None]
        squares = torch.ones_like(pieces[:1]) * (window**2)[:, None]
        return added(pieces) / added(squares)


def loud_vocos(*sizes: int, center: bool, seed: int = 0) -> Vocos:
    """A network with random weights, all gains and offsets varied, as loud as speech."""
    torch.manual_seed(seed)
    network = Vocos(*sizes, center)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
        mel = torch.rand(1, sizes[0], 60) * 9 - 9
        magnitudes = network.head.out.bias[: 2 * network.hop + 1]
        magnitudes.add_(torch.log(0.2 / network(mel).std()))
    return network
