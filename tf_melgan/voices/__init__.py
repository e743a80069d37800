"""Trained voices that come with the package; NAME.md says what each is, and how good.

NAME.tflite  speaks: `Vocoder.load("NAME")`
NAME.npz     what `tf-melgan finetune NAME` starts from; see `tf_melgan.voices.weights_file`
NAME.md      its card: data and licence, recipe, scores, weaknesses
sentence.npy the log-mel of a sentence for the demo, which no voice was trained on
"""

from pathlib import Path

DEFAULT = "lj-lite"
_FOLDER = Path(__file__).parent
SENTENCE = _FOLDER / "sentence.npy"


def names() -> list[str]:
    """The voices that ship."""
    return sorted(path.stem for path in _FOLDER.glob("*.tflite"))


def voice_path(name: str, suffix: str = ".tflite") -> Path:
    """The file of a voice that ships."""
    return _FOLDER / f"{name}{suffix}"


def resolve(name: str | Path, suffix: str = ".tflite") -> Path:
    """The path `name` where it exists, or else the file of the voice that ships by that name."""
    path = Path(name)
    return voice_path(str(name), suffix) if str(name) in names() and not path.exists() else path
