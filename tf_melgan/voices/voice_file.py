"""The `.tflite` file format of a voice, and its metadata.

The file is a LiteRT model followed by a zip archive with `voice.json`. TensorFlow Lite packs the
associated files of a model in the same way: the interpreter reads the model, `unzip` the archive.

The model has five signatures. Each state that one call returns is an input of the next call, with
the same name.

    vocode        mel (1, frames, n_mels) → audio (1, frames · hop); frames ≥ `shortest`
    vocode_short  the same for frames ≥ 1, but slower
    start         the first frames, at least `start_frames`, of a stream → audio, state_00, …
    step          the next frames, at least one, and the states → audio (1, frames · hop), states
    end           the states → audio (1, lookahead), the remaining samples
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
# float16: half the file size, computes in float32. int8-dynamic: wide layers have int8 weights;
# their activations are quantized dynamically per call (in Fourier generators per frame). int8:
# activations are int8 as well, with fixed scales.
WEIGHTS = ("float32", "float16", "int8-dynamic", "int8")
# These need recordings to calibrate the fixed scales.
CALIBRATED = ("int8",)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class VoiceInfo:
    """The metadata of a voice, stored as `voice.json`.

    Args:
        name: the name of the voice.
        licence: the licence of the weights, as given at export.
        weights: how the weights are stored, one of `WEIGHTS`.
        mel: the mel convention of the voice.
        shortest: minimum number of frames for the signature `vocode`.
        start_frames: minimum number of frames for the signature `start`.
        lookahead: latency of a stream, in samples: how far its output lags behind its input frames.
        sha256: SHA-256 of the model (the file without the archive), hexadecimal.
        size: size of the model, in bytes.
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
        """Parses `voice.json`. Ignores unknown keys, which later versions may write.

        Args:
            text: the JSON.

        Returns:
            The metadata.

        Raises:
            ValueError: the text is not JSON, or a value is wrong.
            KeyError: a key is missing.
            TypeError: the JSON is not an object.
        """
        values = json.loads(text)
        known = {field.name: values[field.name] for field in fields(cls)}
        return cls(**known | {"mel": MelSpec.from_dict(values["mel"])})

    @property
    def latency(self) -> float:
        """The latency of a stream in seconds: how far its output lags behind its input frames."""
        return self.lookahead / self.mel.sample_rate

    def summary(self) -> str:
        """A readable one-line summary."""
        start_ms = 1000 * self.start_frames * self.mel.hop / self.mel.sample_rate
        return (
            f"{self.name}, {self.weights}; a stream starts after {self.start_frames} frames "
            f"({start_ms:.0f} ms) and has a latency of {self.lookahead} samples "
            f"({1000 * self.latency:.1f} ms)"
        )


def write(path: str | Path, model: bytes, info: VoiceInfo) -> None:
    """Writes a voice's file atomically.

    Args:
        path: the `.tflite` file to write.
        model: the LiteRT model.
        info: the metadata; `sha256` and `size` are computed here.

    Raises:
        UserInputError: the file cannot be written.
    """
    values = asdict(info) | {"sha256": hashlib.sha256(model).hexdigest(), "size": len(model)}
    with atomic_file(path) as temporary:
        temporary.write_bytes(model)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(ENTRY, json.dumps(values, indent=1))


def read(path: str | Path) -> VoiceInfo:
    """Reads the metadata of a voice's file and verifies the model's checksum.

    Args:
        path: the `.tflite` file.

    Returns:
        The metadata.

    Raises:
        UserInputError: the file is not a voice, is truncated, or was changed.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            info = VoiceInfo.from_json(archive.read(ENTRY))
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError):
        raise UserInputError(
            f"{path}: is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
        ) from None
    digest, remaining = hashlib.sha256(), info.size
    with path.open("rb") as file:
        while remaining and (block := file.read(min(remaining, _BLOCK))):
            digest.update(block)
            remaining -= len(block)
    if digest.hexdigest() != info.sha256:
        raise UserInputError(f"{path}: its checksum is wrong; copy or export it again")
    return info
