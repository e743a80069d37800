"""The config section of HiFi-GAN's generator."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require, require_range
from tf_melgan.models.cost import Convolution
from tf_melgan.models.sections import LARGEST, GeneratorConfig, require_sizes

if TYPE_CHECKING:
    from tf_melgan.models.hifigan.generator import HiFiGANGenerator


@dataclass(frozen=True)
class HiFiGANConfig(GeneratorConfig):
    """The config section of `tf_melgan.HiFiGANGenerator`, which describes the keys.

    The defaults are HiFi-GAN V1.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    type: str = "hifigan"
    channels: int = 512
    upsampling: tuple[int, ...] = (8, 8, 2, 2)
    upsampling_kernels: tuple[int, ...] = (16, 16, 4, 4)
    kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    paired: bool = True

    def __post_init__(self) -> None:
        require_sizes("generator", self)
        halvings = 2 ** len(self.upsampling)
        require(
            self.channels % halvings == 0,
            f"generator.channels is {self.channels}; {len(self.upsampling)} stages halve it, "
            f"so it must be a multiple of {halvings}",
        )
        require(
            len(self.upsampling_kernels) == len(self.upsampling)
            and all(k >= s for k, s in zip(self.upsampling_kernels, self.upsampling, strict=True)),
            f"generator.upsampling_kernels is {list(self.upsampling_kernels)}; give one for each "
            f"factor of generator.upsampling {list(self.upsampling)}, and at least the factor",
        )
        require(
            all(kernel % 2 for kernel in self.kernels),
            f"generator.kernels is {list(self.kernels)}; each must be odd",
        )
        self._check_dilations()

    def _check_dilations(self) -> None:
        steps = {len(each) for each in self.dilations}
        require(
            len(self.dilations) == len(self.kernels) and len(steps) == 1 and 0 not in steps,
            f"generator.dilations is {[list(each) for each in self.dilations]}; give a list for "
            f"each of generator.kernels {list(self.kernels)}, all of one length",
        )
        for dilation in (dilation for each in self.dilations for dilation in each):
            require_range("generator.dilations", dilation, 1, LARGEST)

    def check_mel(self, mel: MelSpec) -> None:
        product = math.prod(self.upsampling)
        require(
            product == mel.hop,
            f"generator.upsampling {list(self.upsampling)} = {product}, but mel.hop is {mel.hop}; "
            "they must be equal",
        )

    def convolutions(self, mel: MelSpec) -> list[Convolution]:
        rate, channels = 1.0 / mel.hop, self.channels
        layers = [Convolution(7, mel.n_mels, channels, rate)]
        for factor, kernel in zip(self.upsampling, self.upsampling_kernels, strict=True):
            # A transposed convolution applies its whole kernel once per input sample.
            layers.append(Convolution(kernel, channels, channels // 2, rate))
            rate, channels = rate * factor, channels // 2
            for size, dilations in zip(self.kernels, self.dilations, strict=True):
                count = len(dilations) * (1 + self.paired)
                layers += [Convolution(size, channels, channels, rate)] * count
        return [*layers, Convolution(7, channels, 1, rate)]

    def build_generator(self, mel: MelSpec, **kwargs: Any) -> HiFiGANGenerator:
        from tf_melgan.models.hifigan.generator import HiFiGANGenerator

        settings = {key: value for key, value in asdict(self).items() if key != "type"}
        generator = HiFiGANGenerator(mel.n_mels, **settings, **kwargs)
        generator.build((None, None, mel.n_mels))
        return generator
