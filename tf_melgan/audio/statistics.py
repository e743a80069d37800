"""The mean and the deviation of each mel band, which many projects normalize mels with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_melgan.errors import UserInputError, require

_LONGEST_FILE = 1 << 24  # bytes
_WHAT = "give ParallelWaveGAN's or TensorFlowTTS's stats.npy or stats.h5, or ESPnet's stats.npz"


@dataclass(frozen=True)
class Statistics:
    """Of each band: float64 (n_mels,). A normalized mel is (mel − mean) / deviation."""

    mean: np.ndarray
    deviation: np.ndarray


def read_statistics(path: str | Path) -> Statistics:
    """Reads the statistics of mels.

    Args:
        path: a `.npy` of (2, n_mels) with means and deviations; a `.h5` with `mean` and `scale`; or
            ESPnet's `.npz` with `count`, `sum` and `sum_square`.

    Raises:
        UserInputError: the file cannot be read, or holds something else.
    """
    path = Path(path)
    require(path.is_file(), f"{path}: no such file; {_WHAT}")
    size = path.stat().st_size
    require(size <= _LONGEST_FILE, f"{path}: has {size} bytes, too many for statistics; {_WHAT}")
    try:
        mean, deviation = (np.ravel(x).astype(np.float64) for x in _read(path))
        holds = mean.size > 0 and mean.shape == deviation.shape
        holds = holds and bool(np.isfinite(mean).all() and np.isfinite(deviation).all())
    # Damage meets many of Python's errors.
    except Exception:
        holds = False
    require(holds, f"{path}: holds no statistics of mels; {_WHAT}")
    require(bool((deviation > 0).all()), f"{path}: a deviation is not above 0; compute it again")
    return Statistics(mean, deviation)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"\x89HDF":
        return _read_hdf5(path)
    content = np.load(path, allow_pickle=False)
    if isinstance(content, np.ndarray):
        mean, deviation = content
        return mean, deviation
    count = content["count"]
    mean = content["sum"] / count
    return mean, np.sqrt(content["sum_square"] / count - mean**2)


def _read_hdf5(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        import h5py
    except ImportError:
        raise UserInputError(f"{path}: needs the package h5py; install it") from None
    with h5py.File(path) as file:
        return file["mean"][()], file["scale"][()]
