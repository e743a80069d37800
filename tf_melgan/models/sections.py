"""Base classes of the config sections `generator` and `discriminator`.

Each type of network has a folder in `tf_melgan.models`. The rest of the package uses it only
through the dataclass of its config section, which validates itself, counts its arithmetic and
builds the Keras model. `tf_melgan.models.registry` lists the types.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require, require_range
from tf_melgan.models.cost import Convolution

if TYPE_CHECKING:
    from tf_melgan.models.base import Discriminator, Generator

INITIALIZERS = ("normal", "torch")
LARGEST = 1 << 16


class GeneratorConfig(ABC):
    """The config section of a generator: a frozen dataclass that validates itself."""

    type: str

    def check_mel(self, mel: MelSpec) -> None:  # noqa: B027 - most generators read any mel
        """Checks that the generator supports a mel spectrogram.

        Raises:
            UserInputError: it does not support `mel`.
        """

    @abstractmethod
    def convolutions(self, mel: MelSpec) -> list[Convolution]:
        """Returns the convolutions of the trained generator in order, to count its cost."""

    @abstractmethod
    def build_generator(self, mel: MelSpec, **kwargs: Any) -> Generator:
        """Returns the built Keras model; `kwargs` are passed to `keras.Model`."""


class DiscriminatorConfig(ABC):
    """The config section of a discriminator: a frozen dataclass that validates itself."""

    type: str

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The number of scores that the discriminator returns."""

    @abstractmethod
    def convolutions(self) -> list[Convolution]:
        """Returns the convolutions of the discriminator, to count its cost."""

    @abstractmethod
    def build_discriminator(self, **kwargs: Any) -> Discriminator:
        """Returns the built Keras model; `kwargs` are passed to `keras.Model`."""


def require_sizes(section: str, config: Any, *but: str) -> None:
    """Checks that all whole numbers of a section are in 1–65536, except the keys in `but`.

    Raises:
        UserInputError: a number is outside, or a list is empty.
    """
    for key, value in asdict(config).items():
        numbers = value if isinstance(value, tuple) else (value,)
        require(bool(numbers), f"{section}.{key} is empty; give at least one number")
        for number in numbers:
            if type(number) is int and key not in but:
                require_range(f"{section}.{key}", number, 1, LARGEST)
