"""Vocodes the mels of other conventions with a voice, as a whole and in chunks."""

from typing import Protocol

import numpy as np

from tf_melgan.audio.mel_conversion import MelConversion
from tf_melgan.extras import require_extra


class _Stream(Protocol):
    def push(self, mel: np.ndarray) -> np.ndarray: ...

    def finish(self) -> np.ndarray: ...


class ConvertedStream:
    """Converts log-mels for the stream of a voice, and puts its sound into place.

    Args:
        stream: the voice's own stream.
        conversion: from the mels to those of the voice.
    """

    def __init__(self, stream: _Stream, conversion: MelConversion):
        self._stream, self._conversion = stream, conversion
        self._near: np.ndarray | None = None
        self._begin()

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel of `conversion.source` (frames, n_mels) → waveform (samples,) of the voice."""
        context = self._conversion.context
        before = np.repeat(mel[:1], context, axis=0) if self._near is None else self._near
        known = np.concatenate([before, mel])
        self._near = known[max(len(known) - 2 * context, 0) :]
        return self._vocoded(known)

    def finish(self) -> np.ndarray:
        """The remaining samples, float32 (samples,). Resets the stream."""
        context, rest = self._conversion.context, np.empty(0, np.float32)
        if context and self._near is not None:
            after = np.repeat(self._near[-1:], context, axis=0)
            rest = self._vocoded(np.concatenate([self._near, after]))
        rest = np.concatenate([rest, self._placed(self._stream.finish(), last=True)])
        self._begin()
        return rest

    def _begin(self) -> None:
        conversion = self._conversion
        self._near = None
        self._to_drop = max(conversion.lead, 0)
        self._silence = np.zeros(max(-conversion.lead, 0), np.float32)
        self._resampler = _resampler(conversion.rate, conversion.target.sample_rate)

    def _vocoded(self, frames: np.ndarray) -> np.ndarray:
        if len(frames) <= 2 * self._conversion.context:
            return np.empty(0, np.float32)
        return self._placed(self._stream.push(self._conversion(frames)), last=False)

    def _placed(self, samples: np.ndarray, last: bool) -> np.ndarray:
        kept = samples[self._to_drop :]
        self._to_drop -= len(samples) - len(kept)
        if len(self._silence):
            kept = np.concatenate([self._silence, kept])
            self._silence = self._silence[:0]
        if self._resampler is None:
            return kept
        return self._resampler.resample_chunk(kept, last=last)


def _resampler(source: int, target: int):  # type: ignore[no-untyped-def]
    if source == target:
        return None
    with require_extra(f"resampling {source} Hz to {target} Hz"):
        import soxr
    return soxr.ResampleStream(source, target, 1, dtype="float32", quality="VHQ")
