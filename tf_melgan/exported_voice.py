"""What exported voices share: long mels go through in steps, whatever runs the signatures."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from tf_melgan.voice_file import VoiceInfo

Runner = Callable[..., dict[str, np.ndarray]]
_NOTHING = np.zeros(0, np.float32)


class ExportedVoice(ABC):
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by the signatures of a file.

    Args:
        info: what the file says of itself.
        runners: of the signatures that it needs; start, step and end are among them.
        step: frames of a step where the caller leaves it to us: the cheapest per frame.
    """

    def __init__(self, info: VoiceInfo, runners: dict[str, Runner], step: int):
        self.info, self.spec, self.runners = info, info.mel, runners
        self._step = step

    @abstractmethod
    def whole(self, mel: np.ndarray) -> np.ndarray:
        """All in one call, as the file has it for whole utterances."""

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """All at once up to a step; longer mels as a stream, in a memory that does not grow."""
        if len(mel) <= max(self._step, self.info.start_frames):
            return self.whole(mel)
        stream = self.stream()
        pieces = [stream.push(mel[i : i + self._step]) for i in range(0, len(mel), self._step)]
        return np.concatenate([*pieces, stream.finish()])

    def stream(self) -> "ExportedStream":
        return ExportedStream(self)


class ExportedStream:
    """Frames in, as they come; the sound that they complete, at once.

    The sound of all calls together is that of `ExportedVoice.whole`; of a `.tflite` to the bit,
    unless its weights are int8-dynamic.
    """

    def __init__(self, voice: ExportedVoice):
        self._voice = voice
        self._waiting = np.zeros((0, voice.spec.n_mels), np.float32)
        self._states: dict[str, np.ndarray] = {}

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 (frames, n_mels), any number → float32 (samples,), perhaps none yet."""
        if self._states:
            return self._advance("step", mel) if len(mel) else _NOTHING
        self._waiting = np.concatenate([self._waiting, mel])
        if len(self._waiting) < self._voice.info.start_frames:
            return _NOTHING
        first, self._waiting = self._waiting, self._waiting[:0]
        return self._advance("start", first)

    def finish(self) -> np.ndarray:
        """The rest of the sound; the stream is then as new."""
        if self._states:
            rest = self._advance("end", None)
        else:
            rest = self._voice.whole(self._waiting) if len(self._waiting) else _NOTHING
        self._waiting, self._states = self._waiting[:0], {}
        return rest

    def _advance(self, signature: str, mel: np.ndarray | None) -> np.ndarray:
        inputs = {} if mel is None else {"mel": mel[None]}
        self._states = self._voice.runners[signature](**inputs, **self._states)
        return self._states.pop("audio")[0]
