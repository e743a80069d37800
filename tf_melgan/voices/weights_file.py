"""The `.npz` file format of a voice's weights, for fine-tuning and for inference with Keras.

The file holds the variables of the generator, in the order of the model, under `generator/000`, …
and the run's config as JSON under `config`. If the discriminators were trained, their variables are
under `discriminator/000`, ….
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """The content of a weights file.

    Attributes:
        path: the file.
        config: the config of the run that trained the voice.
        generator: the generator's variables in the order of the model, float32.
        discriminator: the discriminators' variables, or None if they were not trained.
    """

    path: Path
    config: Config
    generator: list[np.ndarray]
    discriminator: list[np.ndarray] | None

    def build_generator(self) -> Generator:
        """Builds the generator with these weights.

        Returns:
            The Keras generator.

        Raises:
            UserInputError: the weights do not fit the config.
        """
        generator = self.config.generator.build_generator(self.config.mel)
        self.assign_generator(generator)
        return generator

    def assign_generator(self, model: keras.Model) -> None:
        """Sets the weights of the generator `model`.

        Args:
            model: a generator with the same architecture.

        Raises:
            UserInputError: the weights do not fit.
        """
        self._assign(model, self.generator, _GENERATOR)

    def assign_discriminator(self, model: keras.Model) -> None:
        """Sets the weights of the discriminators `model`.

        Args:
            model: discriminators with the same architecture.

        Raises:
            UserInputError: the weights do not fit.
        """
        self._assign(model, self.discriminator or [], _DISCRIMINATOR)

    def save(self, path: str | os.PathLike, dtype: type[np.floating] = np.float16) -> None:
        """Writes a weights file atomically.

        Args:
            path: the file to write, usually with the suffix `.npz`.
            dtype: the type of the weights in the file; float16 halves its size.

        Raises:
            UserInputError: `path` cannot be written.
        """
        arrays: dict[str, Any] = {}
        # By order, since the paths of variables depend on the layers built before in this process.
        for section, weights in (
            (_GENERATOR, self.generator),
            (_DISCRIMINATOR, self.discriminator or []),
        ):
            for index, weight in enumerate(weights):
                arrays[f"{section}/{index:03}"] = weight.astype(dtype)
        arrays[_CONFIG] = np.array(json.dumps(self.config.to_dict()))
        # In memory first: a zip file on a full disk cannot be closed.
        content = io.BytesIO()
        np.savez(content, **arrays)
        with atomic_file(path) as temporary:
            temporary.write_bytes(content.getbuffer())

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
    """Writes the weights of models as a weights file, atomically.

    Examples:
        >>> from tf_melgan.voices.weights_file import save_weights
        >>> model = tf_melgan.train(config, "data", "runs/voice")
        >>> save_weights("voice.npz", config, model.inference_generator)

    Args:
        path: the file to write, usually with the suffix `.npz`.
        config: the config of the run that trained the voice.
        generator: the generator to vocode with.
        discriminator: the discriminators, if they were trained.
        dtype: the type of the weights in the file; float16 halves its size.

    Raises:
        UserInputError: `path` cannot be written.
    """
    discriminators = None if discriminator is None else discriminator.get_weights()
    VoiceWeights(Path(path), config, generator.get_weights(), discriminators).save(path, dtype)


def load_weights(path: str | os.PathLike) -> VoiceWeights:
    """Reads a weights file written by `save_weights`.

    Examples:
        >>> from tf_melgan.voices.weights_file import load_weights
        >>> weights = load_weights("voice.npz")
        >>> generator = weights.build_generator()

    Args:
        path: the `.npz` file.

    Returns:
        The weights as float32, and the config.

    Raises:
        UserInputError: the file is missing, damaged or not a weights file.
    """
    path = Path(path)
    try:
        with np.load(path) as archive:
            arrays = {key: archive[key] for key in archive.files}
        values = json.loads(str(arrays.pop(_CONFIG)))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, AttributeError):
        raise UserInputError(
            f"{path}: is not a weights file; give a shipped voice ({', '.join(voices.names())}), "
            "or a .npz file that tf-melgan export --to weights wrote"
        ) from None
    config = Config.from_dict(values, str(path))
    return VoiceWeights(
        path, config, _section(arrays, _GENERATOR) or [], _section(arrays, _DISCRIMINATOR)
    )


def _section(arrays: dict[str, np.ndarray], section: str) -> list[np.ndarray] | None:
    keys = sorted(key for key in arrays if key.startswith(f"{section}/"))
    return [arrays[key].astype(np.float32) for key in keys] or None
