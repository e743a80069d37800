"""Chooses the segments of a batch; the choice depends only on the seed and the step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(frozen=True)
class Arithmetic:
    """The operations that `Sampler.draw` needs, in NumPy or in TensorFlow."""

    uint64: Callable
    int64: Callable
    float32: Callable
    shift: Callable
    xor: Callable
    take: Callable
    search: Callable


NUMPY = Arithmetic(
    uint64=lambda value: np.asarray(value).astype(np.uint64),
    int64=lambda value: np.asarray(value).astype(np.int64),
    float32=lambda value: np.asarray(value).astype(np.float32),
    shift=np.right_shift,
    xor=np.bitwise_xor,
    take=np.take,
    search=lambda ends, values: np.searchsorted(ends, values, side="right"),
)


def mix(numbers: Any, by: Arithmetic) -> Any:
    """Hashes each uint64 with the finalizer of SplitMix64 (Steele et al., 2014)."""
    numbers = (numbers + by.uint64(1)) * by.uint64(_GOLDEN)
    numbers = by.xor(numbers, by.shift(numbers, by.uint64(30))) * by.uint64(_FIRST)
    numbers = by.xor(numbers, by.shift(numbers, by.uint64(27))) * by.uint64(_SECOND)
    return by.xor(numbers, by.shift(numbers, by.uint64(31)))


class Sampler:
    """Draws random segments and gains, both uniformly.

    A segment starts on a hop. All starts in all utterances have the same probability. An utterance
    shorter than a segment starts at its begin, and has the probability of as many starts as it has
    hops.

    Args:
        hop: samples per frame.
        segment: samples per segment, a multiple of `hop`.
        samples: lengths of the utterances, int64 (utterances,).
        seed: seed of all draws.
        gain: lowest and highest factor.
        silence_probability: probability that a gain is replaced by 0.
        start_probability: probability that a start is replaced by 0. At the start of an utterance
            a vocoder has no past context, and uniform draws are rarely there.

    Attributes:
        starts: number of equally probable draws.
    """

    def __init__(
        self,
        hop: int,
        segment: int,
        samples: np.ndarray,
        seed: int,
        gain: tuple[float, float],
        silence_probability: float = 0.0,
        start_probability: float = 0.0,
    ):
        self._silence = np.float32(silence_probability)
        self._start = np.float32(start_probability)
        self._low, self._high = np.array(gain, np.float32)
        samples = np.asarray(samples, np.int64)
        short = samples < segment
        starts = np.where(short, samples // hop, (samples - segment) // hop + 1)
        self._steps = np.where(short, 0, hop)
        self.starts = int(starts.sum())
        self._ends = np.cumsum(starts)
        self._begins = self._ends - starts
        self._key = mix(np.array([seed], np.uint64), NUMPY)[0]

    def draw(self, first: Any, count: int, by: Arithmetic = NUMPY) -> tuple[Any, Any, Any]:
        """Returns draws `first` to `first + count − 1`; bit-identical in NumPy and TensorFlow.

        Args:
            first: number of the first draw.
            count: number of draws.
            by: the operations to compute with.

        Returns:
            Utterance index, start in samples and gain (float32), each (count,).
        """
        numbers = by.uint64(first) + by.uint64(np.arange(count))
        counters = by.uint64(self._key) + numbers * by.uint64(2)
        position = by.int64(mix(counters, by) % by.uint64(self.starts))
        utterance = by.search(self._ends, position)
        start = (position - by.take(self._begins, utterance)) * by.take(self._steps, utterance)
        # A float32 in [0, 1) has 24 evenly spaced bits.
        bits = mix(counters + by.uint64(1), by)
        uniform = by.float32(by.int64(by.shift(bits, by.uint64(40)))) * np.float32(2**-24)
        start_uniform = by.float32(by.int64(bits % by.uint64(2**24))) * np.float32(2**-24)
        start *= by.int64(start_uniform >= self._start)
        audible = by.float32(uniform >= self._silence)
        uniform = (uniform - self._silence) / (1 - self._silence)
        return utterance, start, (self._low + (self._high - self._low) * uniform) * audible
