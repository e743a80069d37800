"""HiFi-GAN's generator in PyTorch primitives: an oracle that imports nothing from tf_melgan.

Its layers have the names of the official checkpoints. Signals are (batch, channels, samples).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

SMALL: dict[str, Any] = {
    "resblock": "1",
    "upsample_rates": [4, 2],
    "upsample_kernel_sizes": [8, 6],
    "upsample_initial_channel": 12,
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilation_sizes": [[1, 3, 2], [2, 1, 4]],
    "num_mels": 4,
}
"""The network's keys of an official config, with three dilations as V1 and V2 have."""
SINGLE = SMALL | {"resblock": "2", "resblock_dilation_sizes": [[1, 3], [2, 5]]}
"""The same with the blocks of V3."""


class Residual(nn.Module):
    def __init__(self, channels: int, kernel: int, dilations: list[int], paired: bool):
        super().__init__()

        def convs(spacings: list[int]) -> nn.ModuleList:
            return nn.ModuleList(
                weight_norm(
                    nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel // 2))
                )
                for d in spacings
            )

        if paired:
            self.convs1, self.convs2 = convs(dilations), convs([1] * len(dilations))
        else:
            self.convs = convs(dilations)

    def forward(self, x: Tensor) -> Tensor:
        steps = zip(self.convs1, self.convs2, strict=True) if "convs1" in self._modules else None
        for step in steps or zip(self.convs, strict=True):
            y = x
            for conv in step:
                y = conv(F.leaky_relu(y, 0.1))
            x = x + y
        return x


class HiFiGAN(nn.Module):
    """(batch, n_mels, frames) → (batch, 1, samples), of the keys of an official config.

    A difference of kernel and rate may be odd: the output is as long as the factors say.
    """

    def __init__(self, config: dict[str, Any]):
        super().__init__()
        channels, self.blocks = config["upsample_initial_channel"], 0
        self.conv_pre = weight_norm(nn.Conv1d(config["num_mels"], channels, 7, padding=3))
        ups, resblocks = [], []
        for s, k in zip(config["upsample_rates"], config["upsample_kernel_sizes"], strict=True):
            odd = (k - s) % 2
            up = nn.ConvTranspose1d(channels, channels // 2, k, s, (k - s + odd) // 2, odd)
            ups.append(weight_norm(up))
            channels //= 2
            for kernel, dilations in zip(
                config["resblock_kernel_sizes"], config["resblock_dilation_sizes"], strict=True
            ):
                resblocks.append(Residual(channels, kernel, dilations, config["resblock"] == "1"))
        self.ups, self.resblocks = nn.ModuleList(ups), nn.ModuleList(resblocks)
        self.conv_post = weight_norm(nn.Conv1d(channels, 1, 7, padding=3))

    def forward(self, x: Tensor) -> Tensor:
        x, count = self.conv_pre(x), len(self.resblocks) // len(self.ups)
        for index, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            blocks = self.resblocks[index * count : (index + 1) * count]
            x = torch.stack([block(x) for block in blocks]).mean(0)
        return torch.tanh(self.conv_post(F.leaky_relu(x, 0.01)))


def loud_hifigan(config: dict[str, Any], seed: int = 0) -> HiFiGAN:
    """A network with random weights whose output is as loud as speech."""
    torch.manual_seed(seed)
    network = HiFiGAN(config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("original0"):
                parameter.mul_(torch.rand_like(parameter) + 0.7)
        length = network.conv_post.parametrizations.weight.original0
        mel = torch.rand(1, config["num_mels"], 60) * 9 - 9
        length.mul_(1e-3)  # where tanh is linear
        for _ in range(4):
            length.mul_(0.2 / network(mel).std())
    return network
