"""Trained voices that come with the package; NAME.md says what each is, and how good.

NAME.tflite  speaks: `Vocoder.load("NAME")`
NAME.npz     what `tf-melgan finetune NAME` starts from; see `tf_melgan.finetuning`
NAME.md      its card: data and licence, recipe, scores, weaknesses
sentence.npy the log-mel of a sentence for the demo, which no voice was trained on
"""

from pathlib import Path

from tf_melgan import voice_file

DEFAULT = "lj-lite"
_FOLDER = Path(__file__).parent
SENTENCE = _FOLDER / "sentence.npy"


def names() -> list[str]:
    """The voices that ship."""
    return sorted(path.stem for path in _FOLDER.glob("*.tflite"))


def file(name: str, suffix: str = ".tflite") -> Path:
    """The file of a voice that ships."""
    return _FOLDER / f"{name}{suffix}"


def found(name: str | Path, suffix: str = ".tflite") -> Path:
    """What is there under a name, or else the file of the voice that ships under it."""
    there = Path(name)
    return file(str(name), suffix) if str(name) in names() and not there.exists() else there


def licence(path: Path) -> str:
    """Of the weights in a file: what a voice that ships says; of others it is not known."""
    ships = path.parent == _FOLDER and path.stem in names()
    return voice_file.read(file(path.stem)).licence if ships else "not stated"
