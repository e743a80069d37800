"""The trained voices that ship with the package, and the file formats of voices.

NAME.tflite   the voice for inference: `Vocoder.load("NAME")`
NAME.npz      the weights that `tf-melgan finetune NAME` starts from; see `weights_file`
NAME.md       the voice's card: data, licence, training recipe, metrics, weaknesses
sentence.npy  the log-mel of a sentence for the demo; no voice was trained on it
"""

import os
from pathlib import Path

DEFAULT = "lj-lite"
_FOLDER = Path(__file__).parent
SENTENCE = _FOLDER / "sentence.npy"


def names() -> list[str]:
    """The names of the shipped voices, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.tflite"))


def voice_path(name: str, suffix: str = ".tflite") -> Path:
    """The path of a shipped voice's file.

    Args:
        name: the name of the voice, such as "lj-lite".
        suffix: ".tflite", ".npz" or ".md".
    """
    return _FOLDER / f"{name}{suffix}"


def is_shipped(path: str | os.PathLike) -> bool:
    """Whether a file lies in the package, where whoever can write could change code as well."""
    return Path(path).resolve().parent == _FOLDER.resolve()


def resolve(name: str | os.PathLike, suffix: str = ".tflite") -> Path:
    """Turns a path or the name of a shipped voice into a path.

    Examples:
        >>> from tf_melgan import voices
        >>> voices.resolve("lj-lite")  # the path of the shipped lj-lite.tflite
        >>> voices.resolve("runs/voice")  # Path("runs/voice")

    Args:
        name: a path, or the name of a shipped voice. An existing path takes precedence.
        suffix: which file of a shipped voice to use: ".tflite" or ".npz".

    Returns:
        The file of the shipped voice, or `name` as a path; a path need not exist.
    """
    path = Path(name)
    return voice_path(str(name), suffix) if str(name) in names() and not path.exists() else path
