"""Runs a `.tflite` voice with LiteRT; needs only NumPy and ai-edge-litert."""

import os
import threading
from collections import deque
from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tf_melgan import voices
from tf_melgan.errors import UserInputError, first_line
from tf_melgan.inference.engines.exported import ExportedEngine, Runner, thread_count
from tf_melgan.voices import voice_file
from tf_melgan.voices.model_check import SIGNATURES, check_model

_STEP_FRAMES = 32


class LiteRTEngine(ExportedEngine):
    """Runs a `.tflite` file: float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,).

    Safe to use from any number of Python threads. An interpreter runs one call at a time, so calls
    that overlap get interpreters of their own, which are kept for later calls: at most one for each
    core, and further calls wait. Each takes the memory of a voice once more: about 140 MB for `lj`
    and 80 MB for `lj-lite`.

    Examples:
        >>> from tf_melgan.inference.engines.litert import LiteRTEngine
        >>> engine = LiteRTEngine("voice.tflite", threads=1)
        >>> audio = engine(mel)

    Args:
        path: a file written by `tf-melgan export --to tflite`.
        threads: CPU threads per call; all cores by default.

    Raises:
        UserInputError: the file is not a voice, is damaged, or needs another version of LiteRT.
    """

    def __init__(self, path: str | Path, threads: int | None = None):
        self._threads = thread_count(threads)
        info = voice_file.read(path)
        if not voices.is_shipped(path):
            _check(Path(path), info.size)
        self._idle: deque[dict[str, Runner]] = deque()
        self._cores = threading.Semaphore(os.cpu_count() or 1)
        runners: dict[str, Runner] = {name: partial(self._call, name) for name in SIGNATURES}
        super().__init__(Path(path), info, runners, _STEP_FRAMES)
        try:
            self._idle.append(self._new_interpreter())
        except (ValueError, RuntimeError) as error:
            raise UserInputError(
                f"{path}: this LiteRT cannot run it ({first_line(error)})"
            ) from None

    def full(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes a whole utterance in one call: (frames, n_mels) → float32 (frames · hop,)."""
        name = "vocode" if len(mel) >= self.info.shortest else "vocode_short"
        return self.run(name, len(mel) * self.spec.hop, {"mel": mel[None]})["audio"]

    def _new_interpreter(self) -> dict[str, Runner]:
        interpreter = Interpreter(model_path=str(self.path), num_threads=self._threads)
        # LiteRT prepares XNNPACK, and says so, here rather than in the first call.
        interpreter.allocate_tensors()
        return {name: interpreter.get_signature_runner(name) for name in SIGNATURES}

    def _call(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        # A deque pops and appends atomically. A stream's state is in its inputs and outputs, so
        # that any interpreter can run any step.
        with self._cores:
            try:
                runners = self._idle.pop()
            except IndexError:
                runners = self._new_interpreter()
            try:
                return runners[signature](**inputs)
            finally:
                self._idle.append(runners)


def _check(path: Path, size: int) -> None:
    """Checks the form of a voice's model, the first `size` bytes of its file."""
    with path.open("rb") as file:
        model = file.read(size)
    try:
        check_model(model)
    except ValueError as error:
        raise UserInputError(
            f"{path}: is not a model of tf-melgan: {error}; export it again"
        ) from None
