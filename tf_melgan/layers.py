"""The layers that MelGAN is made of, on any Keras backend. Signals are (batch, time, channels)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_melgan import backends
from tf_melgan.weight_normalization import WeightNormalization

LEAKY_SLOPE = 0.2
_register = keras.saving.register_keras_serializable("tf_melgan")


@_register
class ReflectionPadding1D(keras.layers.Layer):
    """Mirrors `padding` samples at both ends: (batch, time, channels) → time + 2 · padding.

    Equal to `numpy.pad(mode="reflect")`: a signal shorter than the padding is mirrored again and
    again, and a single sample is repeated.
    """

    def __init__(self, padding: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        time = inputs.shape[1]
        if time is not None and time > self.padding:
            return ops.pad(inputs, ((0, 0), (self.padding,) * 2, (0, 0)), mode="reflect")
        last = ops.shape(inputs)[1] - 1
        position = ops.arange(-self.padding, last + 1 + self.padding)
        position = ops.mod(position, ops.maximum(2 * last, 1))
        return ops.take(inputs, ops.minimum(position, 2 * last - position), axis=1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, time, channels = input_shape
        return batch, None if time is None else time + 2 * self.padding, channels

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding}


@_register
class GroupedConv1D(keras.layers.Conv1D):
    """`Conv1D` with many groups at the speed it should have, forward and backward.

    Keras's own runs through XLA on CPUs, where the gradient of 256 groups takes seconds.
    """

    def call(self, inputs: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        outputs = backends.grouped_conv1d(inputs, kernel, self.strides[0], self.padding.upper())
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


@_register
class UnfoldedConv1D(keras.layers.Conv1D):
    """`Conv1D` with stride 1 and no padding, as one matrix product.

    Faster than a convolution where channels are many and samples few, its gradients above all.
    """

    def call(self, inputs: Any) -> Any:
        size, channels, filters = self.kernel.shape
        batch, time = ops.shape(inputs)[0], ops.shape(inputs)[1] - size + 1
        # ops.slice, since the gradient of indexing is slow.
        shifted = [ops.slice(inputs, (0, tap, 0), (batch, time, channels)) for tap in range(size)]
        frames = ops.reshape(ops.concatenate(shifted, axis=-1), (-1, size * channels))
        outputs = ops.matmul(frames, ops.reshape(self.kernel, (size * channels, filters)))
        outputs = ops.reshape(outputs, (-1, time, filters))
        outputs = outputs + self.bias if self.use_bias else outputs
        return outputs if self.activation is None else self.activation(outputs)


@_register
class Upsample1D(keras.layers.Conv1DTranspose):
    """Transposed convolution with kernel 2s and stride s that makes time exactly s times longer.

    What PyTorch gives with padding s // 2 + s % 2 and output padding s % 2, for odd s too.
    (batch, time, channels) → (batch, time · stride, filters). Each output sample sees two input
    frames, so it is computed as a convolution of kernel 2 to stride · filters channels that are
    then laid out in time.
    """

    def __init__(self, filters: int, stride: int, **kwargs: Any):
        kwargs = {key: value for key, value in kwargs.items() if key not in _UPSAMPLE_FIXED}
        super().__init__(filters, 2 * stride, strides=stride, padding="same", **kwargs)
        self.stride = stride

    def call(self, inputs: Any) -> Any:
        stride = self.stride
        padded = ops.pad(inputs, ((0, 0), (1, 1), (0, 0)))
        phases = ops.conv(padded, self.polyphase_kernel(), padding="valid")
        time = ops.shape(inputs)[1]
        outputs = ops.reshape(phases, (-1, (time + 1) * stride, self.filters))
        crop = stride // 2 + stride % 2
        shape = (ops.shape(inputs)[0], time * stride, self.filters)
        outputs = ops.slice(outputs, (0, crop, 0), shape)
        return outputs + self.bias if self.use_bias else outputs

    def polyphase_kernel(self) -> Any:
        """The kernel as a plain convolution's: (2, channels, stride · filters).

        Its taps weigh the frame before and the frame; its outputs are the samples of that frame.
        """
        channels = self.kernel.shape[-1]
        kernel = ops.reshape(self.kernel, (2, self.stride, self.filters, channels))
        kernel = ops.flip(ops.transpose(kernel, (0, 3, 1, 2)), axis=0)
        return ops.reshape(kernel, (2, channels, self.stride * self.filters))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, time, _ = input_shape
        return batch, None if time is None else time * self.stride, self.filters

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: config[key] for key in config if key not in _UPSAMPLE_FIXED} | {
            "stride": self.stride
        }


_UPSAMPLE_FIXED = (
    "kernel_size",
    "strides",
    "padding",
    "output_padding",
    "dilation_rate",
    "data_format",
    "activation",
)


@_register
class ResidualStack(keras.layers.Layer):
    """Blocks of dilated convolutions, each beside a shortcut; the shape stays.

    A block is LeakyReLU, reflection d, convolution of kernel 3 and dilation d, LeakyReLU,
    convolution of kernel 1; its shortcut is a convolution of kernel 1 (MelGAN, arXiv 1910.06711,
    appendix A).
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
                **initializers(initializer, channels * kernel_size),
            )
            return normalized(layer, weight_normalization)

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


def normalized(layer: keras.Layer, weight_normalization: bool) -> keras.Layer:
    """The layer, weight-normalized as the models here want it, or as it is."""
    return WeightNormalization(layer, data_init=False) if weight_normalization else layer


def initializers(kind: str, fan_in: int) -> dict[str, keras.initializers.Initializer]:
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
