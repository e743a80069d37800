"""The shapes of the convolutions of one resolution."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerShape:
    """A convolution over frames and bins; `stride` and `padding` are those of the bins."""

    filters: int
    frames: int
    bins: int
    stride: int
    padding: int


def layer_shapes(channels: int) -> list[LayerShape]:
    """Returns the convolutions of one resolution; the last one gives the score."""
    return [
        LayerShape(channels, 3, 16, 8, 4),
        LayerShape(2 * channels, 3, 5, 2, 2),
        LayerShape(2 * channels, 3, 5, 2, 2),
        LayerShape(2 * channels, 3, 3, 1, 1),
        LayerShape(1, 3, 3, 1, 1),
    ]
