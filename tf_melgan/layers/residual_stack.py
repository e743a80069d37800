"""MelGAN's residual stack of dilated convolutions."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.convolutions import LEAKY_SLOPE, ReflectionPadding1D
from tf_melgan.layers.initializers import conv_initializers, weight_normalized

_register = keras.saving.register_keras_serializable("tf_melgan")


@_register
class ResidualStack(keras.layers.Layer):
    """Residual blocks of dilated convolutions.

    A block is LeakyReLU, reflection padding d, a convolution of kernel 3 and dilation d, LeakyReLU
    and a convolution of kernel 1. Its shortcut is a convolution of kernel 1. Source: MelGAN,
    arXiv 1910.06711, appendix A.

    Input: (batch, time, channels). Output: the same shape.

    Args:
        channels: input and output channels.
        dilations: the dilation d of each block.
        weight_normalization: whether the convolutions are weight-normalized.
        initializer: "normal" or "torch"; see `tf_melgan.layers.initializers`.
    """

    def __init__(
        self,
        channels: int,
        dilations: Sequence[int] = (1, 3, 9),
        weight_normalization: bool = True,
        initializer: str = "normal",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.channels, self.dilations = channels, tuple(dilations)
        self.weight_normalization, self.initializer = weight_normalization, initializer

        def conv(kernel_size: int, dilation: int = 1) -> keras.Layer:
            layer = keras.layers.Conv1D(
                channels,
                kernel_size,
                dilation_rate=dilation,
                dtype=self.dtype_policy,
                **conv_initializers(initializer, channels * kernel_size),
            )
            return weight_normalized(layer, weight_normalization)

        self.paddings = [ReflectionPadding1D(d, dtype=self.dtype_policy) for d in self.dilations]
        self.dilated = [conv(3, d) for d in self.dilations]
        self.pointwise = [conv(1) for _ in self.dilations]
        self.shortcuts = [conv(1) for _ in self.dilations]

    def build(self, input_shape: Sequence[int | None]) -> None:
        for layer in (*self.dilated, *self.pointwise, *self.shortcuts):
            layer.build((None, None, self.channels))
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = inputs
        for padding, dilated, pointwise, shortcut in zip(
            self.paddings, self.dilated, self.pointwise, self.shortcuts, strict=True
        ):
            y = dilated(padding(ops.leaky_relu(x, LEAKY_SLOPE)))
            x = shortcut(x) + pointwise(ops.leaky_relu(y, LEAKY_SLOPE))
        return x

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "channels": self.channels,
            "dilations": self.dilations,
            "weight_normalization": self.weight_normalization,
            "initializer": self.initializer,
        }
