"""A `.tflite` voice, run by LiteRT: needs NumPy and ai-edge-litert alone."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.exported import ExportedEngine
from tf_melgan.voices import voice_file

_SIGNATURES = ("vocode", "vocode_short", "start", "step", "end")
_STEP_FRAMES = 32


class LiteRTEngine(ExportedEngine):
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a `.tflite` file.

    Args:
        path: a file that `tf-melgan export --to tflite` wrote.
        threads: for each call; all cores by default.

    Raises:
        UserInputError: the file is no voice, or damaged.
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
        name = "vocode" if len(mel) >= self.info.shortest else "vocode_short"
        return self.runners[name](mel=mel[None])["audio"][0]
