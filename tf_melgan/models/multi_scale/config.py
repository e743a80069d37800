"""The config section of MelGAN's multi-scale discriminator."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.errors import require, require_choice, require_range
from tf_melgan.models.cost import Convolution
from tf_melgan.models.multi_scale import GROUP_CHANNELS, PADDINGS
from tf_melgan.models.sections import INITIALIZERS, DiscriminatorConfig, require_sizes

if TYPE_CHECKING:
    from tf_melgan.models.multi_scale.discriminator import MultiScaleDiscriminator

_LARGEST = 1 << 16


@dataclass(frozen=True)
class MultiScaleConfig(DiscriminatorConfig):
    """The config section of `tf_melgan.MultiScaleDiscriminator`, which describes the keys.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    type: str = "multi_scale"
    scales: int = 3
    channels: int = 16
    max_channels: int = 1024
    downsampling: tuple[int, ...] = (4, 4, 4, 4)
    initializer: str = "normal"
    last_channels: int = 0
    padding: str = "equal"
    pooling_padding: int = 1

    def __post_init__(self) -> None:
        require_sizes("discriminator", self, "last_channels", "pooling_padding")
        require_range("discriminator.last_channels", self.last_channels, 0, _LARGEST)
        require_choice("discriminator.padding", self.padding, PADDINGS)
        require_range("discriminator.pooling_padding", self.pooling_padding, 0, 2)
        require_choice("discriminator.initializer", self.initializer, INITIALIZERS)
        require(
            self.channels % GROUP_CHANNELS == 0,
            f"discriminator.channels is {self.channels}; it must be a multiple of "
            f"{GROUP_CHANNELS}, the channels of a group",
        )
        require(
            self.max_channels % self.channels == 0,
            f"discriminator.max_channels is {self.max_channels}; it must be a multiple of "
            f"discriminator.channels {self.channels}",
        )
        filters = self.channels
        for stride in self.downsampling:
            groups = filters // GROUP_CHANNELS if stride > 1 else 1
            filters = min(filters * stride, self.max_channels)
            require(
                filters % groups == 0,
                f"discriminator.downsampling is {list(self.downsampling)}: after a stride of "
                f"{stride}, {filters} channels do not divide among {groups} groups; choose a "
                f"discriminator.max_channels that is a multiple of {groups}",
            )

    @property
    def outputs(self) -> int:
        return self.scales

    def convolutions(self) -> list[Convolution]:
        layers = []
        for scale in range(self.scales):
            rate, channels = 0.5**scale, self.channels
            layers.append(Convolution(15, 1, channels, rate))
            for stride in self.downsampling:
                rate, filters = rate / stride, min(channels * stride, self.max_channels)
                groups = channels // GROUP_CHANNELS if stride > 1 else 1
                layers.append(Convolution(10 * stride + 1, channels, filters, rate, groups))
                channels = filters
            last_channels = self.last_channels or channels
            layers.append(Convolution(5, channels, last_channels, rate))
            layers.append(Convolution(3, last_channels, 1, rate))
        return layers

    def build_discriminator(self, **kwargs: Any) -> MultiScaleDiscriminator:
        from tf_melgan.models.multi_scale.discriminator import MultiScaleDiscriminator

        settings = {key: value for key, value in asdict(self).items() if key != "type"}
        discriminator = MultiScaleDiscriminator(**settings, **kwargs)
        discriminator.build((None, None, 1))
        return discriminator
