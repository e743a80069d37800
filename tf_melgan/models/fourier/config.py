"""The config section of the Fourier generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require
from tf_melgan.models.cost import Convolution
from tf_melgan.models.fourier.inverse_stft import OVERLAP
from tf_melgan.models.sections import GeneratorConfig, require_sizes

if TYPE_CHECKING:
    from tf_melgan.models.fourier.generator import FourierGenerator


@dataclass(frozen=True)
class FourierConfig(GeneratorConfig):
    """The config section of `tf_melgan.FourierGenerator`, which describes the keys.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    type: str = "fourier"
    width: int = 256
    depth: int = 5
    lookahead: int = 6

    def __post_init__(self) -> None:
        require_sizes("generator", self, "lookahead")
        max_lookahead = 3 * (self.depth + 1)
        require(
            0 <= self.lookahead <= max_lookahead,
            f"generator.lookahead is {self.lookahead}; with generator.depth {self.depth} it must "
            f"be in 0–{max_lookahead}",
        )

    def convolutions(self, mel: MelSpec) -> list[Convolution]:
        # The gains of norms and blocks are folded into kernels, as in the exported graph.
        rate, width, spectrum = 1.0 / mel.hop, self.width, OVERLAP * mel.hop + 2
        layers = [Convolution(7, mel.n_mels, width, rate)]
        for _ in range(self.depth):
            layers.append(Convolution(7, width, width, rate, width))
            layers.append(Convolution(1, width, 3 * width, rate))
            layers.append(Convolution(1, 3 * width, width, rate))
        layers.append(Convolution(1, width, spectrum, rate))
        # The initial log-magnitudes.
        layers.append(Convolution(1, mel.n_mels, spectrum // 2, rate, fixed=True))
        # The exported inverse STFT: bins grouped by their remainder modulo 4, then overlap-add.
        zero, two = mel.hop // 2 + 1, (mel.hop + 1) // 2
        for bins, outputs in ((zero, mel.hop), (two, mel.hop), (mel.hop, 2 * mel.hop)):
            layers.append(Convolution(1, 2 * bins, outputs, rate, fixed=True))
        size = OVERLAP * mel.hop
        return [*layers, Convolution(OVERLAP, size, size, rate, size, fixed=True)]

    def build_generator(self, mel: MelSpec, **kwargs: Any) -> FourierGenerator:
        from tf_melgan.models.fourier.generator import FourierGenerator

        generator = FourierGenerator(mel, self.width, self.depth, self.lookahead, **kwargs)
        generator.build((None, None, mel.n_mels))
        return generator
