"""Seeded damage to files: what disks, networks and people do to them."""

import hashlib
import io
import json
import zipfile
from typing import Any

import numpy as np

_VALUES = [0, -1, 1, 3, 2**31 - 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, True, None]
_VALUES += ["", "256", "ln", [], {}, [[]]]


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, cut, repeated, moved, or put in."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        # Often near an end, where headers and archives lie.
        reach = min(len(changed), int(rng.choice([16, 400, len(content)])))
        place = int(rng.integers(reach)) if reach else 0
        if rng.random() < 0.5:
            place = len(changed) - place - 1 if changed else 0
        length = int(rng.choice([1, 4, 64]))
        kind = rng.integers(6)
        if kind == 0 and changed:
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            changed[place : place + length] = rng.bytes(length)
        elif kind == 2:
            del changed[place : place + length]
        elif kind == 3:
            del changed[place:]
        elif kind == 4:
            changed[place:place] = changed[place : place + length]
        else:
            changed[place : place + length] = bytes([255 * int(rng.integers(2))]) * length
    return bytes(changed)


def take_apart(voice: bytes) -> tuple[bytes, dict[str, Any]]:
    """The model of a `.tflite` voice, and the values of its `voice.json`."""
    with zipfile.ZipFile(io.BytesIO(voice)) as archive:
        values = json.loads(archive.read("voice.json"))
    return voice[: values["size"]], values


def put_together(model: bytes, values: dict[str, Any]) -> bytes:
    """A `.tflite` voice with these values, right or not; the archive's own checksum is right."""
    file = io.BytesIO(model)
    file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.writestr("voice.json", json.dumps(values, indent=1))
    return file.getvalue()


def signed(model: bytes, values: dict[str, Any]) -> bytes:
    """A `.tflite` voice whose checksums are right."""
    checksum = {"sha256": hashlib.sha256(model).hexdigest(), "size": len(model)}
    return put_together(model, values | checksum)


def with_values(voice: bytes, **values: Any) -> bytes:
    """A voice with these values of `voice.json`, or of its `mel`, in place of its own."""
    model, old = take_apart(voice)
    section = old["mel"] if values.keys() <= old["mel"].keys() else old
    section.update(values)
    return put_together(model, old)


def with_nan(voice: bytes, generator: Any) -> bytes:
    """The voice of a generator, with NaN as the bias of its first convolution, rightly signed."""
    model, values = take_apart(voice)
    (bias,) = (x.numpy() for x in generator.first.weights if x.path.endswith("/bias"))
    assert model.count(bias.tobytes()) == 1
    return signed(model.replace(bias.tobytes(), np.full_like(bias, np.nan).tobytes()), values)


def with_other_values(voice: bytes, rng: np.random.Generator) -> bytes:
    """A voice with one value of its `voice.json` replaced or left out."""
    model, values = take_apart(voice)
    section = values["mel"] if rng.random() < 0.5 else values
    key = str(rng.choice(sorted(section)))
    choices = [
        *_VALUES,
        *((section[key] + 1, section[key] - 1) if _is_number(section[key]) else ()),
    ]
    section[key] = choices[rng.integers(len(choices))]
    if rng.random() < 0.1:
        del section[key]
    return put_together(model, values)


def with_other_model(voice: bytes, rng: np.random.Generator) -> bytes:
    """A voice with a damaged model, whose checksum is right all the same."""
    model, values = take_apart(voice)
    return signed(damaged(model, rng), values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
