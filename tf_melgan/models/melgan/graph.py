"""The streaming stages of a MelGAN generator; `InferenceGraph` runs them."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_melgan.graph.builder import GraphBuilder, Observer, depth_to_time
from tf_melgan.graph.stage import StreamingStage
from tf_melgan.layers.convolutions import LEAKY_SLOPE, Upsample1D
from tf_melgan.layers.pqmf import PQMF
from tf_melgan.layers.residual_stack import ResidualStack
from tf_melgan.models.base import Generator

_ROLES = ("dilated", "pointwise", "shortcut")


class MelGANGraphBuilder(GraphBuilder):
    """Builds the stages.

    Args:
        generator: a trained MelGANGenerator, with weight normalization or folded.
        observe: (name, signal) → signal; every signal that may be int8 passes through it.
    """

    def __init__(self, generator: Generator, observe: Observer):
        super().__init__(observe)
        self._generator = generator.folded()

    def stages(self) -> Iterator[StreamingStage]:
        generator = self._generator
        yield self._window("first", generator.first)
        pairs = zip(generator.upsamplers, generator.stacks, strict=True)
        for index, (upsampler, stack) in enumerate(pairs):
            yield self._upsampling(f"upsampling_{index}", upsampler)
            yield from self._residuals(f"stack_{index}", stack)
        yield self._window("last", generator.last, activate=True, bound=True)
        if generator.pqmf is not None:
            yield self._synthesis(generator.pqmf)

    def _window(
        self, name: str, conv: keras.layers.Conv1D, activate: bool = False, bound: bool = False
    ) -> StreamingStage:
        """A convolution with reflection padding; optionally LeakyReLU before and tanh after it."""
        kernel = conv.kernel.numpy()
        pad = len(kernel) // 2
        convolve = self.convolution(f"{name}/conv", kernel, conv.bias.numpy())

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            output = convolve(self._activated(f"{name}/active", padded) if activate else padded)
            return self._bounded(name, output) if bound else output

        return self._stage(name, kernel.shape[1], (pad, pad), True, 2 * pad, apply)

    def _upsampling(self, name: str, layer: Upsample1D) -> StreamingStage:
        stride, kernel = layer.stride, keras.ops.convert_to_numpy(layer.polyphase_kernel())
        bias = np.tile(layer.bias.numpy(), stride)
        convolve = self.convolution(f"{name}/conv", kernel, bias)

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return depth_to_time(convolve(self._activated(f"{name}/active", padded)), stride)

        return self._stage(name, kernel.shape[1], (1, 1), False, 1, apply, stride, layer.crop)

    def _residuals(self, name: str, stack: ResidualStack) -> Iterator[StreamingStage]:
        blocks = zip(stack.dilations, stack.dilated, stack.pointwise, stack.shortcuts, strict=True)
        for index, (dilation, *block) in enumerate(blocks):
            yield self._residual(f"{name}_block_{index}", dilation, *block)

    def _residual(self, name: str, dilation: int, *block: keras.layers.Conv1D) -> StreamingStage:
        dilated, pointwise, shortcut = (
            self.convolution(f"{name}/{role}", conv.kernel.numpy(), conv.bias.numpy(), spacing)
            for role, conv, spacing in zip(_ROLES, block, (dilation, 1, 1), strict=True)
        )

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            branch = dilated(self._activated(f"{name}/active", padded))
            branch = self.observe(f"{name}/dilated", branch)
            branch = pointwise(self._activated(f"{name}/dilated_active", branch))
            branch = self.observe(f"{name}/branch", branch)
            return self.observe(f"{name}/shortcut", shortcut(middle)) + branch

        channels = block[0].kernel.shape[1]
        return self._stage(name, channels, (dilation, dilation), True, 2 * dilation, apply)

    def _synthesis(self, bank: PQMF) -> StreamingStage:
        kernel, before, after = bank.synthesis_kernel()
        convolve = self.convolution("pqmf/conv", kernel)

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return depth_to_time(convolve(padded), bank.bands)

        pad = (before, after)
        return self._stage("pqmf", bank.bands, pad, False, before + after, apply, bank.bands)

    def _stage(self, name: str, *arguments: Any) -> StreamingStage:
        return StreamingStage(name, lambda signal: self.observe(f"{name}/in", signal), *arguments)

    def _bounded(self, name: str, signal: tf.Tensor) -> tf.Tensor:
        signal = self.observe(f"{name}/unbounded", signal)
        return self.observe(f"{name}/bounded", tf.tanh(signal))

    def _activated(self, name: str, signal: tf.Tensor) -> tf.Tensor:
        return self.observe(name, tf.nn.leaky_relu(signal, LEAKY_SLOPE))
