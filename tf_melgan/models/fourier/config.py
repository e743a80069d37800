"""The config section of the Fourier generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require
from tf_melgan.models.cost import Convolution
from tf_melgan.models.fourier import EXPANSION
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
        bins = OVERLAP * mel.hop // 2 + 1
        return [
            *convnext_convolutions(mel, self.width, EXPANSION * self.width, self.depth),
            # The initial log-magnitudes.
            Convolution(1, mel.n_mels, bins, 1.0 / mel.hop, fixed=True),
            *inverse_stft_convolutions(mel.hop),
        ]

    def build_generator(self, mel: MelSpec, **kwargs: Any) -> FourierGenerator:
        from tf_melgan.models.fourier.generator import FourierGenerator

        generator = FourierGenerator(mel, self.width, self.depth, self.lookahead, **kwargs)
        generator.build((None, None, mel.n_mels))
        return generator


def convnext_convolutions(mel: MelSpec, width: int, hidden: int, depth: int) -> list[Convolution]:
    """Returns the convolutions from a mel through ConvNeXt blocks to a spectrum.

    The gains of norms and blocks are folded into kernels, as in the exported graph.
    """
    rate = 1.0 / mel.hop
    block = [
        Convolution(7, width, width, rate, width),
        Convolution(1, width, hidden, rate),
        Convolution(1, hidden, width, rate),
    ]
    head = Convolution(1, width, OVERLAP * mel.hop + 2, rate)
    return [Convolution(7, mel.n_mels, width, rate), *(block * depth), head]


def inverse_stft_convolutions(hop: int) -> list[Convolution]:
    """Returns the exported inverse STFT: bins grouped by their remainder modulo 4, overlap-add."""
    rate, zero, two, size = 1.0 / hop, hop // 2 + 1, (hop + 1) // 2, OVERLAP * hop
    groups = ((zero, hop), (two, hop), (hop, 2 * hop))
    return [
        *(Convolution(1, 2 * bins, outputs, rate, fixed=True) for bins, outputs in groups),
        Convolution(OVERLAP, size, size, rate, size, fixed=True),
    ]
