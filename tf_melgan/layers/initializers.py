"""How convolutions begin: their initial weights and their weight normalization."""

import keras
import numpy as np

from tf_melgan.layers.weight_normalization import WeightNormalization


def weight_normalized(layer: keras.Layer, weight_normalization: bool) -> keras.Layer:
    """The layer, weight-normalized as the models here want it, or as it is."""
    return WeightNormalization(layer, data_init=False) if weight_normalization else layer


def conv_initializers(kind: str, fan_in: int) -> dict[str, keras.initializers.Initializer]:
    """Initial values for a convolution's kernel and bias.

    "normal" is the recipe's: N(0, 0.02) for the direction, and no bias. "torch" is what the
    official code trains from in fact, since PyTorch's weight norm overwrites the former:
    U(±1 / √fan_in) for both, where fan_in counts kernel size × input channels of a group (for a
    transposed convolution, × output channels).
    """
    if kind == "normal":
        return {
            "kernel_initializer": keras.initializers.RandomNormal(0.0, 0.02),
            "bias_initializer": keras.initializers.Zeros(),
        }
    bound = float(1.0 / np.sqrt(fan_in))
    return {
        "kernel_initializer": keras.initializers.RandomUniform(-bound, bound),
        "bias_initializer": keras.initializers.RandomUniform(-bound, bound),
    }
