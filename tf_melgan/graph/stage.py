"""A stage of a streaming generator: one definition for whole signals and for streams.

Signals are float32 (batch, 1, time, channels), because the inference engines have convolutions in
two dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

_TIME = 2
_MOST_JOINED = 4
SignalFunction = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class StreamingStage:
    """One padding and the operations after it: windows of the padded signal become output samples.

    Args:
        name: the name scope of its operations.
        pre_op: an operation on each part of the input, before padding.
        channels: input channels.
        pad: samples to pad before the start and after the end of the signal.
        reflect: whether padding reflects the signal; otherwise it adds zeros.
        state_length: window length − 1; a stream keeps this many samples as its state.
        apply: (padded signal, the signal at the center of each window) → `rate` samples per window.
        rate: output samples per input sample.
        crop: samples to remove from the start and the end of the output.
    """

    name: str
    pre_op: SignalFunction
    channels: int
    pad: tuple[int, int]
    reflect: bool
    state_length: int
    apply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    rate: int = 1
    crop: tuple[int, int] = (0, 0)

    @property
    def shortest(self) -> int:
        """The shortest signal, in samples, that padding does not have to reflect repeatedly."""
        return max(self.pad) + 1 if self.reflect else 1

    def emitted(self, samples: int) -> int:
        """Returns the number of output samples after the first `samples` input samples."""
        return (samples + self.pad[0] - self.state_length) * self.rate - self.crop[0]

    def __call__(
        self, new: tf.Tensor | None, past: tf.Tensor | None, last: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Processes the next part of a stream.

        Args:
            new: the next input samples, or None if there are none.
            past: the state of the previous call, or None at the start of the signal.
            last: whether the signal ends after `new`.

        Returns:
            The output, and the state: the `past` of the next call.
        """
        with tf.name_scope(self.name):
            return self._continued(new, past, last)

    def _continued(
        self, new: tf.Tensor | None, past: tf.Tensor | None, last: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        first = past is None
        parts = [self.pre_op(part) for part in (past, new) if part is not None]
        signal = parts[0] if len(parts) == 1 else tf.concat(parts, _TIME)
        left, right = self.pad[0] * first, self.pad[1] * last
        padded = self._padded(signal, left, right)
        middle = slice(self.pad[0], self.pad[0] - self.state_length or None)
        output = self.apply(padded, signal if first and last else padded[:, :, middle])
        return self._cropped(output, first, last), padded[:, :, -self.state_length :]

    def padded_batch(self, signal: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Processes whole signals of different lengths, each as if it were alone.

        A signal may be shorter than its padding. Outputs after its end are undefined.

        Args:
            signal: (batch, 1, time, channels).
            lengths: int32 (batch,); the samples of each signal, from its start.
        """
        with tf.name_scope(self.name):
            return self._padded_batch(signal, lengths)

    def _padded_batch(self, signal: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        signal = self.pre_op(signal)
        left, right = self.pad
        if self.reflect:
            index = tf.range(-left, tf.shape(signal)[_TIME] + right)[None]
            end = lengths[:, None] - 1
            index = tf.math.floormod(index, tf.maximum(2 * end, 1))
            index = tf.minimum(index, tf.abs(2 * end - index))
            padded = tf.gather(signal[:, 0], index, axis=1, batch_dims=1)[:, None]
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


def _joined(signals: list[tf.Tensor | None]) -> tf.Tensor | None:
    """Concatenates signals in time, at most 4 at once, which XNNPACK supports."""
    signals = [signal for signal in signals if signal is not None]
    while len(signals) > 1:
        groups = range(0, len(signals), _MOST_JOINED)
        signals = [tf.concat(signals[i : i + _MOST_JOINED], _TIME) for i in groups]
    return signals[0] if signals else None
