"""The `.tflite` file of a voice, and what it says of itself.

A voice is a LiteRT model with a zip archive behind it that holds `voice.json`, as TensorFlow Lite
packs the files that belong to a model: the interpreter reads the first, `unzip` the second.

The model has five signatures. A state goes out of one call and into the next, under its name.

    vocode        mel (1, frames, n_mels) → audio (1, frames · hop), from `shortest` frames up
    vocode_short  the same from one frame up, and slower
    start         the first `start_frames` frames or more of a stream → audio, state_00, state_01 …
    step          the next frames, from one up, and the states → audio (1, frames · hop), states
    end           the states → audio (1, lookahead), the rest
"""

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file

ENTRY = "voice.json"
# float16: half the size, computes in float32. int8-dynamic: int8 weights of wide layers;
# activations are quantized dynamically per call, of a Fourier generator per frame. int8:
# activations are int8 too, at fixed scales.
WEIGHTS = ("float32", "float16", "int8-dynamic", "int8")
CALIBRATED = ("int8",)  # by recordings, for the fixed scales
_BLOCK = 1 << 20


@dataclass(frozen=True)
class VoiceInfo:
    """What a voice's file says of itself.

    Args:
        name: of the voice.
        licence: of the weights, as its maker put it.
        weights: how they are stored: float32, float16, int8, …
        mel: what the voice reads.
        shortest: frames from which `vocode` works.
        start_frames: frames from which `start` works.
        lookahead: samples that a stream lags behind the frames it has seen.
        sha256: of the model, the file up to the archive.
        size: of the model, in bytes.
    """

    name: str
    licence: str
    weights: str
    mel: MelSpec
    shortest: int
    start_frames: int
    lookahead: int
    sha256: str = ""
    size: int = 0

    @classmethod
    def from_json(cls, text: str | bytes) -> "VoiceInfo":
        """Reads what a file holds; keys that are not known are of later versions, and left out.

        Raises:
            ValueError, KeyError, TypeError: it is no such JSON, or lacks a key.
        """
        values = json.loads(text)
        known = {field.name: values[field.name] for field in fields(cls)}
        return cls(**known | {"mel": MelSpec.from_dict(values["mel"])})

    @property
    def latency(self) -> float:
        """Seconds from a frame's arrival until all sound that depends on nothing later is out."""
        return self.lookahead / self.mel.sample_rate

    def summary(self) -> str:
        """A line for people."""
        begins = 1000 * self.start_frames * self.mel.hop / self.mel.sample_rate
        return (
            f"{self.name}, {self.weights}; a stream begins with {self.start_frames} frames "
            f"({begins:.0f} ms) and lags {self.lookahead} samples ({1000 * self.latency:.1f} ms)"
        )


def write(path: str | Path, model: bytes, info: VoiceInfo) -> None:
    """Writes a voice's file, whole or not at all; `sha256` and `size` are filled in."""
    values = asdict(info) | {"sha256": hashlib.sha256(model).hexdigest(), "size": len(model)}
    with atomic_file(path) as temporary:
        temporary.write_bytes(model)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(ENTRY, json.dumps(values, indent=1))


def read(path: str | Path) -> VoiceInfo:
    """Reads what the file says, after checking that the model is the one that was written.

    Raises:
        UserInputError: the file is no voice, is cut off, or was changed.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            info = VoiceInfo.from_json(archive.read(ENTRY))
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError):
        raise UserInputError(
            f"{path}: is no voice of tf-melgan, or is damaged; make it with tf-melgan export"
        ) from None
    digest, left = hashlib.sha256(), info.size
    with path.open("rb") as file:
        while left and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
    if digest.hexdigest() != info.sha256:
        raise UserInputError(f"{path}: its checksum is wrong; copy or export it again")
    return info
