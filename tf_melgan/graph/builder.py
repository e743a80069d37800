"""Base class and helpers that build a generator's streaming stages in TensorFlow."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tf_melgan.graph.stage import SignalFunction, StreamingStage

Observer = Callable[[str, tf.Tensor], tf.Tensor]


def unobserved(name: str, signal: tf.Tensor) -> tf.Tensor:
    """The observer that returns every signal unchanged."""
    return signal


class GraphBuilder:
    """Builds the stages of a generator and holds their weights.

    Args:
        observe: (name, signal) → signal; every signal that may be int8 passes through it.

    Attributes:
        weights: the variables of all stages, by name.
        int8_kernels: the kernels that may be int8, by the name of their convolution.
    """

    def __init__(self, observe: Observer):
        self.observe = observe
        self.weights: dict[str, tf.Variable] = {}
        self.int8_kernels: dict[str, tf.Variable] = {}

    def stages(self) -> Iterator[StreamingStage]:
        """Yields the stages in order, and adds their variables to `weights`."""
        raise NotImplementedError

    def convolution(
        self,
        name: str,
        kernel: np.ndarray,
        bias: np.ndarray | None = None,
        dilation: int = 1,
        int8: bool = True,
    ) -> SignalFunction:
        """Returns a convolution over time of a padded signal.

        Args:
            name: the name of its variables.
            kernel: (taps, channels, filters).
            bias: (filters,), or None.
            dilation: in samples.
            int8: whether the kernel may be int8.
        """
        weight, offset = self._variables(name, kernel, bias)
        if int8:
            self.int8_kernels[name] = weight

        def convolve(padded: tf.Tensor) -> tf.Tensor:
            output = tf.nn.conv2d(padded, weight, 1, "VALID", dilations=[1, dilation])
            return output if offset is None else tf.nn.bias_add(output, offset)

        return convolve

    def depthwise(
        self, name: str, kernel: np.ndarray, bias: np.ndarray | None = None
    ) -> SignalFunction:
        """Returns a depthwise convolution over time of a padded signal; it is never int8.

        Args:
            name: the name of its variables.
            kernel: (taps, channels, 1).
            bias: (channels,), or None.
        """
        weight, offset = self._variables(name, kernel, bias)

        def convolve(padded: tf.Tensor) -> tf.Tensor:
            output = tf.nn.depthwise_conv2d(padded, weight, (1, 1, 1, 1), "VALID")
            return output if offset is None else tf.nn.bias_add(output, offset)

        return convolve

    def variable(self, name: str, value: np.ndarray) -> tf.Variable:
        """Adds a float32 variable to `weights` and returns it."""
        self.weights[name] = tf.Variable(value.astype(np.float32), trainable=False)
        return self.weights[name]

    def _variables(
        self, name: str, kernel: np.ndarray, bias: np.ndarray | None
    ) -> tuple[tf.Variable, tf.Variable | None]:
        weight = self.variable(f"{name}/kernel", kernel[None])
        return weight, None if bias is None else self.variable(f"{name}/bias", bias)


def depth_to_time(phases: tf.Tensor, rate: int) -> tf.Tensor:
    """(batch, 1, time, rate · channels) → (batch, 1, time · rate, channels)."""
    channels = phases.shape[-1] // rate
    return tf.reshape(phases, (tf.shape(phases)[0], 1, -1, channels))


def time_to_depth(signal: tf.Tensor, rate: int) -> tf.Tensor:
    """(batch, 1, time · rate, channels) → (batch, 1, time, rate · channels)."""
    return tf.reshape(signal, (tf.shape(signal)[0], 1, -1, rate * signal.shape[-1]))
