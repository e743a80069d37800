"""MelGAN's layers, for any Keras backend. Signals are (batch, time, channels)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.backends import grouped_conv1d

LEAKY_SLOPE = 0.2
_register = keras.saving.register_keras_serializable("tf_melgan")


@_register
class ReflectionPadding1D(keras.layers.Layer):
    """Pads both ends of a signal by reflection.

    Input: (batch, time, channels). Output: (batch, time + 2 · padding, channels).
    Equal to `numpy.pad(mode="reflect")`: a signal shorter than the padding is reflected
    repeatedly, and a single sample is repeated.

    Args:
        padding: samples to add at each end.
    """

    def __init__(self, padding: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        time = inputs.shape[1]
        if time is not None and time > self.padding:
            return ops.pad(inputs, ((0, 0), (self.padding,) * 2, (0, 0)), mode="reflect")
        last = ops.shape(inputs)[1] - 1
        # Reflected at 0 by the absolute value: converters take the remainder of a negative number
        # in two ways.
        position = ops.abs(ops.arange(-self.padding, last + 1 + self.padding))
        position = ops.mod(position, ops.maximum(2 * last, 1))
        return ops.take(inputs, ops.minimum(position, 2 * last - position), axis=1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, time, channels = input_shape
        return batch, None if time is None else time + 2 * self.padding, channels

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding}


@_register
class GroupedConv1D(keras.layers.Conv1D):
    """`Conv1D` for many groups, with a fast forward pass and fast gradients.

    Keras runs grouped convolutions with XLA on CPUs, where the gradient of 256 groups takes
    seconds. Arguments are those of `keras.layers.Conv1D`.
    """

    def call(self, inputs: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        outputs = grouped_conv1d(inputs, kernel, self.strides[0], self.padding.upper())
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


@_register
class UnfoldedConv1D(keras.layers.Conv1D):
    """`Conv1D` with stride 1 and no padding, computed as one matrix product.

    Faster than a convolution if there are many channels and few samples, especially in the
    gradients. Arguments are those of `keras.layers.Conv1D`.
    """

    def call(self, inputs: Any) -> Any:
        size, channels, filters = self.kernel.shape
        batch, time = ops.shape(inputs)[0], ops.shape(inputs)[1] - size + 1
        # ops.slice, because the gradient of indexing is slow.
        shifted = [ops.slice(inputs, (0, tap, 0), (batch, time, channels)) for tap in range(size)]
        frames = ops.reshape(ops.concatenate(shifted, axis=-1), (-1, size * channels))
        outputs = ops.matmul(frames, ops.reshape(self.kernel, (size * channels, filters)))
        outputs = ops.reshape(outputs, (-1, time, filters))
        outputs = outputs + self.bias if self.use_bias else outputs
        return outputs if self.activation is None else self.activation(outputs)


@_register
class Upsample1D(keras.layers.Conv1DTranspose):
    """Transposed convolution with stride s whose output is exactly s times longer.

    Input: (batch, time, channels). Output: (batch, time · stride, filters).
    Equal to PyTorch's `ConvTranspose1d` with padding ⌈(k − s) / 2⌉ and output padding
    (k − s) mod 2, or to TensorFlow's "same", whose padding in front is rounded down. The layer
    computes a convolution over input frames to stride · filters channels and then reshapes the
    channels to time.

    Args:
        filters: output channels.
        stride: the upsampling factor s.
        kernel_size: the number of taps k, at least s; 2s if None. An output sample then depends
            on ⌈k / s⌉ input frames.
        crop_rounding: "up" as in PyTorch, or "down" as in TensorFlow.
        **kwargs: further arguments of `keras.layers.Conv1DTranspose`.

    Examples:
        >>> from tf_melgan.layers.convolutions import Upsample1D
        >>> layer = Upsample1D(filters=256, stride=8)
        >>> assert layer(np.zeros((1, 10, 512))).shape == (1, 80, 256)
    """

    def __init__(
        self,
        filters: int,
        stride: int,
        kernel_size: int | None = None,
        crop_rounding: str = "up",
        **kwargs: Any,
    ):
        kwargs = {key: value for key, value in kwargs.items() if key not in _UPSAMPLE_FIXED}
        taps = kernel_size or 2 * stride
        super().__init__(filters, taps, strides=stride, padding="same", **kwargs)
        self.stride, self.crop_rounding = stride, crop_rounding

    @property
    def reach(self) -> int:
        """The number of neighbouring input frames that an output sample depends on: ⌈k / s⌉ − 1."""
        return -(-self.kernel_size[0] // self.stride) - 1

    @property
    def crop(self) -> tuple[int, int]:
        """Samples that the convolution over padded frames gives before and after the output."""
        start = (self.kernel_size[0] - self.stride + (self.crop_rounding == "up")) // 2
        return start, self.reach * self.stride - start

    def call(self, inputs: Any) -> Any:
        stride, reach = self.stride, self.reach
        padded = ops.pad(inputs, ((0, 0), (reach, reach), (0, 0)))
        phases = ops.conv(padded, self.polyphase_kernel(), padding="valid")
        time = ops.shape(inputs)[1]
        outputs = ops.reshape(phases, (-1, (time + reach) * stride, self.filters))
        shape = (ops.shape(inputs)[0], time * stride, self.filters)
        outputs = ops.slice(outputs, (0, self.crop[0], 0), shape)
        return outputs + self.bias if self.use_bias else outputs

    def polyphase_kernel(self) -> Any:
        """Returns the kernel of the equivalent plain convolution: (reach + 1, channels, outputs).

        Its taps apply to the previous frames and, the last one, to the current frame. Its
        stride · filters outputs are the `stride` samples of the current frame.
        """
        size, filters, channels = self.kernel.shape
        frames = self.reach + 1
        kernel = ops.pad(self.kernel, ((0, frames * self.stride - size), (0, 0), (0, 0)))
        kernel = ops.reshape(kernel, (frames, self.stride, filters, channels))
        kernel = ops.flip(ops.transpose(kernel, (0, 3, 1, 2)), axis=0)
        return ops.reshape(kernel, (frames, channels, self.stride * filters))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, time, _ = input_shape
        return batch, None if time is None else time * self.stride, self.filters

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        settings = {key: config[key] for key in config if key not in _UPSAMPLE_FIXED}
        return settings | {
            "stride": self.stride,
            "kernel_size": self.kernel_size[0],
            "crop_rounding": self.crop_rounding,
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
