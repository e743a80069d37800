"""The config section of the Vocos generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.models.cost import Convolution
from tf_melgan.models.fourier.config import convnext_convolutions, inverse_stft_convolutions
from tf_melgan.models.fourier.inverse_stft import OVERLAP
from tf_melgan.models.sections import GeneratorConfig, require_sizes

if TYPE_CHECKING:
    from tf_melgan.models.vocos.generator import VocosGenerator


@dataclass(frozen=True)
class VocosConfig(GeneratorConfig):
    """The config section of `tf_melgan.VocosGenerator`, which describes the keys.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    type: str = "vocos"
    width: int = 512
    hidden: int = 1536
    depth: int = 8

    def __post_init__(self) -> None:
        require_sizes("generator", self)

    def convolutions(self, mel: MelSpec) -> list[Convolution]:
        rate = 1.0 / mel.hop
        return [
            *convnext_convolutions(mel, self.width, self.hidden, self.depth),
            *inverse_stft_convolutions(mel.hop),
            # The envelope of the windows.
            Convolution(OVERLAP, 1, mel.hop, rate, fixed=True),
        ]

    def build_generator(self, mel: MelSpec, **kwargs: Any) -> VocosGenerator:
        from tf_melgan.models.vocos.generator import VocosGenerator

        sizes = {"width": self.width, "hidden": self.hidden, "depth": self.depth}
        generator = VocosGenerator(mel.n_mels, mel.hop, **sizes, center=mel.center, **kwargs)
        generator.build((None, None, mel.n_mels))
        return generator
