"""Voices that somebody changed and gave right checksums again.

No reader can tell other weights from damaged ones once their checksum is right, so what is accepted
need not sound as the good file does: it must be sound of the right length, of finite samples.
"""

import json
import random
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz import mutations
from benchmarks.fuzz.targets import Keras, TFLite, Weights
from tf_melgan.voices import archive, voice_file

_ODD_DTYPES = ("<f8", ">f4", "<i4", "<c8", "<U3", "?", "<M8[s]", "<f2", "S5")


class Forged:
    """Accepts any sound; `Voice.load` has checked it."""

    def holds(self, result: str, source: Path, case: Path) -> bool:
        return True


class ForgedWeights(Forged, Weights):
    def write(self, source: Path, case: Path, draw: random.Random) -> None:
        with np.load(source) as stored:
            arrays = {name: stored[name] for name in stored.files if name != archive.SEAL}
        for _ in range(draw.choice((1, 1, 2))):
            draw.choice((_odd_array, _odd_array, _odd_config, _odd_name))(arrays, draw)
        with case.open("wb") as file:
            np.savez(file, **arrays)
        if draw.random() < 0.3:
            _damage_entry(case, draw)
        archive.seal_archive(case)


def _odd_config(arrays: dict[str, np.ndarray], draw: random.Random) -> None:
    config = arrays.get("config", np.array("{}"))
    values = json.loads(str(config)) if config.dtype.kind == "U" and config.ndim == 0 else {}
    arrays["config"] = np.array(json.dumps(mutations.odd_values(values, draw)))


def _odd_name(arrays: dict[str, np.ndarray], draw: random.Random) -> None:
    name, other = draw.choice(list(arrays)), draw.choice(list(arrays))
    kind = draw.choice(("remove", "swap", "add"))
    if kind == "swap":
        arrays[name], arrays[other] = arrays[other], arrays[name]
    elif kind == "add":
        new = draw.choice((f"generator/{len(arrays):03}", "discriminator/000", "x", "../x"))
        arrays[new] = arrays[name]
    else:
        del arrays[name]


def _odd_array(arrays: dict[str, np.ndarray], draw: random.Random) -> None:
    name = draw.choice([name for name in arrays if name != "config"] or list(arrays))
    array = np.atleast_1d(arrays[name])
    kind = draw.choice(("value", "value", "dtype", "shape", "scale", "empty"))
    if kind == "value" and array.size and array.dtype.kind == "f":
        odd = draw.choice((np.nan, np.inf, -np.inf, 0, 65504, 1e-7))
        array.flat[draw.randrange(array.size)] = odd
    elif kind == "dtype" and array.dtype.kind == "f":
        array = array.astype(draw.choice(_ODD_DTYPES))
    elif kind == "shape":
        array = draw.choice((array.T, array.ravel(), array[None], array[..., :1], array[:0]))
    elif kind == "scale" and array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array * np.float16(draw.choice((-1, 0, 1000, 60000)))
    else:
        array = np.zeros(draw.choice(((0,), (), (1, 1, 1, 1, 1), (0, 10**6))), np.float16)
    arrays[name] = array


def _damage_entry(path: Path, draw: random.Random) -> None:
    def change(entries: dict[str, bytes]) -> None:
        name = draw.choice(list(entries))
        entries[name] = mutations.damaged(entries[name], b"", draw)

    mutations.rewritten(path, path, change)


class ForgedKeras(Forged, Keras):
    def write(self, source: Path, case: Path, draw: random.Random) -> None:
        def change(entries: dict[str, bytes]) -> None:
            entries.pop(archive.SEAL, None)
            name = draw.choice(("config.json", "config.json", "mel.json", "metadata.json"))
            if draw.random() < 0.2:
                del entries[name]
            else:
                values = mutations.odd_values(json.loads(entries[name]), draw)
                entries[name] = json.dumps(values).encode()

        mutations.rewritten(source, case, change)
        archive.seal_archive(case)


class ForgedTFLite(Forged, TFLite):
    def write(self, source: Path, case: Path, draw: random.Random) -> None:
        info = voice_file.read(source)
        model = source.read_bytes()[: info.size]
        kind = draw.choice(("bytes", "fields", "fields", "metadata"))
        if kind == "bytes":
            model = mutations.damaged(model, model, draw)
        elif kind == "fields":
            model = _odd_model(model, draw)
        voice_file.write(case, model, info)
        if kind == "metadata":
            _forge_metadata(case, model, draw)


def _forge_metadata(path: Path, model: bytes, draw: random.Random) -> None:
    with zipfile.ZipFile(path) as entries:
        values = json.loads(entries.read(voice_file.ENTRY))
    values.pop("metadata_sha256")
    packed = BytesIO(model)
    with zipfile.ZipFile(packed, "a") as entries:
        entries.writestr(voice_file.ENTRY, json.dumps(mutations.odd_values(values, draw)))
    path.write_bytes(packed.getvalue())


def _odd_model(model: bytes, draw: random.Random) -> bytes:
    """A well-formed LiteRT model with one to three wrong fields, anywhere in it."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    content = schema.ModelT.InitFromPackedBuf(model)
    for _ in range(draw.choice((1, 1, 3))):
        holder: Any = content
        while True:
            fields = [name for name, value in vars(holder).items() if value is not None]
            if not fields:
                break
            name = draw.choice(fields)
            value = getattr(holder, name)
            put: Callable[[Any], None] = lambda new, at=holder, to=name: setattr(at, to, new)  # noqa: E731
            if isinstance(value, list) and value:
                if draw.random() < 0.05:
                    put([item for item in value if draw.random() < 0.7])
                    break
                value = draw.choice(value)
            if hasattr(value, "__dict__"):
                holder = value
                continue
            put(_odd_field(value, draw))
            break
    builder = flatbuffers.Builder()
    try:
        builder.Finish(content.Pack(builder), b"TFL3")
    except Exception:  # No value of that field's type: nothing was forged.
        return model
    return bytes(builder.Output())


def _odd_field(value: Any, draw: random.Random) -> Any:
    if isinstance(value, np.ndarray):
        value = value.copy()
        if value.size and draw.random() < 0.8:
            number = draw.choice((0, 1, -1, 2, 3, 5, 127, 1000, 2**20, 2**31 - 1, -(2**31)))
            limits = np.iinfo(value.dtype) if value.dtype.kind in "iu" else np.finfo(value.dtype)
            value.flat[draw.randrange(value.size)] = min(max(number, limits.min), limits.max)
            return value
        return draw.choice((value[:0], value[1:], np.repeat(value, 2)))
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return draw.choice((0, 1, -1, 2, 3, 7, 40, 127, 1000, 2**20, 2**31 - 1, value + 1))
    if isinstance(value, bytes):
        return draw.choice((b"", b"x", value * 2))
    return None
