"""Other projects' own networks, from clones of their repositories, with random weights.

Their modules are loaded without their packages' `__init__`, which import what is not needed here.
"""

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Peer:
    """A project's networks, saved in its own format.

    Attributes:
        project: the name of its repository.
        network: which of its networks.
        files: the checkpoint's files; config and statistics lie beside the first.
        sound: mel as the voice reads it, float32 (frames, n_mels) → samples (n,).
        features: samples (n,) → the features of each discriminator, (time, channels) each.
    """

    project: str
    network: str
    files: list[Path]
    sound: Callable[[np.ndarray], np.ndarray]
    features: Callable[[np.ndarray], list[list[np.ndarray]]]


def bare_package(name: str, folder: Path) -> types.ModuleType:
    """Makes a package known whose modules are in `folder`, without running its `__init__`."""
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return package


def statistics(n_mels: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations of the bands of a log10 mel, float32."""
    random = np.random.default_rng(5)
    mean, deviation = random.normal(-2.5, 0.5, n_mels), random.uniform(0.4, 0.9, n_mels)
    return mean.astype(np.float32), deviation.astype(np.float32)
