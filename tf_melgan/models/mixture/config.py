"""The config section of several kinds of discriminators together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.errors import require
from tf_melgan.models.cost import Convolution
from tf_melgan.models.multi_period.config import MultiPeriodConfig
from tf_melgan.models.multi_resolution.config import MultiResolutionConfig
from tf_melgan.models.sections import DiscriminatorConfig

if TYPE_CHECKING:
    from tf_melgan.models.mixture.discriminator import MixtureDiscriminator


@dataclass(frozen=True)
class MixtureConfig(DiscriminatorConfig):
    """The config section of several kinds of discriminators together.

    Args:
        parts: a section for each kind, with its `type`.

    Raises:
        UserInputError: there is no part.
    """

    type: str = "mixture"
    parts: tuple[DiscriminatorConfig, ...] = (MultiPeriodConfig(), MultiResolutionConfig())

    def __post_init__(self) -> None:
        require(bool(self.parts), "discriminator.parts is empty; give at least one discriminator")

    @property
    def outputs(self) -> int:
        return sum(part.outputs for part in self.parts)

    def convolutions(self) -> list[Convolution]:
        return [layer for part in self.parts for layer in part.convolutions()]

    def build_discriminator(self, **kwargs: Any) -> MixtureDiscriminator:
        from tf_melgan.models.mixture.discriminator import MixtureDiscriminator

        parts = [part.build_discriminator(**kwargs) for part in self.parts]
        discriminator = MixtureDiscriminator(parts, **kwargs)
        discriminator.build((None, None, 1))
        return discriminator
