"""The streaming stages of a HiFi-GAN generator; `InferenceGraph` runs them.

The residual blocks of an upsampling stage run side by side. Their signals pass from one streaming
stage to the next as groups of channels. All blocks share the padding of the widest window, so that
they stay in step.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_melgan.graph.builder import GraphBuilder, Observer, depth_to_time
from tf_melgan.graph.stage import SignalFunction, StreamingStage
from tf_melgan.layers.convolutions import Upsample1D
from tf_melgan.models.base import Generator
from tf_melgan.models.hifigan.fusion import LAST_SLOPE, LEAKY_SLOPE, ResidualBlock


class HiFiGANGraphBuilder(GraphBuilder):
    """Builds the stages.

    Args:
        generator: a trained HiFiGANGenerator, with weight normalization or folded.
        observe: (name, signal) → signal; every signal that may be int8 passes through it.
    """

    def __init__(self, generator: Generator, observe: Observer):
        super().__init__(observe)
        self._generator = generator.folded()

    def stages(self) -> Iterator[StreamingStage]:
        generator = self._generator
        yield self._centering()
        yield self._first(generator.first)
        pairs = zip(generator.upsamplers, generator.fusions, strict=True)
        for index, (upsampler, fusion) in enumerate(pairs):
            yield self._upsampling(f"upsampling_{index}", upsampler)
            yield from self._fusion(f"fusion_{index}", fusion.blocks)
        yield self._last(generator.last)

    def _centering(self) -> StreamingStage:
        mean = self.variable("centering/mean", self._generator.mean.numpy())
        channels = self._generator.n_mels
        return StreamingStage(
            "centering", lambda mel: mel, channels, (0, 0), False, 0, lambda mel, _: mel - mean
        )

    def _first(self, conv: keras.layers.Conv1D) -> StreamingStage:
        convolve = self._convolution("first/conv", conv)
        return self._stage("first", conv, lambda padded, _: convolve(padded))

    def _last(self, conv: keras.layers.Conv1D) -> StreamingStage:
        convolve = self._convolution("last/conv", conv)

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            output = convolve(self._activated("last/active", padded, LAST_SLOPE))
            return self.observe("last/bounded", tf.tanh(self.observe("last/unbounded", output)))

        return self._stage("last", conv, apply)

    def _upsampling(self, name: str, layer: Upsample1D) -> StreamingStage:
        kernel = keras.ops.convert_to_numpy(layer.polyphase_kernel())
        bias, reach, stride = np.tile(layer.bias.numpy(), layer.stride), layer.reach, layer.stride
        convolve = self.convolution(f"{name}/conv", kernel, bias)

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return depth_to_time(convolve(self._activated(f"{name}/active", padded)), stride)

        pre_op, pad = self._observed(name), (reach, reach)
        return StreamingStage(
            name, pre_op, kernel.shape[1], pad, False, reach, apply, stride, layer.crop
        )

    def _fusion(self, name: str, blocks: Sequence[ResidualBlock]) -> Iterator[StreamingStage]:
        """Residual blocks side by side, and in the end the mean of their outputs."""
        last = len(blocks[0].dilations) - 1
        for step in range(last + 1):
            dilated = [block.dilated[step] for block in blocks]
            plain = [block.plain[step] for block in blocks if block.paired]
            # All blocks begin with the same signal.
            signals, mean, prefix = len(blocks) if step else 1, step == last, f"{name}_step_{step}"
            if plain:
                yield self._branches(prefix, dilated, signals)
                yield self._sums(f"{prefix}_sum", plain, signals, True, mean)
            else:
                yield self._sums(f"{prefix}_sum", dilated, signals, False, mean)

    def _branches(
        self, name: str, convs: Sequence[keras.layers.Conv1D], signals: int
    ) -> StreamingStage:
        """The blocks' signals, or one for all of them, followed by a convolution of each."""
        convolve, pad = self._side_by_side(name, convs)

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            return tf.concat([middle, *convolve(tf.split(padded, signals, 3))], 3)

        return self._padded_stage(name, signals * convs[0].filters, pad, apply)

    def _sums(
        self,
        name: str,
        convs: Sequence[keras.layers.Conv1D],
        signals: int,
        branches: bool,
        mean: bool,
    ) -> StreamingStage:
        """The blocks' signals plus a convolution of each, or of the `branches` behind them."""
        convolve, pad = self._side_by_side(name, convs)
        width = signals * convs[0].filters

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            shortcuts = tf.split(middle[..., :width], signals, 3)
            inputs = padded[..., width:] if branches else padded
            outputs = convolve(tf.split(inputs, len(convs) if branches else signals, 3))
            pairs = zip(shortcuts * (len(convs) // signals), outputs, strict=True)
            sums = [output + shortcut for shortcut, output in pairs]
            return sum(sums[1:], sums[0]) / len(sums) if mean else tf.concat(sums, 3)

        channels = width + branches * len(convs) * convs[0].filters
        return self._padded_stage(name, channels, pad, apply)

    def _side_by_side(self, name: str, convs: Sequence[keras.layers.Conv1D]) -> tuple[Any, int]:
        """A function of padded signals, one for each convolution or one for all; and its pad."""
        pads = [_pad(conv) for conv in convs]
        functions = [self._convolution(f"{name}/conv_{i}", conv) for i, conv in enumerate(convs)]
        pad = max(pads)

        def convolve(padded: list[tf.Tensor]) -> list[tf.Tensor]:
            active = [
                self._activated(f"{name}/active_{i}", signal) for i, signal in enumerate(padded)
            ] * (len(convs) // len(padded))
            return [
                self.observe(f"{name}/branch_{i}", function(_inner(signal, pad - own)))
                for i, (signal, function, own) in enumerate(
                    zip(active, functions, pads, strict=True)
                )
            ]

        return convolve, pad

    def _convolution(self, name: str, conv: keras.layers.Conv1D) -> SignalFunction:
        (dilation,) = conv.dilation_rate
        return self.convolution(name, conv.kernel.numpy(), conv.bias.numpy(), dilation)

    def _stage(self, name: str, conv: keras.layers.Conv1D, apply: Any) -> StreamingStage:
        return self._padded_stage(name, conv.kernel.shape[1], _pad(conv), apply)

    def _padded_stage(self, name: str, channels: int, pad: int, apply: Any) -> StreamingStage:
        pre_op = self._observed(name)
        return StreamingStage(name, pre_op, channels, (pad, pad), False, 2 * pad, apply)

    def _observed(self, name: str) -> SignalFunction:
        return lambda signal: self.observe(f"{name}/in", signal)

    def _activated(self, name: str, signal: tf.Tensor, slope: float = LEAKY_SLOPE) -> tf.Tensor:
        return self.observe(name, tf.nn.leaky_relu(signal, slope))


def _pad(conv: keras.layers.Conv1D) -> int:
    """Samples at each end that keep the length of a signal."""
    return conv.kernel_size[0] // 2 * conv.dilation_rate[0]


def _inner(signal: tf.Tensor, cut: int) -> tf.Tensor:
    """The signal without `cut` samples at each end."""
    return signal[:, :, cut:-cut] if cut else signal
