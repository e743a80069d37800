"""The config section of the discriminators of spectrograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.errors import require
from tf_melgan.models.cost import Convolution
from tf_melgan.models.multi_resolution.layer_shapes import layer_shapes
from tf_melgan.models.sections import DiscriminatorConfig, require_sizes

if TYPE_CHECKING:
    from tf_melgan.models.multi_resolution.discriminator import MultiResolutionDiscriminator

SMALLEST_SIZE = 16
"""Of an n_fft: its bins are just enough for the first convolution."""


@dataclass(frozen=True)
class MultiResolutionConfig(DiscriminatorConfig):
    """The config section of `MultiResolutionDiscriminator`, which describes the keys.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    type: str = "multi_resolution"
    sizes: tuple[int, ...] = (512, 1024, 2048)
    channels: int = 16

    def __post_init__(self) -> None:
        require_sizes("discriminator", self)
        for size in self.sizes:
            require(
                size >= SMALLEST_SIZE and size % 4 == 0,
                f"discriminator.sizes has {size}; an n_fft must be a multiple of 4 and at least "
                f"{SMALLEST_SIZE}",
            )

    @property
    def outputs(self) -> int:
        return len(self.sizes)

    def convolutions(self) -> list[Convolution]:
        layers = []
        for size in self.sizes:
            bins, inputs = size // 2 + 1, 2
            for shape in layer_shapes(self.channels):
                bins = (bins + 2 * shape.padding - shape.bins) // shape.stride + 1
                taps, rate = shape.frames * shape.bins, bins * 4 / size
                layers.append(Convolution(taps, inputs, shape.filters, rate))
                inputs = shape.filters
        return layers

    def build_discriminator(self, **kwargs: Any) -> MultiResolutionDiscriminator:
        from tf_melgan.models.multi_resolution.discriminator import MultiResolutionDiscriminator

        discriminator = MultiResolutionDiscriminator(self.sizes, self.channels, **kwargs)
        discriminator.build((None, None, 1))
        return discriminator
