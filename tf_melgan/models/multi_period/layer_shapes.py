"""The shapes of the convolutions of one period."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerShape:
    """A convolution over every period-th sample."""

    filters: int
    kernel: int
    stride: int


def layer_shapes(channels: int, max_channels: int) -> list[LayerShape]:
    """Returns the convolutions of one period; the last one gives the score."""
    widths = [min(channels * 4**layer, max_channels) for layer in range(5)]
    strides = (3, 3, 3, 3, 1)
    shapes = [LayerShape(*each) for each in zip(widths, [5] * 5, strides, strict=True)]
    return [*shapes, LayerShape(1, 3, 1)]
