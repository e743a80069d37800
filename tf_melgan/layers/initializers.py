"""Initial weights and weight normalization of convolutions."""

import keras
import numpy as np

from tf_melgan.layers.weight_normalization import WeightNormalization


def weight_normalized(layer: keras.Layer, weight_normalization: bool) -> keras.Layer:
    """Returns the layer, wrapped in `WeightNormalization` if `weight_normalization` is true."""
    return WeightNormalization(layer, data_init=False) if weight_normalization else layer


def conv_initializers(kind: str, fan_in: int) -> dict[str, keras.initializers.Initializer]:
    """Returns the initializers of a convolution's kernel and bias, as keyword arguments.

    "normal" is the paper's recipe: N(0, 0.02) for the direction and zero bias. "torch" is
    U(±1 / √fan_in) for kernel and bias. The official code trains from the latter, because
    PyTorch's weight norm overwrites its N(0, 0.02).

    Args:
        kind: "normal" or "torch".
        fan_in: kernel size × input channels of a group; for a transposed convolution, kernel
            size × output channels.
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
