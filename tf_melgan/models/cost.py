"""Counts a network's parameters and multiply-adds from its shapes, without building it.

Counts are those of inference, with weight normalization folded into the kernels. A multiply and an
add count as one MAC.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tf_melgan.errors import require

_MOST_LAYERS, _MOST_PARAMETERS = 1000, 500_000_000


@dataclass(frozen=True)
class Convolution:
    """The shape of one convolution.

    Args:
        kernel: number of taps.
        inputs: input channels.
        outputs: output channels.
        rate: evaluations per sample of the waveform.
        groups: number of groups.
        fixed: whether the kernel is a constant; it then has no parameters.
    """

    kernel: int
    inputs: int
    outputs: int
    rate: float
    groups: int = 1
    fixed: bool = False

    @property
    def parameters(self) -> int:
        """Number of weights, including the bias."""
        if self.fixed:
            return 0
        return self.kernel * (self.inputs // self.groups) * self.outputs + self.outputs

    @property
    def macs(self) -> float:
        """Multiply-adds per sample of the waveform."""
        return self.rate * self.kernel * (self.inputs // self.groups) * self.outputs


def parameters(layers: Sequence[Convolution]) -> int:
    """Returns the number of parameters of all layers."""
    return sum(layer.parameters for layer in layers)


def require_sensible(section: str, layers: Sequence[Convolution]) -> None:
    """Checks that a network can be built: it has no more layers and parameters than is sensible.

    Raises:
        UserInputError: it has more; the message names the config's `section`.
    """
    require(
        len(layers) <= _MOST_LAYERS,
        f"{section} has {len(layers):,} convolutions; at most {_MOST_LAYERS:,} are sensible",
    )
    count = parameters(layers)
    require(
        count <= _MOST_PARAMETERS,
        f"{section} has {count:,} parameters; at most {_MOST_PARAMETERS:,} are sensible",
    )


def gmacs(layers: Sequence[Convolution], sample_rate: int) -> float:
    """Returns billions of multiply-adds per second of audio."""
    return sum(layer.macs for layer in layers) * sample_rate / 1e9
