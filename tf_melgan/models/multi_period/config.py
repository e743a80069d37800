"""The config section of HiFi-GAN's discriminators of periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.models.cost import Convolution
from tf_melgan.models.multi_period.layer_shapes import layer_shapes
from tf_melgan.models.sections import DiscriminatorConfig, require_sizes

if TYPE_CHECKING:
    from tf_melgan.models.multi_period.discriminator import MultiPeriodDiscriminator


@dataclass(frozen=True)
class MultiPeriodConfig(DiscriminatorConfig):
    """The config section of `MultiPeriodDiscriminator`, which describes the keys.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    type: str = "multi_period"
    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    channels: int = 32
    max_channels: int = 1024

    def __post_init__(self) -> None:
        require_sizes("discriminator", self)

    @property
    def outputs(self) -> int:
        return len(self.periods)

    def convolutions(self) -> list[Convolution]:
        layers, rate, inputs = [], 1.0, 1
        for shape in layer_shapes(self.channels, self.max_channels):
            rate /= shape.stride
            layers.append(Convolution(shape.kernel, inputs, shape.filters, rate))
            inputs = shape.filters
        return layers * len(self.periods)

    def build_discriminator(self, **kwargs: Any) -> MultiPeriodDiscriminator:
        from tf_melgan.models.multi_period.discriminator import MultiPeriodDiscriminator

        discriminator = MultiPeriodDiscriminator(
            self.periods, self.channels, self.max_channels, **kwargs
        )
        discriminator.build((None, None, 1))
        return discriminator
