"""What lies between two paddings: one rule for whole signals and for their parts.

Signals are float32 (batch, 1, time, channels), since engines convolve in two dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

_TIME = 2
_MOST_JOINED = 4
SignalFunction = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class StreamingStage:
    """What lies between two paddings: windows on a padded signal become samples of the next.

    Args:
        name: what its operations are called after.
        pre_op: what each part of the incoming signal passes through first.
        channels: of that signal.
        pad: samples that are padded on before its beginning and behind its end.
        reflect: whether padding mirrors the signal; otherwise it is zeros.
        state_length: samples of the window beyond its first; a stream remembers as many.
        apply: (padded signal, the signal in its middle) → `rate` samples for each window.
        rate: samples that come out for one that comes in.
        crop: samples dropped from the beginning and the end of what comes out.
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
        """The fewest samples that can be mirrored without mirroring them again."""
        return max(self.pad) + 1 if self.reflect else 1

    def emitted(self, samples: int) -> int:
        """How many samples come out once the first `samples` have come in."""
        return (samples + self.pad[0] - self.state_length) * self.rate - self.crop[0]

    def __call__(
        self, new: tf.Tensor | None, past: tf.Tensor | None, last: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What comes out for a signal that begins with `new`, or goes on with it after `past`.

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
        known = parts[0] if len(parts) == 1 else tf.concat(parts, _TIME)
        left, right = self.pad[0] * first, self.pad[1] * last
        padded = self._padded(known, left, right)
        middle = slice(self.pad[0], self.pad[0] - self.state_length or None)
        output = self.apply(padded, known if first and last else padded[:, :, middle])
        return self._cropped(output, first, last), padded[:, :, -self.state_length :]

    def padded_batch(self, signal: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """What comes out for each signal of a batch if it is its first `lengths` samples alone.

        They may be fewer than padding mirrors. What comes out behind their end has no meaning.
        """
        with tf.name_scope(self.name):
            return self._padded_batch(signal, lengths)

    def _padded_batch(self, signal: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        signal = self.pre_op(signal)
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


def _joined(signals: list[tf.Tensor | None]) -> tf.Tensor | None:
    """One after the other in time, by concatenations that XNNPACK takes: of few signals each."""
    signals = [signal for signal in signals if signal is not None]
    while len(signals) > 1:
        groups = range(0, len(signals), _MOST_JOINED)
        signals = [tf.concat(signals[i : i + _MOST_JOINED], _TIME) for i in groups]
    return signals[0] if signals else None
