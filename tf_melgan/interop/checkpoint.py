"""A checkpoint of another project, with the config and the statistics that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.audio.statistics import Statistics, read_statistics
from tf_melgan.errors import UserInputError, require
from tf_melgan.interop.settings import Settings, read_settings
from tf_melgan.interop.state_dict import StateDict
from tf_melgan.tensor_files.reader import read_tensors

_CONFIGS = ("config.yml", "config.yaml", "config.json")
_STATISTICS = ("stats.h5", "stats.npy", "scale_stats.npy")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of another project.

    Attributes:
        path: the file, or the first of several.
        content: nested dicts of arrays and plain values.
        settings: the project's config, or None without one.
        statistics: the mean and the deviation of each mel band, or None without them.
    """

    path: Path
    content: dict[str, Any]
    settings: Settings | None = None
    statistics: Statistics | None = None

    def table(self, *keys: str) -> dict[str, Any] | None:
        """The table at nested keys; None if there is none."""
        table: Any = self.content
        for key in keys:
            table = table.get(key) if isinstance(table, dict) else None
        return table if isinstance(table, dict) else None

    def names(self, *keys: str) -> list[str]:
        """The names of the arrays in the table at nested keys."""
        table = self.table(*keys) or {}
        return [str(name) for name, value in table.items() if isinstance(value, np.ndarray)]

    def state(self, *keys: str) -> StateDict:
        """The arrays of the table at nested keys, to be taken one by one."""
        table = self.table(*keys) or {}
        return StateDict({str(k): v for k, v in table.items() if isinstance(v, np.ndarray)})

    def require_settings(self, example: str) -> Settings:
        """The project's config.

        Raises:
            UserInputError: there is none; the message asks for `example`.
        """
        require(
            self.settings is not None,
            f"its config is missing, which says what the weights do not; give --config {example}",
        )
        assert self.settings is not None
        return self.settings


def open_checkpoint(
    files: Sequence[Path], config: Path | None = None, statistics: Path | None = None
) -> Checkpoint:
    """Reads a checkpoint, and the config and the statistics that lie beside it.

    Args:
        files: the checkpoint; two where generator and discriminators have a file each.
        config: the project's config; None to look for one beside the checkpoint.
        statistics: the statistics of mels; None to look for them beside the checkpoint.

    Raises:
        UserInputError: a file cannot be read, or two hold the same names.
    """
    content: dict[str, Any] = {}
    for file in files:
        found = read_tensors(file)
        if not isinstance(found, dict):
            raise UserInputError(f"{file}: holds one tensor and no network; give a checkpoint")
        twice = sorted(str(key) for key in content.keys() & found.keys())
        require(not twice, f"{file}: holds {twice[:1]} like the file before; give one of them")
        content |= found
    config = config or _beside(files[0], _CONFIGS)
    statistics = statistics or _beside(files[0], _STATISTICS)
    return Checkpoint(
        files[0],
        content,
        read_settings(config) if config else None,
        read_statistics(statistics) if statistics else None,
    )


def _beside(file: Path, names: Sequence[str]) -> Path | None:
    paths = [file.parent / name for name in names]
    return next((path for path in paths if path.is_file()), None)
