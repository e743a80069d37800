"""MelGAN with the operations of TensorFlowTTS's generator, to measure them in TFLite.

They are what models/melgan.py of TensorFlowTTS has after conversion: reflection padding by tf.pad,
upsampling by a two-dimensional transposed convolution with an axis of size one, dilated
one-dimensional convolutions, no weight normalization.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

_SLOPE = 0.2
_Weights = Iterator[tuple[np.ndarray, np.ndarray]]


def tensorflowtts(path: Path) -> keras.Sequential:
    """The model with the weights of a `weights.npz`: float32 (1, frames, n_mels) → samples."""
    values = np.load(path)
    geometry = json.loads(str(values["geometry"]))
    count = sum(name.startswith("kernel") for name in values)
    pairs = [(values[f"kernel {i}"].T, values[f"bias {i}"]) for i in range(count)]
    layers = _layers(geometry["upsampling"], geometry["dilations"], iter(pairs))
    return keras.Sequential([keras.Input((None, geometry["n_mels"])), *layers])


def _layers(upsampling: list[int], dilations: list[int], weights: _Weights) -> Iterator:
    yield from (Reflect(3), _conv(weights))
    for stride in upsampling:
        yield from (keras.layers.LeakyReLU(_SLOPE), _upsample(weights, stride))
        for dilation in dilations:
            branch = [
                keras.layers.LeakyReLU(_SLOPE),
                Reflect(dilation),
                _conv(weights, dilation),
                keras.layers.LeakyReLU(_SLOPE),
                _conv(weights),
            ]
            yield Residual(branch, _conv(weights))
    yield from (keras.layers.LeakyReLU(_SLOPE), Reflect(3), _conv(weights))
    yield keras.layers.Activation("tanh")


def _conv(weights: _Weights, dilation: int = 1) -> keras.layers.Conv1D:
    kernel, bias = next(weights)
    size, channels, filters = kernel.shape
    layer = keras.layers.Conv1D(filters, size, dilation_rate=dilation)
    layer.build((None, None, channels))
    layer.set_weights([kernel, bias])
    return layer


def _upsample(weights: _Weights, stride: int) -> keras.layers.Layer:
    kernel, bias = next(weights)
    size, filters, channels = kernel.shape
    layer = keras.layers.Conv2DTranspose(filters, (size, 1), (stride, 1), padding="same")
    layer.build((None, None, 1, channels))
    layer.set_weights([kernel[:, None], bias])
    return Flat(layer)


class Reflect(keras.layers.Layer):
    """Reflection padding on both sides."""

    def __init__(self, amount: int):
        super().__init__()
        self.amount = amount

    def call(self, signal: tf.Tensor) -> tf.Tensor:
        return tf.pad(signal, ((0, 0), (self.amount, self.amount), (0, 0)), "REFLECT")


class Flat(keras.layers.Layer):
    """Applies a two-dimensional layer to a signal, as an image of width one."""

    def __init__(self, layer: keras.layers.Layer):
        super().__init__()
        self.layer = layer

    def call(self, signal: tf.Tensor) -> tf.Tensor:
        return tf.squeeze(self.layer(tf.expand_dims(signal, 2)), 2)


class Residual(keras.layers.Layer):
    """The sum of a branch and a shortcut."""

    def __init__(self, branch: list[keras.layers.Layer], shortcut: keras.layers.Layer):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def call(self, signal: tf.Tensor) -> tf.Tensor:
        output = signal
        for layer in self.branch:
            output = layer(output)
        return self.shortcut(signal) + output
