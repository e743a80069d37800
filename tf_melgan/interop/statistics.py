"""The statistics of mels that a vocoder was trained on: they are folded into its weights."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_melgan.audio.npy_header import read_header
from tf_melgan.errors import UserInputError, require
from tf_melgan.interop.state_dict import SHORTEST
from tf_melgan.layers.weight_normalization import WeightNormalization
from tf_melgan.tensor_files.reader import read_tensors

_LONGEST_FILE = 1 << 20  # bytes
_NAMES = ("mean", "mel_mean"), ("scale", "mel_std")


@dataclass(frozen=True)
class Statistics:
    """Of each mel band, float64 (n_mels,): the network reads (mel − mean) / deviation."""

    mean: np.ndarray
    deviation: np.ndarray

    def __post_init__(self) -> None:
        mean, deviation = self.mean, self.deviation
        require(
            mean.ndim == 1 and mean.shape == deviation.shape and mean.size > 0,
            f"a mean of shape {mean.shape} and a deviation of {deviation.shape}",
        )
        finite = np.isfinite(mean).all() and np.isfinite(deviation).all()
        require(bool(finite and (deviation > 0).all()), "a deviation that is not above 0")

    @classmethod
    def of_scale(cls, mean: float, deviation: float, bands: int) -> Statistics:
        """The same mean and deviation for all bands."""
        return cls(np.full(bands, mean), np.full(bands, deviation))

    def fold_into(self, layer: WeightNormalization) -> None:
        """Changes a convolution of normalized mels into one that reads mels as they are.

        Its outputs stay the same, also at both ends if they are padded by reflection.

        Args:
            layer: the generator's first convolution.

        Raises:
            UserInputError: it reads another number of bands.
        """
        v, g = np.asarray(layer.v, float), np.asarray(layer.g, float)
        require(
            v.shape[1] == len(self.mean),
            f"the statistics are of {len(self.mean)} bands, but the generator reads {v.shape[1]}",
        )
        kernel = v * (g / np.maximum(_lengths(v), SHORTEST)) / self.deviation[:, None]
        layer.v.assign(kernel)
        layer.g.assign(np.maximum(_lengths(kernel), SHORTEST))
        bias = np.asarray(layer.layer.bias, float) - np.einsum("kio,i->o", kernel, self.mean)
        layer.layer.bias.assign(bias)


def _lengths(kernel: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(np.square(kernel), axis=(0, 1)))


def read_statistics(path: Path) -> Statistics:
    """Reads `.h5` with `mean` and `scale`, `.npy` of (2, n_mels), or the table that Coqui saves.

    Raises:
        UserInputError: the file is neither, or its values are wrong.
    """
    try:
        if path.suffix == ".npy" and not _holds_objects(path):
            mean, deviation = _read_npy(path)
        else:
            tables = read_tensors(path)
            table = tables[0] if isinstance(tables, list) else tables
            mean, deviation = (
                next(table[name] for name in names if name in table) for names in _NAMES
            )
        return Statistics(np.ravel(mean).astype(float), np.ravel(deviation).astype(float))
    except (OSError, ValueError, TypeError, StopIteration, RuntimeError) as error:
        reason = str(error) if isinstance(error, UserInputError) else "it cannot be read as such"
        raise UserInputError(
            f"{path}: holds no statistics of mels ({reason}); give stats.h5 with mean and scale, "
            "or a .npy of shape (2, n_mels)"
        ) from None


def _holds_objects(path: Path) -> bool:
    with path.open("rb") as file:
        return b"'descr': '|O'" in file.read(128)


def _read_npy(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        content = file.read(_LONGEST_FILE)
    header = io.BytesIO(content)
    shape, fortran_order, dtype = read_header(header)
    numbers = np.frombuffer(content, dtype, offset=header.tell())
    if len(shape) < 2 or shape[0] != 2 or len(numbers) != math.prod(shape):
        raise ValueError("no two rows")
    return numbers.reshape(shape, order="F" if fortran_order else "C")
