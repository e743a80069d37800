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
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError, shown
from tf_melgan.files import atomic_file
from tf_melgan.strict_json import parse_json
from tf_melgan.voices.archive import read_archive

ENTRY = "voice.json"
# float16: half the file size, computes in float32. int8-dynamic: wide layers have int8 weights;
# their activations are quantized dynamically per call (in Fourier generators per frame). int8:
# activations are int8 as well, with fixed scales.
WEIGHTS = ("float32", "float16", "int8-dynamic", "int8")
# These need recordings to calibrate the fixed scales.
CALIBRATED = ("int8",)
_BLOCK = 1 << 20
_ARCHIVE = b"PK\x03\x04"  # how a zip archive begins
_SEAL = "metadata_sha256"
# The whole numbers of the metadata, each with its least and greatest value: frames, samples, bytes.
_WHOLE = {
    "shortest": (1, 1 << 16),
    "start_frames": (1, 1 << 16),
    "lookahead": (0, 1 << 24),
    "size": (0, 1 << 32),
}


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
            ValueError: the text is not JSON, a key is missing, a value is wrong, or the values
                have another checksum.
        """
        values = parse_json(text)
        if not isinstance(values, dict) or values.pop(_SEAL, None) not in (None, _sealed(values)):
            raise ValueError("the metadata is damaged")
        known: dict[str, Any] = {field.name: values.get(field.name) for field in fields(cls)}
        for key, value in known.items():
            if not _valid(key, value):
                raise ValueError(f"{key} is {shown(value)}")
        return cls(**known | {"mel": MelSpec.from_dict(values["mel"])})

    def to_json(self) -> str:
        """The content of `voice.json`, with a checksum of the values."""
        values = asdict(self) | {"mel": self.mel.to_dict()}
        return json.dumps(values | {_SEAL: _sealed(values)}, indent=1)

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


def _valid(key: str, value: Any) -> bool:
    """Whether a value of `voice.json` can be right."""
    if key in _WHOLE:
        low, high = _WHOLE[key]
        return type(value) is int and low <= value <= high
    if key == "mel":
        return isinstance(value, dict)
    return isinstance(value, str) and (key != "weights" or value in WEIGHTS)


def _sealed(values: dict[str, Any]) -> str:
    """The checksum of the values of `voice.json`."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def write(path: str | Path, model: bytes, info: VoiceInfo) -> None:
    """Writes a voice's file atomically.

    Args:
        path: the `.tflite` file to write.
        model: the LiteRT model.
        info: the metadata; `sha256` and `size` are computed here.

    Raises:
        UserInputError: the file cannot be written.
    """
    info = replace(info, sha256=hashlib.sha256(model).hexdigest(), size=len(model))
    with atomic_file(path) as temporary:
        temporary.write_bytes(model)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(ENTRY, info.to_json())


def read(path: str | Path) -> VoiceInfo:
    """Reads the metadata of a voice's file and verifies the checksums of all its bytes.

    Args:
        path: the `.tflite` file.

    Returns:
        The metadata.

    Raises:
        UserInputError: the file is not a voice, is truncated, or was changed.
    """
    path = Path(path)
    try:
        (content,) = read_archive(path).values()
        info = VoiceInfo.from_json(content)
    except (OSError, ValueError):
        raise UserInputError(
            f"{path}: is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
        ) from None
    digest, remaining = hashlib.sha256(), info.size
    with path.open("rb") as file:
        while remaining and (block := file.read(min(remaining, _BLOCK))):
            digest.update(block)
            remaining -= len(block)
        archive = file.read(len(_ARCHIVE))
    if digest.hexdigest() != info.sha256 or archive != _ARCHIVE:
        raise UserInputError(f"{path}: its checksum is wrong; copy or export it again")
    return info
