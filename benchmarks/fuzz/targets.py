"""The kinds of files: how each is damaged, read, and known to be right."""

import hashlib
import json
import random
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.fuzz import mutations, samples
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config

SPEC = MelSpec(**samples.MEL)


def digest(*arrays: np.ndarray) -> str:
    """A checksum of arrays' dtypes, shapes and values."""
    total = hashlib.sha256()
    for array in map(np.ascontiguousarray, arrays):
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


class Target(ABC):
    """One kind of file.

    Args:
        folder: the good files, from `samples.build`.
    """

    places: str
    """A pattern of the good files or folders."""

    def __init__(self, folder: Path):
        self.sources = sorted(folder.glob(self.places))
        self._expected: dict[Path, Any] = {}

    def write(self, source: Path, case: Path, draw: random.Random) -> None:
        """Writes the damaged `case` of the good `source`."""
        other = draw.choice(self.sources).read_bytes()
        case.write_bytes(mutations.damaged(source.read_bytes(), other, draw))

    @abstractmethod
    def load(self, case: Path) -> Any:
        """Reads and uses `case`; returns what it gives."""

    def holds(self, result: Any, source: Path, case: Path) -> bool:
        """Whether `result` is right: by default, what the good file gives."""
        if source not in self._expected:
            self._expected[source] = self.load(source)
        return result == self._expected[source]


class Mels(Target):
    """Mels have no checksum: what is accepted is what `numpy.load` reads from the same bytes."""

    places = "mels/*.npy"

    def load(self, case: Path) -> str:
        from tf_melgan.audio.mel_files import count_frames, iter_chunks

        mel = np.concatenate(list(iter_chunks(case, SPEC)))
        assert len(mel) == count_frames(case, SPEC)
        return digest(mel)

    def holds(self, result: str, source: Path, case: Path) -> bool:
        return result == digest(np.load(case).astype(np.float32))


_SNIPPETS = (
    "a: &a [1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nmel: [*c,*c,*c]\n",
    "mel: &m {n_mels: 40}\n",
    "training: {steps: 1000}\n",
    "mel:\n  n_mels: 40\n  n_mels: 80\n",
    "mel: " + "[" * 3000 + "]" * 3000 + "\n",
    "mel: " + "{a: " * 900 + "}" * 900 + "\n",
    "? [a, b]\n: c\n",
    "mel: 2001-99-99\n",
    "mel: !!python/object/apply:os.system [ls]\n",
    "mel: !!binary xyz\n",
    "training: {seed: 0x" + "f" * 3000 + "}\n",
    "training: {steps: 1:99:99:99:99:99}\n",
    "mel: {fmax: 1" + "0" * 500 + "}\n",
    "---\nmel: {}\n---\nmel: {}\n",
    "<<: {mel: {n_mels: 40}}\n",
    "# " + "x" * 200_000 + "\n",
    "mel: {log: '" + "x" * 100_000 + "'}\n",
)


class Configs(Target):
    """A config that is accepted holds all values that PyYAML reads from the same file."""

    places = "configs/*.yaml"

    def write(self, source: Path, case: Path, draw: random.Random) -> None:
        text = source.read_text(encoding="utf-8")
        kind = draw.choice(("values", "values", "snippet", "bytes"))
        if kind == "bytes":
            return super().write(source, case, draw)
        if kind == "values":
            text = yaml.safe_dump(mutations.odd_values(yaml.safe_load(text), draw))
        else:
            lines, line = text.splitlines(keepends=True), draw.choice(_SNIPPETS)
            at = draw.choice((0, len(lines), draw.randrange(len(lines) + 1)))
            text = "".join([*lines[:at], line, *lines[at:]])
        case.write_text(text, encoding="utf-8", errors="surrogatepass")
        return None

    def load(self, case: Path) -> Config:
        from tf_melgan.training.cost import summary

        config = Config.load(case)
        summary(config)
        config.mel.mel_matrix()
        return config

    def holds(self, result: Config, source: Path, case: Path) -> bool:
        text = case.read_text(encoding="utf-8")
        values = yaml.safe_load(text) or {}
        keys = sum(isinstance(token, yaml.KeyToken) for token in yaml.scan(text))
        return keys == _count(values) and _agrees(values, result.to_dict())


