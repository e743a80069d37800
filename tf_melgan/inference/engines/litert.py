"""Runs a `.tflite` voice with LiteRT; needs only NumPy and ai-edge-litert."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.exported import ExportedEngine
from tf_melgan.voices import voice_file

_SIGNATURES = ("vocode", "vocode_short", "start", "step", "end")
_STEP_FRAMES = 32


class LiteRTEngine(ExportedEngine):
    """Runs a `.tflite` file: float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,).

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
        info = voice_file.read(path)
        try:
            interpreter = Interpreter(model_path=str(path), num_threads=threads)
            runners = {name: interpreter.get_signature_runner(name) for name in _SIGNATURES}
        except (ValueError, RuntimeError) as error:
            raise UserInputError(f"{path}: this LiteRT cannot run it ({error})") from None
        super().__init__(info, runners, _STEP_FRAMES)

    def full(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes a whole utterance in one call: (frames, n_mels) → float32 (frames · hop,)."""
        name = "vocode" if len(mel) >= self.info.shortest else "vocode_short"
        return self.runners[name](mel=mel[None])["audio"][0]
