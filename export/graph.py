"""The generator as it runs after training: a chain of stages, for whole utterances and for streams.

Weight normalization is folded, and every operation is one that inference engines run fast: a
reflection is slices and a concatenation, and upsampling is a convolution of kernel 2 whose
channels are laid out in time. One description of the chain serves four uses, which differ only in
whether the signal begins and whether it ends in what a call sees:

    begins and ends   a whole utterance
    begins            the start of a stream; every stage keeps the end of what it saw as its state
    neither           a step of the stream
    ends              the end of the stream: what was waiting for frames that do not come

Signals are float32 (batch, 1, time, channels), since engines convolve in two dimensions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tf_melgan.generator import Generator
from tf_melgan.layers import LEAKY_SLOPE, ResidualStack, Upsample1D
from tf_melgan.pqmf import PQMF

_TIME = 2
_MOST_JOINED = 4
Function = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Stage:
    """What lies between two paddings: windows on a padded signal become samples of the next.

    Args:
        channels: of the signal that comes in.
        pad: samples that are padded on before its beginning and behind its end.
        reflect: whether padding mirrors the signal; otherwise it is zeros.
        span: samples of the window beyond its first; a stream remembers as many.
        apply: (padded signal, the signal in its middle) → `rate` samples for each window.
        rate: samples that come out for one that comes in.
        crop: samples dropped from the beginning and the end of what comes out.
    """

    channels: int
    pad: tuple[int, int]
    reflect: bool
    span: int
    apply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    rate: int = 1
    crop: tuple[int, int] = (0, 0)

    @property
    def shortest(self) -> int:
        """The fewest samples that can be mirrored without mirroring them again."""
        return max(self.pad) + 1 if self.reflect else 1

    def emitted(self, samples: int) -> int:
        """How many samples come out once the first `samples` have come in."""
        return (samples + self.pad[0] - self.span) * self.rate - self.crop[0]

    def __call__(
        self, new: tf.Tensor | None, past: tf.Tensor | None, last: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What comes out for a signal that begins with `new`, or goes on with it after `past`.

        Returns:
            The output, and the state: the `past` of the next call.
        """
        first = past is None
        known = new if first else past if new is None else tf.concat([past, new], _TIME)
        left, right = self.pad[0] * first, self.pad[1] * last
        padded = self._padded(known, left, right)
        middle = slice(self.pad[0], self.pad[0] - self.span or None)
        output = self.apply(padded, known if first and last else padded[:, :, middle])
        return self._cropped(output, first, last), padded[:, :, -self.span :]

    def alone(self, signal: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """What comes out for each signal of a batch if it is its first `lengths` samples alone.

        They may be fewer than padding mirrors. What comes out behind their end has no meaning.
        """
        left, right = self.pad
        if self.reflect:
            place = tf.range(-left, tf.shape(signal)[_TIME] + right)[None]
            end = lengths[:, None] - 1
            place = tf.math.floormod(place, tf.maximum(2 * end, 1))
            place = tf.minimum(place, tf.abs(2 * end - place))
            padded = tf.gather(signal[:, 0], place, axis=1, batch_dims=1)[:, None]
        else:
            inside = tf.range(tf.shape(signal)[_TIME])[None] < lengths[:, None]
            signal *= tf.cast(inside, signal.dtype)[:, None, :, None]
            padded = self._padded(signal, left, right)
        return self._cropped(self.apply(padded, signal), True, True)

    def _padded(self, known: tf.Tensor, left: int, right: int) -> tf.Tensor:
        if not left and not right:
            return known
        if not self.reflect:
            return tf.pad(known, ((0, 0), (0, 0), (left, right), (0, 0)))
        before = [known[:, :, i : i + 1] for i in range(left, 0, -1)]
        after = [known[:, :, -i - 1 : -i] for i in range(1, right + 1)]
        return _joined([_joined(before), known, _joined(after)])

    def _cropped(self, output: tf.Tensor, first: bool, last: bool) -> tf.Tensor:
        front, back = self.crop[0] * first, self.crop[1] * last
        return output[:, :, front : -back or None] if front or back else output


class InferenceGraph(tf.Module):
    """A trained generator's chain of stages, with its weights as variables.

    Attributes:
        hop: samples for each frame of the mel.
        shortest: frames from which `whole` works; `alone` works from one.
        start_frames: frames from which `start` works.
        lookahead: samples that the stream lags behind the frames it has seen.
        states: shape of each state of a stream, (1, 1, time, channels).
    """

    def __init__(self, generator: Generator):
        super().__init__()
        self._weights: list[tf.Variable] = []
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
        yield self._window(folded.first)
        for upsampler, stack in zip(folded.upsamplers, folded.stacks, strict=True):
            yield self._upsampling(upsampler)
            yield from self._residuals(stack)
        yield self._window(folded.last, _activated, tf.tanh)
        if folded.pqmf is not None:
            yield self._synthesis(folded.pqmf)

    def _window(
        self,
        conv: keras.layers.Conv1D,
        before: Function = tf.identity,
        after: Function = tf.identity,
    ) -> Stage:
        """A convolution between reflections, with a function of each sample on either side."""
        kernel = conv.kernel.numpy()
        convolve, reach = self._convolution(kernel, conv.bias.numpy()), len(kernel) // 2

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return after(convolve(before(padded)))

        return Stage(kernel.shape[1], (reach, reach), True, 2 * reach, apply)

    def _upsampling(self, layer: Upsample1D) -> Stage:
        stride, kernel = layer.stride, layer.polyphase_kernel()
        kernel = keras.ops.convert_to_numpy(kernel)
        convolve = self._convolution(kernel, np.tile(layer.bias.numpy(), stride))
        crop = stride // 2 + stride % 2

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return _laid_out(convolve(_activated(padded)), stride)

        return Stage(kernel.shape[1], (1, 1), False, 1, apply, stride, (crop, stride - crop))

    def _residuals(self, stack: ResidualStack) -> Iterator[Stage]:
        convs = (stack.dilated, stack.pointwise, stack.shortcuts)
        for dilation, *block in zip(stack.dilations, *convs, strict=True):
            yield self._residual(dilation, *block)

    def _residual(self, dilation: int, *block: keras.layers.Conv1D) -> Stage:
        weights = [(conv.kernel.numpy(), conv.bias.numpy()) for conv in block]
        dilated = self._convolution(*weights[0], dilation)
        pointwise, shortcut = (self._convolution(*pair) for pair in weights[1:])

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            branch = pointwise(_activated(dilated(_activated(padded))))
            return shortcut(middle) + branch

        channels = weights[0][0].shape[1]
        return Stage(channels, (dilation, dilation), True, 2 * dilation, apply)

    def _synthesis(self, bank: PQMF) -> Stage:
        kernel, before, after = bank.synthesis_kernel()
        convolve = self._convolution(kernel.astype(np.float32))

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return _laid_out(convolve(padded), bank.bands)

        return Stage(bank.bands, (before, after), False, before + after, apply, bank.bands)

    def _convolution(
        self, kernel: np.ndarray, bias: np.ndarray | None = None, dilation: int = 1
    ) -> Function:
        """A convolution of a padded signal with a kernel (taps, channels, filters)."""
        kernel = tf.Variable(kernel[None], trainable=False)
        offset = None if bias is None else tf.Variable(bias, trainable=False)
        self._weights += [kernel] if offset is None else [kernel, offset]

        def convolve(padded: tf.Tensor) -> tf.Tensor:
            output = tf.nn.conv2d(padded, kernel, 1, "VALID", dilations=[1, dilation])
            return output if offset is None else tf.nn.bias_add(output, offset)

        return convolve


def _joined(signals: list[tf.Tensor | None]) -> tf.Tensor | None:
    """One after the other in time, by concatenations that XNNPACK takes: of few signals each."""
    signals = [signal for signal in signals if signal is not None]
    while len(signals) > 1:
        groups = range(0, len(signals), _MOST_JOINED)
        signals = [tf.concat(signals[i : i + _MOST_JOINED], _TIME) for i in groups]
    return signals[0] if signals else None


def _activated(signal: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(signal, LEAKY_SLOPE)


def _laid_out(phases: tf.Tensor, rate: int) -> tf.Tensor:
    """(batch, 1, time, rate · channels) → (batch, 1, time · rate, channels)."""
    channels = phases.shape[-1] // rate
    return tf.reshape(phases, (tf.shape(phases)[0], 1, -1, channels))


def _waveform(signal: tf.Tensor) -> tf.Tensor:
    """(batch, 1, samples, 1) → (batch, samples)."""
    return tf.reshape(signal, (tf.shape(signal)[0], -1))