def _count(values: Any) -> int:
    if not isinstance(values, dict):
        return 0
    return len(values) + sum(map(_count, values.values()))


def _agrees(given: Any, built: Any) -> bool:
    if isinstance(given, dict):
        return all(_agrees(given[key], built[key]) for key in given)
    if isinstance(built, float):
        return float(given) == built
    return given == built


class Voice(Target):
    """A voice, by the samples it gives in one call and in a stream."""

    mel = samples.mel()

    def load(self, case: Path) -> str:
        from tf_melgan.inference.vocoder import Vocoder

        vocoder = Vocoder.load(case, threads=1)
        assert vocoder.spec.n_mels < 10_000
        mel = samples.mel(bands=vocoder.spec.n_mels)
        stream = vocoder.stream()
        parts = [stream.push(mel[:11]), stream.push(mel[11:]), stream.finish()]
        sound = vocoder.vocode(mel)
        spec = json.dumps(vocoder.spec.to_dict())
        assert sound.shape == np.concatenate(parts).shape == (len(mel) * vocoder.spec.hop,)
        assert np.isfinite(sound).all()
        return digest(sound, *parts, np.frombuffer(spec.encode(), np.uint8))


class Weights(Voice):
    places = "weights/*.npz"


class TFLite(Voice):
    places = "tflite/*.tflite"


class Keras(Voice):
    places = "keras/*.keras"


class Folder(Target):
    """A folder: one of its files is damaged, missing, empty or has another's name."""

    def write(self, source: Path, case: Path, draw: random.Random) -> None:
        shutil.copytree(source, case)
        files = sorted(path for path in case.rglob("*") if path.is_file())
        file, other = draw.choice(files), draw.choice(files)
        kind = draw.choice((*6 * ("damage",), "remove", "empty", "swap", "folder", "add"))
        if kind == "damage":
            file.write_bytes(mutations.damaged(file.read_bytes(), other.read_bytes(), draw))
        elif kind == "remove":
            file.unlink()
        elif kind == "empty":
            file.write_bytes(b"")
        elif kind == "swap":
            content = file.read_bytes()
            file.write_bytes(other.read_bytes())
            other.write_bytes(content)
        elif kind == "folder":
            file.unlink()
            file.mkdir()
        else:
            (file.parent / draw.choice((".DS_Store", f"{file.name}~"))).write_bytes(b"x")


class SavedModel(Folder, Voice):
    places = "saved-model/*"


class Run(Folder, Voice):
    places = "run"


class Prepared(Folder):
    places = "prepared"

    def write(self, source: Path, case: Path, draw: random.Random) -> None:
        super().write(source, case, draw)
        index = case / "index.json"
        if draw.random() < 0.4 and index.is_file():
            values = mutations.odd_values(json.loads((source / "index.json").read_text()), draw)
            index.write_text(json.dumps(values))

    def load(self, case: Path) -> str:
        from tf_melgan.data.prepared import Prepared as Opened

        data = Opened.open(case)
        data.verify()
        utterances = [*data.utterances("train"), *data.utterances("validation")]
        named = json.dumps([data.spec.to_dict(), *([x.path, x.split] for x in utterances)])
        sounds = [data.audio(utterance) for utterance in utterances]
        return digest(np.frombuffer(named.encode(), np.uint8), *sounds)


class Checkpoint(Folder):
    """A checkpoint, restored into a model as a run resumes with it."""

    places = "run/checkpoints/step-*"

    def __init__(self, folder: Path):
        super().__init__(folder)
        self._model = samples.model(Config.from_dict(samples.CONFIG))

    def load(self, case: Path) -> str:
        from tf_melgan.training import checkpoints

        state = checkpoints.restore(case, self._model)
        variables = [variable.numpy() for variable in self._model.variables]
        return digest(*variables, np.frombuffer(json.dumps(state).encode(), np.uint8))
