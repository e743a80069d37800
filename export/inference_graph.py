"""The generator for inference: a sequence of stages, for whole utterances and for streams.

Weight normalization is folded into the kernels. All operations are ones that inference engines run
fast: reflection padding is slices and a concatenation, and upsampling is a convolution over pairs
of samples followed by depth-to-time. The same stages are used in four ways, which differ in whether
the input of a call contains the beginning and the end of the signal:

    beginning and end   `full`, a whole utterance
    beginning           `start` of a stream; each stage returns the end of its input as state
    neither             `step` of a stream
    end                 `end` of a stream; computes the samples that waited for further frames

A fifth way, `padded_batch`, takes batches of padded mels.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tf_melgan.graph.builder import Observer, unobserved
from tf_melgan.graph.stage import StreamingStage
from tf_melgan.models.base import Generator


class InferenceGraph(tf.Module):
    """A trained generator as TensorFlow stages, with its weights as variables.

    Examples:
        >>> graph = InferenceGraph(model.inference_generator)
        >>> audio, states = graph.start(mel[:, : graph.start_frames])
        >>> more, states = graph.step(mel[:, graph.start_frames :], states)

    Args:
        generator: a trained generator, with weight normalization or folded.
        observe: a function (name, signal) → signal. Each signal that may be int8 passes through it
            once. Its name, "stage/signal", is the same for all methods.

    Attributes:
        stages: the stages in order.
        n_mels: mel bands.
        hop: samples per mel frame.
        shortest: minimum number of frames for `full`; `padded_batch` needs only one.
        start_frames: minimum number of frames for `start`.
        lookahead: latency of a stream, in samples: how far its output lags behind its input frames.
        weights: kernels and biases, by the name of the convolution.
        int8_kernels: the kernels (1, taps, channels, filters) that may be int8, by the name of the
            convolution.
        states: the shape of each state of a stream, (1, 1, time, channels).
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
        """Vocodes whole utterances of one length.

        Args:
            mel: log-mels, float32 (batch, frames, n_mels), at least `shortest` frames.

        Returns:
            Waveforms, float32 (batch, frames · hop).
        """
        signal = tf.expand_dims(mel, 1)
        for stage in self.stages:
            signal, _ = stage(signal, None, last=True)
        return _waveform(signal)

    def padded_batch(self, mel: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Vocodes whole utterances of different lengths, padded to one length.

        Each utterance gets the same samples as without padding. After its end, the output is 0.

        Args:
            mel: padded log-mels, float32 (batch, frames, n_mels).
            lengths: frames of each utterance, int32 (batch,), at least one each.

        Returns:
            Waveforms, float32 (batch, frames · hop).
        """
        signal = tf.expand_dims(mel, 1)
        with tf.name_scope("padded_batch"):
            for stage in self.stages:
                signal = stage.padded_batch(signal, lengths)
                lengths *= stage.rate
        waveform = _waveform(signal)
        return tf.where(tf.range(tf.shape(waveform)[1])[None] < lengths[:, None], waveform, 0.0)

    def start(self, mel: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Starts a stream.

        Args:
            mel: the first frames, float32 (1, frames, n_mels), at least `start_frames`.

        Returns:
            Samples, float32 (1, samples), with samples = frames · hop − lookahead, and the states.
        """
        return self._advance(tf.expand_dims(mel, 1), [None] * len(self.states), last=False)

    def step(self, mel: tf.Tensor, states: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list]:
        """Continues a stream.

        Args:
            mel: the next frames, float32 (1, frames, n_mels), at least one.
            states: the states that the previous call returned.

        Returns:
            Samples, float32 (1, frames · hop), and the new states.
        """
        return self._advance(tf.expand_dims(mel, 1), states, last=False)

    def end(self, states: Sequence[tf.Tensor]) -> tf.Tensor:
        """Ends a stream.

        Args:
            states: the states that the previous call returned.

        Returns:
            The remaining samples, float32 (1, lookahead).
        """
        return self._advance(None, states, last=True)[0]

    def _advance(
        self, signal: tf.Tensor | None, states: Sequence[tf.Tensor | None], last: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        past = dict(zip((stage.name for stage in self._remembering()), states, strict=True))
        new_states = []
        for stage in self.stages:
            if signal is None and not stage.pad[1]:
                # The stage needs no padding at the end, so it holds no pending samples.
                continue
            signal, state = stage(signal, past.get(stage.name), last)
            if stage.state_length:
                new_states.append(state)
        return _waveform(signal), new_states

    def _remembering(self) -> list[StreamingStage]:
        return [stage for stage in self.stages if stage.state_length]

    def _emitted(self, frames: int) -> int:
        """The number of samples that `start` returns; 0 if there are too few frames."""
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
