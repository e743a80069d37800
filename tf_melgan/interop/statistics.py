"""Folds the statistics of mels that a vocoder was trained on into its weights."""

from __future__ import annotations

import numpy as np

from tf_melgan.audio.statistics import Statistics
from tf_melgan.errors import require
from tf_melgan.interop.state_dict import SHORTEST
from tf_melgan.layers.weight_normalization import WeightNormalization


def fold_into(layer: WeightNormalization, statistics: Statistics) -> None:
    """Changes a convolution of normalized mels into one that reads mels as they are.

    Its outputs stay the same, also at both ends if they are padded by reflection.

    Args:
        layer: the generator's first convolution.
        statistics: what the mels were normalized with.

    Raises:
        UserInputError: the layer reads another number of bands.
    """
    v, g = np.asarray(layer.v, float), np.asarray(layer.g, float)
    bands = len(statistics.mean)
    require(
        v.shape[1] == bands,
        f"the statistics are of {bands} bands, but the generator reads {v.shape[1]}",
    )
    kernel = v * (g / np.maximum(_lengths(v), SHORTEST)) / statistics.deviation[:, None]
    layer.v.assign(kernel)
    layer.g.assign(np.maximum(_lengths(kernel), SHORTEST))
    bias = np.asarray(layer.layer.bias, float) - np.einsum("kio,i->o", kernel, statistics.mean)
    layer.layer.bias.assign(bias)


def _lengths(kernel: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(np.square(kernel), axis=(0, 1)))
