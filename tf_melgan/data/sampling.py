"""Which segment of which utterance a slot of a batch gets, from the seed and the step alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(frozen=True)
class Arithmetic:
    """The few operations that `Sampler.draw` needs, by NumPy or by TensorFlow."""

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
    """64 well-mixed bits of each uint64: the finalizer of SplitMix64 (Steele et al., 2014)."""
    numbers = (numbers + by.uint64(1)) * by.uint64(_GOLDEN)
    numbers = by.xor(numbers, by.shift(numbers, by.uint64(30))) * by.uint64(_FIRST)
    numbers = by.xor(numbers, by.shift(numbers, by.uint64(27))) * by.uint64(_SECOND)
    return by.xor(numbers, by.shift(numbers, by.uint64(31)))


class Sampler:
    """Draws segments, every start on a hop of every utterance alike, and gains, uniformly.

    Args:
        hop, segment: in samples; `segment` is a multiple of `hop`.
        samples: int64 (utterances,) lengths; those shorter than `segment` are never drawn.
        seed: of all draws.
        gain: lowest and highest factor.
        silence_probability: share of draws whose gain is 0 instead.
        start_probability: share of draws whose start is 0 instead, for there a vocoder has to do without
            what was before, and most segments are from somewhere within.
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
        self._hop, self._low, self._high = hop, *np.array(gain, np.float32)
        starts = np.maximum((np.asarray(samples, np.int64) - segment) // hop + 1, 0)
        self.starts = int(starts.sum())
        self._ends = np.cumsum(starts)
        self._begins = self._ends - starts
        self._key = mix(np.array([seed], np.uint64), NUMPY)[0]

    def draw(self, first: Any, count: int, by: Arithmetic = NUMPY) -> tuple[Any, Any, Any]:
        """The draws from `first` on: utterance, start in samples and float32 gain, each (count,).

        NumPy and TensorFlow give the same bits.
        """
        numbers = by.uint64(first) + by.uint64(np.arange(count))
        counters = by.uint64(self._key) + numbers * by.uint64(2)
        place = by.int64(mix(counters, by) % by.uint64(self.starts))
        utterance = by.search(self._ends, place)
        start = (place - by.take(self._begins, utterance)) * self._hop
        # 24 bits are all that a float32 between 0 and 1 can tell apart evenly.
        bits = mix(counters + by.uint64(1), by)
        share = by.float32(by.int64(by.shift(bits, by.uint64(40)))) * np.float32(2**-24)
        within = by.float32(by.int64(bits % by.uint64(2**24))) * np.float32(2**-24)
        start *= by.int64(within >= self._start)
        heard = by.float32(share >= self._silence)
        share = (share - self._silence) / (1 - self._silence)
        return utterance, start, (self._low + (self._high - self._low) * share) * heard
