"""What a network costs before it is built: parameters and arithmetic, from its geometry.

Counts are of folded networks (weight normalization folded into the kernels), since these are what
runs after training. A multiply and an add count as one MAC.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Convolution:
    """One convolution.

    Args:
        kernel: taps.
        inputs, outputs: channels.
        rate: how often it is evaluated per sample of the waveform.
        groups: of channels.
        fixed: whether nothing in it is learned, so that it has no parameters.
    """

    kernel: int
    inputs: int
    outputs: int
    rate: float
    groups: int = 1
    fixed: bool = False

    @property
    def parameters(self) -> int:
        if self.fixed:
            return 0
        return self.kernel * (self.inputs // self.groups) * self.outputs + self.outputs

    @property
    def macs(self) -> float:
        """Multiply-adds per sample of the waveform."""
        return self.rate * self.kernel * (self.inputs // self.groups) * self.outputs


def parameters(layers: Sequence[Convolution]) -> int:
    """How many numbers the folded layers hold."""
    return sum(layer.parameters for layer in layers)


def gmacs(layers: Sequence[Convolution], sample_rate: int) -> float:
    """Billions of multiply-adds per second of audio."""
    return sum(layer.macs for layer in layers) * sample_rate / 1e9
