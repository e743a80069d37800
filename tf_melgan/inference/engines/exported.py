"""Common code of the engines for exported voices, which call the signatures of a model."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from tf_melgan.voices.voice_file import VoiceInfo

Runner = Callable[..., dict[str, np.ndarray]]
_NOTHING = np.zeros(0, np.float32)


class ExportedEngine(ABC):
    """Runs an exported voice: float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,).

    Args:
        info: the metadata of the voice.
        runners: functions that call the model's signatures, by name; with start, step and end.
        step: maximum number of frames per call of `step`, chosen for the lowest cost per frame.

    Attributes:
        info: the metadata of the voice.
        spec: the mel convention of the voice.
    """

    def __init__(self, info: VoiceInfo, runners: dict[str, Runner], step: int):
        self.info, self.spec, self.runners = info, info.mel, runners
        self.step = step

    @abstractmethod
    def full(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes a whole utterance in one call: (frames, n_mels) → float32 (frames · hop,)."""

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes in one call up to `step` frames; longer mels as a stream, in constant memory."""
        if len(mel) <= max(self.step, self.info.start_frames):
            return self.full(mel)
        stream = self.stream()
        return np.concatenate([stream.push(mel), stream.finish()])

    def stream(self) -> "ExportedStream":
        return ExportedStream(self)


class ExportedStream:
    """Vocodes an utterance in chunks with the signatures start, step and end.

    The samples of all chunks together equal those of `ExportedEngine.full`. For a `.tflite` file
    they are bit-identical, except for MelGAN generators in int8-dynamic.

    Args:
        voice: the engine.
    """

    def __init__(self, voice: ExportedEngine):
        self._voice = voice
        self._waiting = np.zeros((0, voice.spec.n_mels), np.float32)
        self._states: dict[str, np.ndarray] = {}

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 log-mel (frames, n_mels), any number → float32 (samples,), possibly empty."""
        mel, size = np.concatenate([self._waiting, mel]), self._voice.step
        if not self._states and len(mel) < self._voice.info.start_frames:
            self._waiting = mel
            return _NOTHING
        self._waiting, chunks = mel[:0], [_NOTHING]
        if not self._states:
            first = max(size, self._voice.info.start_frames)
            chunks.append(self._advance("start", mel[:first]))
            mel = mel[first:]
        steps = (mel[i : i + size] for i in range(0, len(mel), size))
        return np.concatenate([*chunks, *(self._advance("step", step) for step in steps)])

    def finish(self) -> np.ndarray:
        """The remaining samples, float32 (samples,). Resets the stream for a new utterance."""
        if self._states:
            rest = self._advance("end", None)
        else:
            rest = self._voice.full(self._waiting) if len(self._waiting) else _NOTHING
        self._waiting, self._states = self._waiting[:0], {}
        return rest

    def _advance(self, signature: str, mel: np.ndarray | None) -> np.ndarray:
        inputs = {} if mel is None else {"mel": mel[None]}
        self._states = self._voice.runners[signature](**inputs, **self._states)
        return self._states.pop("audio")[0]
