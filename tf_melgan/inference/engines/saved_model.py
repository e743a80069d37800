"""A SavedModel voice, run by TensorFlow: needs NumPy and tensorflow alone.

The folder is TensorFlow's, and has the voice's facts as `assets.extra/voice.json`. The model has
seven signatures, all float32 where nothing else is said.

    serving_default  mel (batch, frames, n_mels) → audio (batch, frames · hop), from one frame up
    padded           mel (batch, frames, n_mels), lengths int32 (batch,) → audio
                     (batch, frames · hop), 0 behind each end, and samples int32 (batch,)
    log_mel          waveform (batch, samples) → mel (batch, frames, n_mels)
    mel_spec         → mel_spec, the `MelSpec` as JSON in a string
    start            the first `start_frames` frames or more of a stream → audio, state_00 …
    step             the next frames, from one up, and the states → audio (1, frames · hop), states
    end              the states → audio (1, lookahead), the rest
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.exported import ExportedEngine
from tf_melgan.voices.voice_file import VoiceInfo

ENTRY, GRAPH = "assets.extra/voice.json", "saved_model.pb"
_SIGNATURES = ("serving_default", "start", "step", "end")
_STEP_FRAMES = 256


class SavedModelEngine(ExportedEngine):
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a SavedModel.

    Args:
        path: a folder that `tf-melgan export --to saved-model` wrote.

    Raises:
        UserInputError: the folder holds no voice, or a damaged one.
    """

    def __init__(self, path: str | Path):
        info = read(path)
        try:
            # Its functions live as long as the model does.
            self._model = tf.saved_model.load(str(path))
        except (OSError, ValueError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserInputError(
                f"{path}: TensorFlow {tf.__version__} cannot run it ({reason})"
            ) from None
        runners = {name: _runner(self._model.signatures[name]) for name in _SIGNATURES}
        super().__init__(info, runners, _STEP_FRAMES)

    def full(self, mel: np.ndarray) -> np.ndarray:
        return self.runners["serving_default"](mel=mel[None])["audio"][0]


def read(path: str | Path) -> VoiceInfo:
    """Reads what the folder says, after checking that the model is the one that was written.

    Raises:
        UserInputError: the folder holds no voice, lacks files, or was changed.
    """
    path = Path(path)
    try:
        info = VoiceInfo.from_json((path / ENTRY).read_text(encoding="utf-8"))
        found = stamped(info, path)
    except (OSError, ValueError, KeyError, TypeError):
        raise UserInputError(
            f"{path}: is no voice of tf-melgan, or is damaged; make it with tf-melgan export"
        ) from None
    if found != info:
        raise UserInputError(f"{path}: its checksum is wrong; copy or export it again")
    return info


def is_voice(path: Path) -> bool:
    """Whether a folder looks like what `tf-melgan export --to saved-model` writes."""
    return (path / GRAPH).exists() and (path / ENTRY).exists()


def stamped(info: VoiceInfo, folder: Path) -> VoiceInfo:
    """With the size and checksum of the model in a folder: the graph, then the variables."""
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
