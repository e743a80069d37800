"""The config section of MelGAN's generator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require, require_choice, require_range
from tf_melgan.layers.filter_bank import FilterBank
from tf_melgan.models.cost import Convolution
from tf_melgan.models.sections import INITIALIZERS, GeneratorConfig, require_sizes

if TYPE_CHECKING:
    from tf_melgan.models.melgan.generator import MelGANGenerator

# The design of a filter bank takes time with the square of its bands.
_MOST_BANDS = 64
CROP_ROUNDINGS = ("up", "down")


@dataclass(frozen=True)
class MelGANConfig(GeneratorConfig):
    """The config section of `tf_melgan.MelGANGenerator`, which describes the keys.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    type: str = "melgan"
    channels: int = 512
    upsampling: tuple[int, ...] = (8, 8, 2, 2)
    dilations: tuple[int, ...] = (1, 3, 9)
    bands: int = 1
    initializer: str = "normal"
    crop_rounding: str = "up"
    filter_bank: FilterBank = field(default_factory=FilterBank)

    def __post_init__(self) -> None:
        require_sizes("generator", self)
        require_range("generator.bands", self.bands, 1, _MOST_BANDS)
        require_choice("generator.initializer", self.initializer, INITIALIZERS)
        require_choice("generator.crop_rounding", self.crop_rounding, CROP_ROUNDINGS)
        halvings = 2 ** len(self.upsampling)
        require(
            self.channels % halvings == 0,
            f"generator.channels is {self.channels}; {len(self.upsampling)} stages halve it, "
            f"so it must be a multiple of {halvings}",
        )

    def check_mel(self, mel: MelSpec) -> None:
        product = math.prod(self.upsampling) * self.bands
        require(
            product == mel.hop,
            f"generator.upsampling {list(self.upsampling)} × generator.bands {self.bands} "
            f"= {product}, but mel.hop is {mel.hop}; they must be equal",
        )

    def convolutions(self, mel: MelSpec) -> list[Convolution]:
        rate, channels = 1.0 / mel.hop, self.channels
        layers = [Convolution(7, mel.n_mels, channels, rate)]
        for factor in self.upsampling:
            # A transposed convolution applies its whole kernel once per input sample.
            layers.append(Convolution(2 * factor, channels, channels // 2, rate))
            rate, channels = rate * factor, channels // 2
            for _ in self.dilations:
                layers += [Convolution(kernel, channels, channels, rate) for kernel in (3, 1, 1)]
        return [*layers, Convolution(7, channels, self.bands, rate)]

    def build_generator(self, mel: MelSpec, **kwargs: Any) -> MelGANGenerator:
        from tf_melgan.models.melgan.generator import MelGANGenerator

        names = [item.name for item in fields(self) if item.name != "type"]
        settings = {name: getattr(self, name) for name in names}
        generator = MelGANGenerator(mel.n_mels, **settings, **kwargs)
        generator.build((None, None, mel.n_mels))
        return generator
