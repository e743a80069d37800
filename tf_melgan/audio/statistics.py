"""The mean and the deviation of each mel band, which many projects normalize mels with."""

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_melgan.audio.npy_header import read_header
from tf_melgan.errors import UserInputError, require
from tf_melgan.tensor_files.reader import read_tensors

_LONGEST_FILE = 1 << 24  # bytes
_NPY, _ZIP = b"\x93NUMPY", b"PK\x03\x04"
_OBJECTS = b"'descr': '|O'"
_MEANS, _DEVIATIONS = ("mean", "mel_mean"), ("scale", "mel_std")
_WHAT = "give ParallelWaveGAN's or TensorFlowTTS's stats.npy or stats.h5, or ESPnet's stats.npz"


@dataclass(frozen=True)
class Statistics:
    """Of each band: float64 (n_mels,). A normalized mel is (mel − mean) / deviation.

    Raises:
        UserInputError: the shapes differ, or values are not finite, or a deviation is not above 0.
    """

    mean: np.ndarray
    deviation: np.ndarray

    def __post_init__(self) -> None:
        mean, deviation = self.mean, self.deviation
        require(
            mean.ndim == 1 and mean.shape == deviation.shape and mean.size > 0,
            f"the statistics have a mean of shape {mean.shape} and a deviation of "
            f"{deviation.shape}; give both of every band",
        )
        finite = np.isfinite(mean).all() and np.isfinite(deviation).all()
        require(bool(finite), "a mean or deviation is NaN or infinite; compute it again")
        require(bool((deviation > 0).all()), "a deviation is not above 0; compute it again")

    @classmethod
    def of_scale(cls, mean: float, deviation: float, bands: int) -> "Statistics":
        """The same mean and deviation for all bands."""
        return cls(np.full(bands, mean), np.full(bands, deviation))


def read_statistics(path: str | Path) -> Statistics:
    """Reads the statistics of mels.

    Args:
        path: a `.npy` of (2, n_mels), means and deviations; a `.h5` with `mean` and `scale`; the
            `.npy` that Coqui saves; or ESPnet's `.npz` with `count`, `sum` and `sum_square`.

    Raises:
        UserInputError: the file cannot be read, or holds something else.
    """
    path = Path(path)
    require(path.is_file(), f"{path}: no such file; {_WHAT}")
    size = path.stat().st_size
    require(size <= _LONGEST_FILE, f"{path}: has {size} bytes, too many for statistics; {_WHAT}")
    try:
        mean, deviation = (np.ravel(x).astype(np.float64) for x in _read(path))
    except ImportError:
        raise
    # Damage meets many of Python's errors.
    except Exception:
        raise UserInputError(f"{path}: holds no statistics of mels; {_WHAT}") from None
    try:
        return Statistics(mean, deviation)
    except UserInputError as error:
        raise UserInputError(f"{path}: {error}") from None


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as file:
        start = file.read(128)
    if start.startswith(_ZIP):
        return _of_sums(path)
    if start.startswith(_NPY) and _OBJECTS not in start:
        mean, deviation = _rows(path.read_bytes())
        return mean, deviation
    tables = read_tensors(path)
    table = tables[0] if isinstance(tables, list) else tables
    mean, deviation = (
        next(table[name] for name in names if name in table) for names in (_MEANS, _DEVIATIONS)
    )
    return mean, deviation


def _of_sums(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path, allow_pickle=False) as content:
        mean = content["sum"] / content["count"]
        return mean, np.sqrt(content["sum_square"] / content["count"] - mean**2)


def _rows(content: bytes) -> np.ndarray:
    header = io.BytesIO(content)
    shape, fortran_order, dtype = read_header(header)
    numbers = np.frombuffer(content, dtype, offset=header.tell())
    if len(shape) < 2 or shape[0] != 2 or len(numbers) != math.prod(shape):
        raise ValueError("no two rows")
    return numbers.reshape(shape, order="F" if fortran_order else "C")
