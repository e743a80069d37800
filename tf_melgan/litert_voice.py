"""A `.tflite` voice, run by LiteRT: needs NumPy and ai-edge-litert alone."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tf_melgan import voice_file
from tf_melgan.errors import BadInput
from tf_melgan.exported_voice import ExportedVoice

_SIGNATURES = ("vocode", "vocode_short", "start", "step", "end")
_STEP = 32


class LiteRTVoice(ExportedVoice):
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a `.tflite` file.

    Args:
        path: a file that `tf-melgan export --to tflite` wrote.
        threads: for each call; all cores by default.

    Raises:
        BadInput: the file is no voice, or damaged.
    """

    def __init__(self, path: str | Path, threads: int | None = None):
        info = voice_file.read(path)
        try:
            interpreter = Interpreter(model_path=str(path), num_threads=threads)
            runners = {name: interpreter.get_signature_runner(name) for name in _SIGNATURES}
        except (ValueError, RuntimeError) as error:
            raise BadInput(f"{path}: this LiteRT cannot run it ({error})") from None
        super().__init__(info, runners, _STEP)

    def whole(self, mel: np.ndarray) -> np.ndarray:
        name = "vocode" if len(mel) >= self.info.shortest else "vocode_short"
        return self.runners[name](mel=mel[None])["audio"][0]
