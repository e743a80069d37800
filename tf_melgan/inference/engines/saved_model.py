"""Runs a SavedModel voice with TensorFlow; needs only NumPy and tensorflow.

The folder is a TensorFlow SavedModel with the voice's metadata in `assets.extra/voice.json`. The
model has seven signatures. All tensors are float32 unless stated otherwise.

    serving_default  mel (batch, frames, n_mels) → audio (batch, frames · hop); frames ≥ 1
    padded           mel (batch, frames, n_mels), lengths int32 (batch,) → audio
                     (batch, frames · hop), 0 after the end of each mel, and samples int32 (batch,)
    log_mel          waveform (batch, samples) → mel (batch, frames, n_mels)
    mel_spec         → mel_spec, the `MelSpec` as a JSON string
    start            the first frames of a stream, at least `start_frames` → audio, state_00 …
    step             the next frames, at least one, and the states → audio (1, frames · hop), states
    end              the states → audio (1, lookahead), the remaining samples
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_melgan.errors import UserInputError, first_line
from tf_melgan.inference.engines.exported import ExportedEngine
from tf_melgan.voices.voice_file import VoiceInfo

ENTRY, GRAPH = "assets.extra/voice.json", "saved_model.pb"
_SIGNATURES = ("serving_default", "start", "step", "end")
_STEP_FRAMES = 256


class SavedModelEngine(ExportedEngine):
    """Runs a SavedModel: float32 log-mel (frames, n_mels) → float32 waveform (frames · hop,).

    Examples:
        >>> from tf_melgan.inference.engines.saved_model import SavedModelEngine
        >>> engine = SavedModelEngine("models/voice/1")
        >>> audio = engine(mel)

    Args:
        path: a folder written by `tf-melgan export --to saved-model`.

    Raises:
        UserInputError: the folder is not a voice, is damaged, or needs another TensorFlow version.
    """

    def __init__(self, path: str | Path):
        info = read(path)
        try:
            # Keeps a reference: the signatures are valid only while the model exists.
            self._model = tf.saved_model.load(str(path))
            runners = {name: _runner(self._model.signatures[name]) for name in _SIGNATURES}
        # TensorFlow raises about every error of Python for a model that is not as it expects.
        except Exception as error:
            raise UserInputError(
                f"{path}: TensorFlow {tf.__version__} cannot run it ({first_line(error)})"
            ) from None
        super().__init__(Path(path), info, runners, _STEP_FRAMES)

    def full(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes a whole utterance in one call: (frames, n_mels) → float32 (frames · hop,)."""
        samples = len(mel) * self.spec.hop
        return self.run("serving_default", samples, {"mel": mel[None]})["audio"]


def read(path: str | Path) -> VoiceInfo:
    """Reads the metadata of a voice's folder and verifies the model's checksum.

    Args:
        path: the SavedModel's folder.

    Returns:
        The metadata.

    Raises:
        UserInputError: the folder is not a voice, is incomplete, or was changed.
    """
    path = Path(path)
    try:
        info = VoiceInfo.from_json((path / ENTRY).read_text(encoding="utf-8"))
        actual = stamped(info, path)
    except (OSError, ValueError):
        raise UserInputError(
            f"{path}: is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
        ) from None
    if actual != info:
        raise UserInputError(f"{path}: its checksum is wrong; copy or export it again")
    return info


def is_voice(path: Path) -> bool:
    """Whether a folder looks like one written by `tf-melgan export --to saved-model`."""
    return (path / GRAPH).exists() and (path / ENTRY).exists()


def stamped(info: VoiceInfo, folder: Path) -> VoiceInfo:
    """The metadata with the size and checksum of the model in `folder`.

    The checksum is over the graph, then over the variables.
    """
    digest, size = hashlib.sha256(), 0
    for file in (folder / GRAPH, *sorted(folder.glob("variables/*"))):
        content = file.read_bytes()
        digest.update(content)
        size += len(content)
    return replace(info, sha256=digest.hexdigest(), size=size)


def _runner(signature: Callable) -> Callable[..., dict[str, np.ndarray]]:
    def run(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return run
