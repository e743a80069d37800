"""What the config section of a generator and of a discriminator has to offer.

A type of network is its folder in `tf_melgan.models`. The dataclass of its config section is all
that the rest of the package knows of it: it checks itself, counts its arithmetic and builds the
Keras model. `tf_melgan.models.registry` lists the types.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require
from tf_melgan.models.cost import Convolution

if TYPE_CHECKING:
    from tf_melgan.models.base import Discriminator, Generator

INITIALIZERS = ("normal", "torch")


class GeneratorConfig(ABC):
    """The config section of a generator, a frozen dataclass that checks itself."""

    type: str

    def check_mel(self, mel: MelSpec) -> None:  # noqa: B027 - most generators read any mel
        """Raises `UserInputError` where the generator cannot read `mel`."""

    @abstractmethod
    def convolutions(self, mel: MelSpec) -> list[Convolution]:
        """The convolutions of the trained generator, in order, for counting."""

    @abstractmethod
    def build_generator(self, mel: MelSpec, **kwargs: Any) -> Generator:
        """The Keras model with its variables made; `kwargs` are those of `keras.Model`."""


class DiscriminatorConfig(ABC):
    """The config section of a discriminator, a frozen dataclass that checks itself."""

    type: str

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many score maps the discriminator gives."""

    @abstractmethod
    def convolutions(self) -> list[Convolution]:
        """The convolutions of the discriminator, for counting."""

    @abstractmethod
    def build_discriminator(self, **kwargs: Any) -> Discriminator:
        """The Keras model with its variables made; `kwargs` are those of `keras.Model`."""


def require_sizes(section: str, config: Any, *but: str) -> None:
    """Raises `UserInputError` unless all whole numbers of a section, `but` some, are 1 or more."""
    for key, value in asdict(config).items():
        numbers = value if isinstance(value, tuple) else (value,)
        require(bool(numbers), f"{section}.{key} is empty; give at least one number")
        for number in numbers:
            if isinstance(number, int) and key not in but:
                require(number >= 1, f"{section}.{key} is {number}; it must be at least 1")
