"""The generator as it runs after training: a chain of stages, for whole utterances and for streams.

Weight normalization is folded, and every operation is one that inference engines run fast: a
reflection is slices and a concatenation, and upsampling is a convolution of kernel 2 whose
channels are laid out in time. One description of the chain serves four uses, which differ only in
whether the signal begins and whether it ends in what a call sees:

    begins and ends   a whole utterance
    begins            the start of a stream; every stage keeps the end of what it saw as its state
    neither           a step of the stream
    ends              the end of the stream: what was waiting for frames that do not come
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_melgan.export.stage import Function, Stage
from tf_melgan.generator import Generator
from tf_melgan.layers import LEAKY_SLOPE, ResidualStack, Upsample1D
from tf_melgan.pqmf import PQMF

_ROLES = ("dilated", "pointwise", "shortcut")
Observer = Callable[[str, tf.Tensor], tf.Tensor]


def _unobserved(name: str, signal: tf.Tensor) -> tf.Tensor:
    return signal


class InferenceGraph(tf.Module):
    """A trained generator's chain of stages, with its weights as variables.

    Args:
        generator: trained, with weight normalization or folded.
        observe: (name, signal) → signal; every signal passes it once, under the name of its stage
            and its own, the same in all uses. What leaves a stage passes where the next begins.

    Attributes:
        hop: samples for each frame of the mel.
        shortest: frames from which `whole` works; `alone` works from one.
        start_frames: frames from which `start` works.
        lookahead: samples that the stream lags behind the frames it has seen.
        weights: kernels and biases by the names of their convolutions.
        states: shape of each state of a stream, (1, 1, time, channels).
    """

    def __init__(self, generator: Generator, observe: Observer = _unobserved):
        super().__init__()
        self._observe = observe
        self.weights: dict[str, tf.Variable] = {}
        self.stages = list(self._chain(generator))
        self.n_mels = generator.n_mels
        self.hop = int(np.prod([stage.rate for stage in self.stages]))
        self.shortest = self._fewest(self._is_whole)
        self.start_frames = self._fewest(lambda frames: self._emitted(frames) > 0)
        self.lookahead = self.start_frames * self.hop - self._emitted(self.start_frames)
        self.states = [(1, 1, stage.span, stage.channels) for stage in self.stages]

    def whole(self, mel: tf.Tensor) -> tf.Tensor:
        """Log-mel (batch, frames, n_mels), at least `shortest` frames → (batch, frames · hop)."""
        signal = tf.expand_dims(mel, 1)
        for stage in self.stages:
            signal, _ = stage(signal, None, last=True)
        return _waveform(signal)

    def alone(self, mel: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """As `whole`, for padded mels of int32 `lengths` (batch,) frames each, from one up.

        Each gives what it would alone; behind its end the output is 0.
        """
        signal = tf.expand_dims(mel, 1)
        with tf.name_scope("alone"):
            for stage in self.stages:
                signal = stage.alone(signal, lengths)
                lengths *= stage.rate
        waveform = _waveform(signal)
        return tf.where(tf.range(tf.shape(waveform)[1])[None] < lengths[:, None], waveform, 0.0)

    def start(self, mel: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The first frames (1, frames, n_mels), at least `start_frames` → samples and states."""
        return self._advance(tf.expand_dims(mel, 1), [None] * len(self.stages), last=False)

    def step(self, mel: tf.Tensor, states: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list]:
        """The next frames (1, frames, n_mels), at least one → frames · hop samples and states."""
        return self._advance(tf.expand_dims(mel, 1), states, last=False)

    def end(self, states: Sequence[tf.Tensor]) -> tf.Tensor:
        """The `lookahead` samples that remain when no frame is left."""
        return self._advance(None, states, last=True)[0]

    def _advance(
        self, signal: tf.Tensor | None, states: Sequence[tf.Tensor | None], last: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        after = []
        for stage, past in zip(self.stages, states, strict=True):
            signal, state = stage(signal, past, last)
            after.append(state)
        return _waveform(signal), after

    def _emitted(self, frames: int) -> int:
        """How many samples `start` gives; 0 where the frames are too few for it."""
        samples = frames
        for stage in self.stages:
            if samples < stage.shortest or stage.emitted(samples) < 1:
                return 0
            samples = stage.emitted(samples)
        return samples

    def _is_whole(self, frames: int) -> bool:
        samples = frames
        for stage in self.stages:
            if samples < stage.shortest:
                return False
            samples *= stage.rate
        return True

    @staticmethod
    def _fewest(enough: Callable[[int], bool]) -> int:
        return next(frames for frames in range(1, 10_000) if enough(frames))

    def _chain(self, generator: Generator) -> Iterator[Stage]:
        folded = generator.folded() if generator.weight_normalization else generator
        yield self._window("first", folded.first)
        pairs = zip(folded.upsamplers, folded.stacks, strict=True)
        for index, (upsampler, stack) in enumerate(pairs):
            yield self._upsampling(f"upsampling_{index}", upsampler)
            yield from self._residuals(f"stack_{index}", stack)
        yield self._window("last", folded.last, activate=True, bound=True)
        if folded.pqmf is not None:
            yield self._synthesis(folded.pqmf)

    def _window(
        self, name: str, conv: keras.layers.Conv1D, activate: bool = False, bound: bool = False
    ) -> Stage:
        """A convolution between reflections, perhaps with activation before and tanh behind it."""
        kernel = conv.kernel.numpy()
        reach = len(kernel) // 2
        convolve = self._convolution(f"{name}/conv", kernel, conv.bias.numpy())

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            output = convolve(self._activated(f"{name}/active", padded) if activate else padded)
            return self._bounded(name, output) if bound else output

        return self._stage(name, kernel.shape[1], (reach, reach), True, 2 * reach, apply)

    def _upsampling(self, name: str, layer: Upsample1D) -> Stage:
        stride, kernel = layer.stride, keras.ops.convert_to_numpy(layer.polyphase_kernel())
        bias, crop = np.tile(layer.bias.numpy(), stride), stride // 2 + stride % 2
        convolve = self._convolution(f"{name}/conv", kernel, bias)

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return _laid_out(convolve(self._activated(f"{name}/active", padded)), stride)

        ends = (crop, stride - crop)
        return self._stage(name, kernel.shape[1], (1, 1), False, 1, apply, stride, ends)

    def _residuals(self, name: str, stack: ResidualStack) -> Iterator[Stage]:
        blocks = zip(stack.dilations, stack.dilated, stack.pointwise, stack.shortcuts, strict=True)
        for index, (dilation, *block) in enumerate(blocks):
            yield self._residual(f"{name}_block_{index}", dilation, *block)

    def _residual(self, name: str, dilation: int, *block: keras.layers.Conv1D) -> Stage:
        dilated, pointwise, shortcut = (
            self._convolution(f"{name}/{role}", conv.kernel.numpy(), conv.bias.numpy(), spacing)
            for role, conv, spacing in zip(_ROLES, block, (dilation, 1, 1), strict=True)
        )

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            branch = dilated(self._activated(f"{name}/active", padded))
            branch = self._observe(f"{name}/dilated", branch)
            branch = pointwise(self._activated(f"{name}/dilated_active", branch))
            branch = self._observe(f"{name}/branch", branch)
            return self._observe(f"{name}/shortcut", shortcut(middle)) + branch

        channels = block[0].kernel.shape[1]
        return self._stage(name, channels, (dilation, dilation), True, 2 * dilation, apply)

    def _synthesis(self, bank: PQMF) -> Stage:
        kernel, before, after = bank.synthesis_kernel()
        convolve = self._convolution("pqmf/conv", kernel.astype(np.float32))

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return _laid_out(convolve(padded), bank.bands)

        pad = (before, after)
        return self._stage("pqmf", bank.bands, pad, False, before + after, apply, bank.bands)

    def _stage(self, name: str, *arguments: Any) -> Stage:
        return Stage(name, lambda signal: self._observe(f"{name}/in", signal), *arguments)

    def _bounded(self, name: str, signal: tf.Tensor) -> tf.Tensor:
        signal = self._observe(f"{name}/unbounded", signal)
        return self._observe(f"{name}/bounded", tf.tanh(signal))

    def _activated(self, name: str, signal: tf.Tensor) -> tf.Tensor:
        return self._observe(name, tf.nn.leaky_relu(signal, LEAKY_SLOPE))

    def _convolution(
        self, name: str, kernel: np.ndarray, bias: np.ndarray | None = None, dilation: int = 1
    ) -> Function:
        """A convolution of a padded signal with a kernel (taps, channels, filters)."""
        kernel = tf.Variable(kernel[None], trainable=False)
        offset = None if bias is None else tf.Variable(bias, trainable=False)
        self.weights[f"{name}/kernel"] = kernel
        if offset is not None:
            self.weights[f"{name}/bias"] = offset

        def convolve(padded: tf.Tensor) -> tf.Tensor:
            output = tf.nn.conv2d(padded, kernel, 1, "VALID", dilations=[1, dilation])
            return output if offset is None else tf.nn.bias_add(output, offset)

        return convolve


def _laid_out(phases: tf.Tensor, rate: int) -> tf.Tensor:
    """(batch, 1, time, rate · channels) → (batch, 1, time · rate, channels)."""
    channels = phases.shape[-1] // rate
    return tf.reshape(phases, (tf.shape(phases)[0], 1, -1, channels))


def _waveform(signal: tf.Tensor) -> tf.Tensor:
    """(batch, 1, samples, 1) → (batch, samples)."""
    return tf.reshape(signal, (tf.shape(signal)[0], -1))
