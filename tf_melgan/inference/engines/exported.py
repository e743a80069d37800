"""Common code of the engines for exported voices, which call the signatures of a model."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tf_melgan.errors import UserInputError, first_line, require
from tf_melgan.voices.voice_file import VoiceInfo

Runner = Callable[..., dict[str, np.ndarray]]
_NOTHING = np.zeros(0, np.float32)
_MOST_THREADS = 256


def thread_count(threads: int | None) -> int:
    """The CPU threads of an engine: all cores by default.

    Raises:
        UserInputError: `threads` is not in 1–256.
    """
    require(
        threads is None or 1 <= threads <= _MOST_THREADS,
        f"threads is {threads}; give 1 to {_MOST_THREADS}",
    )
    return threads or os.cpu_count() or 1


class ExportedEngine(ABC):
    """Runs an exported voice: float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,).

    Args:
        path: the file or folder of the voice, for error messages.
        info: the metadata of the voice.
        runners: functions that call the model's signatures, by name; with start, step and end.
        step: maximum number of frames per call of `step`, chosen for the lowest cost per frame.

    Attributes:
        info: the metadata of the voice.
        spec: the mel convention of the voice.
    """

    def __init__(self, path: Path, info: VoiceInfo, runners: dict[str, Runner], step: int):
        self.path, self.info, self.spec, self.runners = path, info, info.mel, runners
        self.step = step

    def run(
        self, signature: str, samples: int, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls a signature.

        Args:
            signature: its name.
            samples: the number of samples that it has to return.
            inputs: its inputs by name.

        Returns:
            Its outputs by name; `audio` is float32 (samples,).

        Raises:
            UserInputError: the model fails, or returns something else.
        """
        try:
            outputs = self.runners[signature](**inputs)
            audio = outputs["audio"]
        # Engines raise about every error of Python for a model that is not as they expect.
        except Exception as error:
            raise UserInputError(
                f"{self.path}: its signature {signature} fails ({first_line(error)}); export it "
                "again"
            ) from None
        require(
            audio.shape == (1, samples) and audio.dtype == np.float32,
            f"{self.path}: its signature {signature} gives {audio.dtype} {audio.shape}, not "
            f"float32 (1, {samples}); export it again",
        )
        return outputs | {"audio": audio[0]}

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
            chunks.append(self._advance("start", mel[:first], -self._voice.info.lookahead))
            mel = mel[first:]
        steps = (mel[i : i + size] for i in range(0, len(mel), size))
        return np.concatenate([*chunks, *(self._advance("step", step) for step in steps)])

    def finish(self) -> np.ndarray:
        """The remaining samples, float32 (samples,). Resets the stream for a new utterance."""
        if self._states:
            rest = self._advance("end", None, self._voice.info.lookahead)
        else:
            rest = self._voice.full(self._waiting) if len(self._waiting) else _NOTHING
        self._waiting, self._states = self._waiting[:0], {}
        return rest

    def _advance(self, signature: str, mel: np.ndarray | None, more: int = 0) -> np.ndarray:
        """Calls a signature, which returns the samples of `mel` and `more`."""
        inputs = {} if mel is None else {"mel": mel[None]}
        samples = (0 if mel is None else len(mel) * self._voice.spec.hop) + more
        self._states = self._voice.run(signature, samples, inputs | self._states)
        return self._states.pop("audio")
