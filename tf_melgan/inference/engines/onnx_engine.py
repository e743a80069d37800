"""Runs an `.onnx` voice with ONNX Runtime; needs only NumPy and onnxruntime."""

from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError, first_line
from tf_melgan.inference.engines.exported import ExportedEngine, Runner, thread_count
from tf_melgan.inference.engines.recomputed import RecomputedStream, vocode_in_chunks
from tf_melgan.voices import onnx_file
from tf_melgan.voices.voice_file import VoiceInfo

_STEP_FRAMES = 128
_EMPTY, _MORE, _LAST = np.zeros(0, np.float32), np.array(False), np.array(True)
# What each signature gives for the inputs that its callers do not.
_GIVEN = {
    "vocode": {"state": _EMPTY, "last": _LAST},
    "start": {"state": _EMPTY, "last": _MORE},
    "step": {"last": _MORE},
    "end": {"last": _LAST},
}


def open_onnx(path: str | Path, threads: int | None = None) -> "OnnxEngine | OnnxStreamEngine":
    """Opens a file that `tf-melgan export` wrote `--to onnx` or `--to onnx-stream`.

    Examples:
        >>> from tf_melgan.inference.engines.onnx_engine import open_onnx
        >>> engine = open_onnx("voice.onnx", threads=1)
        >>> audio = engine(mel)

    Args:
        path: the `.onnx` file.
        threads: CPU threads per call; all cores by default.

    Returns:
        The engine, which is safe to use from any number of Python threads.

    Raises:
        UserInputError: the file is not a voice, is damaged, or needs a newer ONNX Runtime.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count(threads)
    content, info, context = onnx_file.read(path)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # ONNX Runtime raises errors of its own, which share no class.
    except Exception as error:
        raise UserInputError(
            f"{path}: ONNX Runtime {onnxruntime.__version__} cannot run it ({first_line(error)})"
        ) from None
    inputs = tuple(x.name for x in session.get_inputs())
    if inputs == onnx_file.UTTERANCE:
        return OnnxEngine(session, info.mel, context)
    if inputs == onnx_file.STREAM:
        return OnnxStreamEngine(session, Path(path), info)
    raise UserInputError(f"{path}: has the inputs {', '.join(inputs)}; export it again")


class OnnxEngine:
    """Runs the form for whole utterances; its streams recompute context.

    Args:
        session: the model.
        spec: the mel convention of the voice.
        context: frames on each side that a sample may depend on.
    """

    def __init__(self, session: onnxruntime.InferenceSession, spec: MelSpec, context: int):
        self._session, self.spec, self.context = session, spec, context

    def generate(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes in one call: float32 log-mel (frames, n_mels) → float32 (frames · hop,)."""
        return self._session.run(["audio"], {"mel": mel[None]})[0][0]

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        return vocode_in_chunks(self, mel)

    def stream(self) -> RecomputedStream:
        return RecomputedStream(self)


class OnnxStreamEngine(ExportedEngine):
    """Runs the form for streams.

    Args:
        session: the model.
        path: its file, for error messages.
        info: the metadata of the voice.
    """

    def __init__(self, session: onnxruntime.InferenceSession, path: Path, info: VoiceInfo):
        no_frames = {"mel": np.zeros((1, 0, info.mel.n_mels), np.float32)}

        def call(given: dict[str, np.ndarray], **inputs: np.ndarray) -> dict[str, np.ndarray]:
            audio, state = session.run(["audio", "next_state"], no_frames | given | inputs)
            return {"audio": audio, "state": state}

        runners: dict[str, Runner] = {name: partial(call, x) for name, x in _GIVEN.items()}
        super().__init__(path, info, runners, _STEP_FRAMES)

    def full(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes a whole utterance in one call: (frames, n_mels) → float32 (frames · hop,)."""
        return self.run("vocode", len(mel) * self.spec.hop, {"mel": mel[None]})["audio"]
