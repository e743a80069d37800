"""The generator as it runs after training: a chain of stages, for whole utterances and for streams.

Weight normalization is folded, and every operation is one that inference engines run fast: a
reflection is slices and a concatenation, and upsampling is a convolution over pairs of samples
whose channels are laid out in time. One description of the chain serves four uses, which differ
only in whether the signal begins and whether it ends in what a call sees (and a fifth, `padded_batch`, for
padded batches):

    begins and ends   a whole utterance
    begins            the start of a stream; every stage keeps the end of what it saw as its state
    neither           a step of the stream
    ends              the end of the stream: what was waiting for frames that do not come
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tf_melgan.graph.builder import Observer, unobserved
from tf_melgan.graph.stage import StreamingStage
from tf_melgan.models.base import Generator


class InferenceGraph(tf.Module):
    """A trained generator's chain of stages, with its weights as variables.

    Args:
        generator: trained, with weight normalization or folded.
        observe: (name, signal) → signal; every signal that may be int8 passes it once, under the
            name of its stage and its own, the same in all uses.

    Attributes:
        hop: samples for each frame of the mel.
        shortest: frames from which `full` works; `padded_batch` works from one.
        start_frames: frames from which `start` works.
        lookahead: samples that the stream lags behind the frames it has seen.
        weights: kernels and biases by the names of their convolutions.
        int8_kernels: those kernels (1, taps, channels, filters) that are int8 where a voice
            computes so, by their convolutions.
        states: shape of each state of a stream, (1, 1, time, channels).
    """

    def __init__(self, generator: Generator, observe: Observer = unobserved):
        super().__init__()
        builder = generator.graph_builder(observe)
        self.stages = list(builder.stages())
        self.weights, self.int8_kernels = builder.weights, builder.int8_kernels
        self.n_mels = generator.n_mels
        self.hop = int(np.prod([stage.rate for stage in self.stages]))
        self.shortest = self._fewest(self._is_whole)
        self.start_frames = self._fewest(lambda frames: self._emitted(frames) > 0)
        self.lookahead = self.start_frames * self.hop - self._emitted(self.start_frames)
        self.states = [(1, 1, stage.state_length, stage.channels) for stage in self._remembering()]

    def full(self, mel: tf.Tensor) -> tf.Tensor:
        """Log-mel (batch, frames, n_mels), at least `shortest` frames → (batch, frames · hop)."""
        signal = tf.expand_dims(mel, 1)
        for stage in self.stages:
            signal, _ = stage(signal, None, last=True)
        return _waveform(signal)

    def padded_batch(self, mel: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """As `full`, for padded mels of int32 `lengths` (batch,) frames each, from one up.

        Each gives what it would alone; behind its end the output is 0.
        """
        signal = tf.expand_dims(mel, 1)
        with tf.name_scope("padded_batch"):
            for stage in self.stages:
                signal = stage.padded_batch(signal, lengths)
                lengths *= stage.rate
        waveform = _waveform(signal)
        return tf.where(tf.range(tf.shape(waveform)[1])[None] < lengths[:, None], waveform, 0.0)

    def start(self, mel: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The first frames (1, frames, n_mels), at least `start_frames` → samples and states."""
        return self._advance(tf.expand_dims(mel, 1), [None] * len(self.states), last=False)

    def step(self, mel: tf.Tensor, states: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list]:
        """The next frames (1, frames, n_mels), at least one → frames · hop samples and states."""
        return self._advance(tf.expand_dims(mel, 1), states, last=False)

    def end(self, states: Sequence[tf.Tensor]) -> tf.Tensor:
        """The `lookahead` samples that remain when no frame is left."""
        return self._advance(None, states, last=True)[0]

    def _advance(
        self, signal: tf.Tensor | None, states: Sequence[tf.Tensor | None], last: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        past = dict(zip((stage.name for stage in self._remembering()), states, strict=True))
        after = []
        for stage in self.stages:
            if signal is None and not stage.pad[1]:
                # Nothing waits in it for what comes next.
                continue
            signal, state = stage(signal, past.get(stage.name), last)
            if stage.state_length:
                after.append(state)
        return _waveform(signal), after

    def _remembering(self) -> list[StreamingStage]:
        return [stage for stage in self.stages if stage.state_length]

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


def _waveform(signal: tf.Tensor) -> tf.Tensor:
    """(batch, 1, samples, 1) → (batch, samples)."""
    return tf.reshape(signal, (tf.shape(signal)[0], -1))
