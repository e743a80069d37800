"""What exported voices share: long mels go through in steps, whatever runs the signatures."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from tf_melgan.voices.voice_file import VoiceInfo

Runner = Callable[..., dict[str, np.ndarray]]
_NOTHING = np.zeros(0, np.float32)


class ExportedEngine(ABC):
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by the signatures of a file.

    Args:
        info: what the file says of itself.
        runners: of the signatures that it needs; start, step and end are among them.
        step: the most frames of a step: what is cheapest per frame.
    """

    def __init__(self, info: VoiceInfo, runners: dict[str, Runner], step: int):
        self.info, self.spec, self.runners = info, info.mel, runners
        self.step = step

    @abstractmethod
    def full(self, mel: np.ndarray) -> np.ndarray:
        """All in one call, as the file has it for whole utterances."""

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """All at once up to a step; longer mels as a stream, in a memory that does not grow."""
        if len(mel) <= max(self.step, self.info.start_frames):
            return self.full(mel)
        stream = self.stream()
        return np.concatenate([stream.push(mel), stream.finish()])

    def stream(self) -> "ExportedStream":
        return ExportedStream(self)


class ExportedStream:
    """Frames in, as they come; the sound that they complete, at once.

    The sound of all calls together is that of `ExportedEngine.full`; of a `.tflite` to the bit,
    unless it is of MelGAN's generator in int8-dynamic.
    """

    def __init__(self, voice: ExportedEngine):
        self._voice = voice
        self._waiting = np.zeros((0, voice.spec.n_mels), np.float32)
        self._states: dict[str, np.ndarray] = {}

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 (frames, n_mels), any number → float32 (samples,), perhaps none yet."""
        mel, size = np.concatenate([self._waiting, mel]), self._voice.step
        if not self._states and len(mel) < self._voice.info.start_frames:
            self._waiting = mel
            return _NOTHING
        self._waiting, pieces = mel[:0], [_NOTHING]
        if not self._states:
            first = max(size, self._voice.info.start_frames)
            pieces.append(self._advance("start", mel[:first]))
            mel = mel[first:]
        steps = (mel[i : i + size] for i in range(0, len(mel), size))
        return np.concatenate([*pieces, *(self._advance("step", step) for step in steps)])

    def finish(self) -> np.ndarray:
        """The rest of the sound; the stream is then as new."""
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
