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
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_melgan.errors import BadInput
from tf_melgan.features import MelSpec
from tf_melgan.litert_voice import LiteRTStream
from tf_melgan.voice_file import VoiceInfo

ENTRY = "assets.extra/voice.json"
# Frames of a step where the caller leaves it to us.
_STEP = 256


class SavedModelVoice:
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a SavedModel.

    Args:
        path: a folder that `tf-melgan export --to saved-model` wrote.

    Raises:
        BadInput: the folder holds no voice, or a damaged one.
    """

    def __init__(self, path: str | Path):
        self.info = read(path)
        self.spec = self.info.mel
        try:
            # Its functions live as long as the model does.
            self._model = tf.saved_model.load(str(path))
        except (OSError, ValueError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0]
            raise BadInput(
                f"{path}: TensorFlow {tf.__version__} cannot run it ({reason})"
            ) from None
        self._runners = {
            name: _runner(self._model.signatures[name])
            for name in ("serving_default", "start", "step", "end")
        }

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """All at once up to a step; longer mels as a stream, in a memory that does not grow."""
        if len(mel) <= max(_STEP, self.info.start_frames):
            return self.whole(mel)
        stream = self.stream()
        steps = [stream.push(mel[i : i + _STEP]) for i in range(0, len(mel), _STEP)]
        return np.concatenate([*steps, stream.finish()])

    def whole(self, mel: np.ndarray) -> np.ndarray:
        """All in one call."""
        return self._runners["serving_default"](mel=mel[None])["audio"][0]

    def stream(self) -> LiteRTStream:
        return LiteRTStream(self)


def read(path: str | Path) -> VoiceInfo:
    """Reads what the folder says, after checking that the model is the one that was written.

    Raises:
        BadInput: the folder holds no voice, lacks files, or was changed.
    """
    path = Path(path)
    try:
        values = json.loads((path / ENTRY).read_text(encoding="utf-8"))
        info = VoiceInfo(**values | {"mel": MelSpec.from_dict(values["mel"])})
    except (OSError, ValueError, KeyError, TypeError, BadInput):
        raise BadInput(
            f"{path}: is no voice of tf-melgan, or is damaged; make it with tf-melgan export"
        ) from None
    if stamped(info, path) != info:
        raise BadInput(f"{path}: its checksum is wrong; copy or export it again")
    return info


def stamped(info: VoiceInfo, folder: Path) -> VoiceInfo:
    """With the size and checksum of the model in a folder: the graph, then the variables."""
    digest, size = hashlib.sha256(), 0
    for file in (folder / "saved_model.pb", *sorted(folder.glob("variables/*"))):
        content = file.read_bytes()
        digest.update(content)
        size += len(content)
    return replace(info, sha256=digest.hexdigest(), size=size)


def _runner(signature: Callable) -> Callable[..., dict[str, np.ndarray]]:
    def run(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return run
