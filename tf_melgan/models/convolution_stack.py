"""Discriminators made of stacks of convolutions."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.convolutions import LEAKY_SLOPE
from tf_melgan.models.base import Discriminator, Outputs


class ConvolutionStack(keras.layers.Layer):
    """Convolutions one after another, each behind its padding and before a leaky ReLU.

    A subclass creates the layers. The last convolution gives the score and has no activation.

    Output: the activations of every layer, and the score at the end.

    Attributes:
        paddings: the padding before each convolution.
        convs: the convolutions.
    """

    paddings: list[keras.Layer]
    convs: list[keras.Layer]

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape: Any = input_shape
        for padding, conv in zip(self.paddings, self.convs, strict=True):
            shape = padding.compute_output_shape(shape)
            conv.build(shape)
            shape = conv.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: Any) -> list[Any]:
        outputs, x = [], inputs
        for padding, conv in zip(self.paddings, self.convs, strict=True):
            x = conv(padding(x))
            if conv is not self.convs[-1]:
                x = ops.leaky_relu(x, LEAKY_SLOPE)
            outputs.append(x)
        return outputs


class StackDiscriminator(Discriminator):
    """A discriminator whose networks, each with its own view of the waveform, run side by side.

    Attributes:
        networks: the networks, which a subclass creates.
    """

    networks: list[ConvolutionStack]

    def build(self, input_shape: Sequence[int | None]) -> None:
        for network in self.networks:
            network.build(input_shape)
        self.built = True

    def call(self, audio: Any) -> Outputs:
        return [network(audio) for network in self.networks]
