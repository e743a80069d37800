"""The layers that MelGAN is made of, on any Keras backend. Signals are (batch, time, channels)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.grouped_conv import grouped_conv1d

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
        outputs = grouped_conv1d(inputs, kernel, self.strides[0], self.padding.upper())
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
