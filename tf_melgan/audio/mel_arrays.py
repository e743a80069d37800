"""Files that hold a mel: `.npy`, `.npz`, and what PyTorch saves."""

import math
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tf_melgan.audio.mel_layout import frames_first, require_layout
from tf_melgan.audio.npy_header import read_header
from tf_melgan.errors import UserInputError, require, shown_key
from tf_melgan.tensor_files.reader import read_tensors

MEL_SUFFIXES = (".npy", ".npz", ".pt", ".pth")
_NAMES = ("mel", "mels", "mel_spec", "melspectrogram", "mel_spectrogram", "log_mel", "feats")


def read_array(path: str | Path, n_mels: int) -> np.ndarray:
    """Opens the mel of a file; a `.npy` and what PyTorch saves become memory maps.

    Args:
        path: a `.npy`; or a `.npz`, `.pt` or `.pth` with one array, or one that is called mel,
            mels, feats or similar.
        n_mels: the number of bands.

    Returns:
        The values, (frames, n_mels); see `frames_first`.

    Raises:
        UserInputError: the file cannot be read, it is not clear which array is the mel, or its
            shape or dtype is wrong.
    """
    path = Path(path)
    require(path.is_file() or not path.exists(), f"{path}: is not a file; give a file with a mel")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        values = _read_npy(path, n_mels)
    elif suffix == ".npz":
        values = _read_npz(path, n_mels)
    else:
        values = _only(read_tensors(path), path)
    require(
        isinstance(values, np.ndarray),
        f"{path}: holds no tensor; save the mel alone with torch.save",
    )
    return frames_first(values, n_mels, str(path))


def _read_npy(path: Path, n_mels: int) -> np.ndarray:
    try:
        with path.open("rb") as file:
            shape, fortran_order, dtype = read_header(file)
            start, size = file.tell(), path.stat().st_size - file.tell()
    except (OSError, ValueError):
        raise UserInputError(f"{path}: is not a .npy array; save it with numpy.save") from None
    require_layout(shape, dtype, n_mels, str(path))
    _require_size(size, shape, dtype, path)
    order: Literal["C", "F"] = "F" if fortran_order else "C"
    return np.memmap(path, dtype, "r", start, shape, order)


def _read_npz(path: Path, n_mels: int) -> np.ndarray:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            entry = _only(entries, path)
            with archive.open(entry) as file:
                shape, fortran_order, dtype = read_header(file)
                require_layout(shape, dtype, n_mels, str(path))
                size = entry.file_size - file.tell()
                _require_size(size, shape, dtype, path)
                values = np.frombuffer(file.read(size), dtype)
            return values.reshape(shape, order="F" if fortran_order else "C")
    except UserInputError:
        raise
    # Damage meets many of Python's errors.
    except Exception:
        raise UserInputError(f"{path}: is not a .npz of arrays; save it with numpy.savez") from None


def _only(content: Any, path: Path) -> Any:
    """Of a table, its one entry or the one that has the name of a mel; else `content` itself."""
    if not isinstance(content, dict):
        return content
    chosen = _chosen(content)
    shown = ", ".join(map(shown_key, list(content)[:8])) or "nothing"
    require(len(chosen) == 1, f"{path}: holds {shown}; save the mel alone, or call it mel")
    return content[chosen[0]]


def mel_of(content: Any) -> np.ndarray | None:
    """The array in a table that is alone there, or is called like a mel; None if there is none."""
    chosen = _chosen(content) if isinstance(content, dict) else []
    array = content[chosen[0]] if len(chosen) == 1 else None
    return array if isinstance(array, np.ndarray) else None


def _chosen(content: dict) -> list:
    """The names in a table that may be that of the mel."""
    named = [name for name in content if str(name).lower() in _NAMES]
    return list(content) if len(content) == 1 else named


def _require_size(size: int, shape: tuple[int, ...], dtype: np.dtype, path: Path) -> None:
    expected = math.prod(shape) * dtype.itemsize
    require(
        size == expected,
        f"{path}: has {size} bytes of a mel {shape}, not {expected}; copy or save it again",
    )
