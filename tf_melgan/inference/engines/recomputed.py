"""A stream for engines that only vocode whole utterances: it recomputes context."""

from typing import Protocol

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec

_CHUNK_FRAMES = 1024


class WholeEngine(Protocol):
    """What vocodes a whole mel at once.

    Attributes:
        spec: the mel convention.
        context: maximum number of frames on each side that an output sample depends on.
    """

    spec: MelSpec
    context: int

    def generate(self, mel: np.ndarray) -> np.ndarray:
        """Float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,)."""


class RecomputedStream:
    """Vocodes an utterance in chunks, each with the frames that its samples depend on.

    Args:
        voice: the engine.
    """

    def __init__(self, voice: WholeEngine):
        self._voice = voice
        self._frames = np.zeros((0, voice.spec.n_mels), np.float32)
        self._done = 0

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 log-mel (frames, n_mels), any number → float32 (samples,), possibly empty."""
        self._frames = np.concatenate([self._frames, mel])
        return self._sound(len(self._frames) - self._voice.context)

    def finish(self) -> np.ndarray:
        """The remaining samples, float32 (samples,). Resets the stream for a new utterance."""
        rest = self._sound(len(self._frames))
        self._frames, self._done = self._frames[:0], 0
        return rest

    def _sound(self, until: int) -> np.ndarray:
        """The samples of the frames from the first one not yet vocoded up to frame `until`."""
        if until <= self._done:
            return np.zeros(0, np.float32)
        hop, context = self._voice.spec.hop, self._voice.context
        samples = self._voice.generate(self._frames)[self._done * hop : until * hop]
        dropped = max(0, until - context)
        self._frames, self._done = self._frames[dropped:], until - dropped
        return samples


def vocode_in_chunks(voice: WholeEngine, mel: np.ndarray) -> np.ndarray:
    """Vocodes a mel of any length in chunks of 1024 frames, so that memory stays constant."""
    stream = RecomputedStream(voice)
    chunks = [
        stream.push(mel[start : start + _CHUNK_FRAMES])
        for start in range(0, len(mel), _CHUNK_FRAMES)
    ]
    return np.concatenate([*chunks, stream.finish()])
