"""Reads HDF5: weights that Keras 2 saved, and files of statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.extras import require_extra

_DEEPEST, _MOST_VALUES = 16, 100_000


def read_hdf5(path: Path) -> dict[str, Any]:
    """Reads all groups as dicts and all datasets of numbers as arrays.

    Of weights that Keras saved, names stay in the order of the model: a layer is a dict, and a
    weight's name may hold slashes.

    Raises:
        ImportError: h5py is not installed.
        ValueError: the file is damaged, refers to other files, or states more numbers than it has.
    """
    with require_extra(f"reading {path}"):
        import h5py

    try:
        with h5py.File(path, "r") as file:
            return _Reader(h5py, path.stat().st_size).group(file, 0)
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise ValueError(f"a damaged HDF5 file ({type(error).__name__})") from None


class _Reader:
    """Reads groups until their datasets would take more memory than the file is long."""

    def __init__(self, h5py: Any, size: int):
        self._h5py, self._left, self._count = h5py, size, 0

    def group(self, group: Any, depth: int) -> dict[str, Any]:
        names = _names(group, "layer_names") or _names(group, "weight_names") or list(group)
        if depth > _DEEPEST or self._count + len(names) > _MOST_VALUES:
            raise ValueError("groups that are nested too deeply, or too many")
        self._count += len(names)
        return {name: self._value(group, name, depth) for name in names}

    def _value(self, group: Any, name: str, depth: int) -> Any:
        place = group
        for part in name.split("/"):
            if not isinstance(place.get(part, getlink=True), self._h5py.HardLink):
                raise ValueError("a link to another place or file")
            place = place[part]
        if isinstance(place, self._h5py.Group):
            return self.group(place, depth + 1)
        return self._array(place)

    def _array(self, dataset: Any) -> np.ndarray:
        if not isinstance(dataset, self._h5py.Dataset) or dataset.dtype.kind not in "fiub":
            raise ValueError("a dataset without numbers")
        if dataset.is_virtual or dataset.external:
            raise ValueError("a dataset that lies in another file")
        self._left -= dataset.size * dataset.dtype.itemsize
        if self._left < 0:
            raise ValueError("datasets longer than the file")
        return np.asarray(dataset[()])


def _names(group: Any, key: str) -> list[str]:
    """Keras's names of the members of a group, in the order of the model; [] without them."""
    if key not in group.attrs:
        return []
    return [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs[key]]
