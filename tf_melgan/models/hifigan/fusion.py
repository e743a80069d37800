"""HiFi-GAN's multi-receptive field fusion: residual blocks of different kernels, and their mean."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.initializers import conv_initializers, weight_normalized

LEAKY_SLOPE = 0.1
LAST_SLOPE = 0.01
"""The slope before the last convolution, which the official code leaves at PyTorch's default."""
_register = keras.saving.register_keras_serializable("tf_melgan")


@_register
class ResidualBlock(keras.layers.Layer):
    """Residual steps of dilated convolutions (HiFi-GAN, arXiv 2010.05646, appendix A).

    A step is LeakyReLU and a dilated convolution; if `paired`, then LeakyReLU and a convolution of
    dilation 1; and the shortcut. Convolutions pad with zeros.

    Input: (batch, time, channels). Output: the same shape.

    Args:
        channels: input and output channels.
        kernel: number of taps of all convolutions, odd.
        dilations: the dilation of each step.
        paired: whether each dilated convolution is followed by one of dilation 1.
        weight_normalization: whether the convolutions are weight-normalized.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        dilations: Sequence[int],
        paired: bool = True,
        weight_normalization: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.channels, self.kernel_size, self.dilations = channels, kernel, tuple(dilations)
        self.paired, self.weight_normalization = paired, weight_normalization

        def conv(dilation: int) -> keras.Layer:
            layer = keras.layers.Conv1D(
                channels,
                kernel,
                padding="same",
                dilation_rate=dilation,
                dtype=self.dtype_policy,
                **conv_initializers("torch", channels * kernel),
            )
            return weight_normalized(layer, weight_normalization)

        self.dilated = [conv(dilation) for dilation in self.dilations]
        self.plain = [conv(1) for _ in self.dilations] if paired else []

    def build(self, input_shape: Sequence[int | None]) -> None:
        for layer in (*self.dilated, *self.plain):
            layer.build((None, None, self.channels))
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = inputs
        for step, dilated in enumerate(self.dilated):
            y = dilated(ops.leaky_relu(x, LEAKY_SLOPE))
            if self.paired:
                y = self.plain[step](ops.leaky_relu(y, LEAKY_SLOPE))
            x = y + x
        return x

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "channels": self.channels,
            "kernel": self.kernel_size,
            "dilations": self.dilations,
            "paired": self.paired,
            "weight_normalization": self.weight_normalization,
        }


@_register
class ReceptiveFieldFusion(keras.layers.Layer):
    """The mean of residual blocks side by side, each with its own kernel size and dilations.

    Input: (batch, time, channels). Output: the same shape.

    Args:
        channels: input and output channels.
        kernels: the kernel size of each block.
        dilations: the dilations of each block.
        paired: as in `ResidualBlock`.
        weight_normalization: whether the convolutions are weight-normalized.
    """

    def __init__(
        self,
        channels: int,
        kernels: Sequence[int],
        dilations: Sequence[Sequence[int]],
        paired: bool = True,
        weight_normalization: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.settings: dict[str, Any] = {
            "channels": channels,
            "kernels": tuple(kernels),
            "dilations": tuple(map(tuple, dilations)),
            "paired": paired,
            "weight_normalization": weight_normalization,
        }
        self.blocks = [
            ResidualBlock(channels, *each, paired, weight_normalization, dtype=self.dtype_policy)
            for each in zip(kernels, dilations, strict=True)
        ]

    def build(self, input_shape: Sequence[int | None]) -> None:
        for block in self.blocks:
            block.build(input_shape)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return sum(block(inputs) for block in self.blocks) / len(self.blocks)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings}
