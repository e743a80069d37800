"""`diagnose`: says what a file or folder is."""

import shlex
import zipfile
from pathlib import Path

import numpy as np

from tf_melgan import voices
from tf_melgan.audio.listing import SUFFIXES as SOUNDS
from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel_arrays import mel_of
from tf_melgan.audio.mel_files import SUFFIXES
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.doctor import inputs, mels, trained
from tf_melgan.doctor.report import Examination, Report, vocode
from tf_melgan.errors import UserInputError, first_line, require
from tf_melgan.tensor_files.reader import read_tensors

_TENSORS = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".safetensors", ".h5", ".hdf5")
_BY_SUFFIX: dict[str, Examination] = {
    ".onnx": trained.onnx,
    ".keras": trained.keras,
    ".yaml": trained.config,
    ".yml": trained.config,
}
# What a folder has that is a run, a prepared folder or a SavedModel.
_BY_CONTENT: dict[str, Examination] = {
    "saved_model.pb": trained.saved_model,
    "config.yaml": trained.run,
    "index.json": trained.prepared,
}


def diagnose(path: Path, voice: str | None = None) -> Report:
    """Examines a file or folder, and verifies its checksums if it has any.

    Examples:
        >>> from tf_melgan.doctor.diagnosis import diagnose
        >>> report = diagnose(Path("mel.npy"), "lj-lite")
        >>> print(report.what, report.problem)

    Args:
        path: the file or folder.
        voice: the voice that it is to fit, a name or a path; by default the shipped voice that is
            the default for `vocode`, for sounds and mels only.

    Returns:
        What it is; with a `problem` if it does not fit.

    Raises:
        UserInputError: it does not exist, is damaged, or is nothing that tf-melgan knows.
    """
    given, path = path, voices.resolve(path)
    known = ", ".join(voices.names())
    require(path.exists(), f"{given}: no such file or folder; voices that ship: {known}")
    name = voice or voices.DEFAULT
    chosen = voices.resolve(name)
    require(chosen.exists(), f"{name}: no such voice; known: {known}")
    spec = getattr(_trained(chosen), "spec", None)
    if spec is None:
        raise UserInputError(f"{name}: is no voice; give the name or the path of one")
    report = _trained(path) or _input(path, name, spec)
    return report.compared(spec, name) if voice else report


def _trained(path: Path) -> Report | None:
    """The report on something that tf-melgan wrote; None if it is something else."""
    if path.is_dir():
        examinations = [x for name, x in _BY_CONTENT.items() if (path / name).is_file()]
        return examinations[0](path) if examinations else None
    with path.open("rb") as file:
        start = file.read(8)
    if start[4:] == b"TFL3":
        return trained.tflite(path)
    if path.suffix.lower() == ".npz" and not _is_of_arrays(path):
        return trained.weights(path)
    examination = _BY_SUFFIX.get(path.suffix.lower())
    return examination(path) if examination else None


def _is_of_arrays(path: Path) -> bool:
    """Whether a `.npz` holds plain arrays, and not the weights of a voice."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "config.npy" not in archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _input(path: Path, voice: str, spec: MelSpec) -> Report:
    """The report on something that comes from elsewhere."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return _folder(path, voice)
    if suffix in SOUNDS:
        return inputs.sound(path, voice)
    if suffix in (".npy", ".npz"):
        return mels.mel(path, _of_numpy(path), voice, spec)
    if suffix in _TENSORS or _holds_tensors(path):
        content = read_tensors(path)
        array = content if isinstance(content, np.ndarray) else mel_of(content)
        if array is None:
            return inputs.checkpoint(path)
        if suffix not in SUFFIXES:
            return Report("a tensor", problem="a mel has the suffix .pt, .npy or .npz; rename it")
        return mels.mel(path, array, voice, spec)
    raise UserInputError(
        f"{path}: is nothing that tf-melgan knows; give a recording, a mel, a voice, a checkpoint, "
        "a config, or the folder of a run or of prepared recordings"
    )


def _holds_tensors(path: Path) -> bool:
    """Whether a file of any name has tensors; HiFi-GAN's checkpoints have no suffix."""
    try:
        read_tensors(path)
    except UserInputError:
        return False
    return True


def _folder(path: Path, voice: str) -> Report:
    sounds, files = len(list_audio(path)), len(list_audio(path, SUFFIXES))
    require(files > 0, f"{path}: is no folder of a run, and holds neither recordings nor mels")
    details = [f"{sounds} recordings, {files - sounds} mels"]
    command = f"tf-melgan prepare {shlex.quote(str(path))} PREPARED"
    return Report("a folder", details, command=command if sounds else vocode(path, voice, "wavs/"))


def _of_numpy(path: Path) -> np.ndarray:
    """The array of a `.npy`, as a memory map, or the one that is a mel of a `.npz`."""
    try:
        content = np.load(path, "r" if path.suffix.lower() == ".npy" else None)
        array = content if isinstance(content, np.ndarray) else mel_of(dict(content))
    # Damage meets many of Python's errors.
    except Exception as error:
        raise UserInputError(f"{path}: cannot be read ({first_line(error)})") from None
    if array is None:
        raise UserInputError(
            f"{path}: holds several arrays, none of which is called mel; save the mel alone"
        )
    return array
