"""What the chains of all kinds of generators are made with."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tf_melgan.graph.stage import SignalFunction, StreamingStage

Observer = Callable[[str, tf.Tensor], tf.Tensor]


def unobserved(name: str, signal: tf.Tensor) -> tf.Tensor:
    return signal


class GraphBuilder:
    """Makes the stages of a generator, and holds their weights.

    Args:
        observe: as `InferenceGraph` takes it.

    Attributes:
        weights, int8_kernels: as `InferenceGraph` has them.
    """

    def __init__(self, observe: Observer):
        self.observe = observe
        self.weights: dict[str, tf.Variable] = {}
        self.int8_kernels: dict[str, tf.Variable] = {}

    def stages(self) -> Iterator[StreamingStage]:
        """The stages in order; what they compute with is then in `weights`."""
        raise NotImplementedError

    def convolution(
        self,
        name: str,
        kernel: np.ndarray,
        bias: np.ndarray | None = None,
        dilation: int = 1,
        int8: bool = True,
    ) -> SignalFunction:
        """A convolution of a padded signal with a kernel (taps, channels, filters).

        Args:
            int8: whether it may be int8.
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
        """A convolution of each channel of a padded signal with its own kernel, never int8.

        Args:
            kernel: (taps, channels, 1).
        """
        weight, offset = self._variables(name, kernel, bias)

        def convolve(padded: tf.Tensor) -> tf.Tensor:
            output = tf.nn.depthwise_conv2d(padded, weight, (1, 1, 1, 1), "VALID")
            return output if offset is None else tf.nn.bias_add(output, offset)

        return convolve

    def variable(self, name: str, value: np.ndarray) -> tf.Variable:
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
