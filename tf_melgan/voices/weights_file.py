"""A trained voice to train on from, or to run on Keras: weights and config in one `.npz`.

The file holds the variables of the generator (and of the discriminators, where they were trained)
by their order in the model, under `generator/000`, …, and the run's config as JSON under `config`.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_melgan import voices
from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file

if TYPE_CHECKING:
    import keras

    from tf_melgan.models.base import Generator

_CONFIG, _GENERATOR, _DISCRIMINATOR = "config", "generator", "discriminator"


@dataclass(frozen=True)
class VoiceWeights:
    """What a weights file holds.

    Attributes:
        path: the file.
        config: of the run that trained it.
        generator: float32 arrays, the generator's variables in order.
        discriminator: the discriminators', or None where they were not trained.
    """

    path: Path
    config: Config
    generator: list[np.ndarray]
    discriminator: list[np.ndarray] | None

    def build_generator(self) -> Generator:
        """The generator with these weights."""
        generator = self.config.generator.build_generator(self.config.mel)
        self.assign_generator(generator)
        return generator

    def assign_generator(self, model: keras.Model) -> None:
        """Gives `model` the generator's weights. Raises `UserInputError` if they do not fit."""
        self._assign(model, self.generator, _GENERATOR)

    def assign_discriminator(self, model: keras.Model) -> None:
        """Gives `model` the discriminators' weights. Raises `UserInputError` if they do not fit."""
        self._assign(model, self.discriminator or [], _DISCRIMINATOR)

    def _assign(self, model: keras.Model, arrays: list[np.ndarray], section: str) -> None:
        try:
            model.set_weights(arrays)
        except ValueError:
            raise UserInputError(
                f"{self.path}: its weights do not fit the config's {section}; leave the "
                f"{section}'s settings as they are"
            ) from None


def save_weights(
    path: str | os.PathLike,
    config: Config,
    generator: keras.Model,
    discriminator: keras.Model | None = None,
    dtype: type[np.floating] = np.float16,
) -> None:
    """Writes a weights file, whole or not at all.

    Args:
        path: ends in .npz by custom.
        config: of the run.
        generator: the generator to vocode with.
        discriminator: the discriminators, where they were trained.
        dtype: of the weights in the file.

    Raises:
        UserInputError: `path` cannot be written.
    """
    arrays = _arrays(generator, _GENERATOR, dtype)
    if discriminator is not None:
        arrays |= _arrays(discriminator, _DISCRIMINATOR, dtype)
    arrays[_CONFIG] = np.array(json.dumps(config.to_dict()))
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_weights(path: str | os.PathLike) -> VoiceWeights:
    """Reads what `save_weights` wrote.

    Raises:
        UserInputError: the file is missing, damaged or something else.
    """
    path = Path(path)
    try:
        with np.load(path) as archive:
            arrays = {key: archive[key] for key in archive.files}
        values = json.loads(str(arrays.pop(_CONFIG)))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, AttributeError):
        raise UserInputError(
            f"{path}: is no weights file; give a voice that ships ({', '.join(voices.names())}), "
            "or a .npz that tf-melgan export --to weights wrote"
        ) from None
    config = Config.from_dict(values, str(path))
    return VoiceWeights(
        path, config, _section(arrays, _GENERATOR) or [], _section(arrays, _DISCRIMINATOR)
    )


def _arrays(model: keras.Model, section: str, dtype: type[np.floating]) -> dict[str, np.ndarray]:
    # By their order, since their paths count how many layers a process has made.
    weights = enumerate(model.get_weights())
    return {f"{section}/{index:03}": weight.astype(dtype) for index, weight in weights}


def _section(arrays: dict[str, np.ndarray], section: str) -> list[np.ndarray] | None:
    keys = sorted(key for key in arrays if key.startswith(f"{section}/"))
    return [arrays[key].astype(np.float32) for key in keys] or None
