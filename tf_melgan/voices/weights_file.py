"""The `.npz` file format of a voice's weights, for fine-tuning and for inference with Keras.

The file holds the variables of the generator, in the order of the model, under `generator/000`, …
and the run's config as JSON under `config`. If the discriminators were trained, their variables are
under `discriminator/000`, …. `tf_melgan.voices.archive` seals it with a checksum.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_melgan import voices
from tf_melgan.audio.npy_header import read_header
from tf_melgan.config import Config
from tf_melgan.errors import UserInputError, require
from tf_melgan.files import atomic_file
from tf_melgan.models.cost import Convolution, parameters
from tf_melgan.strict_json import parse_json
from tf_melgan.voices.archive import read_archive, seal_archive
from tf_melgan.voices.run_folder import CONFIG, GENERATOR

if TYPE_CHECKING:
    import keras

    from tf_melgan.models.base import Generator

_MOST_DIMENSIONS = 4
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
        seal_archive(content)
        with atomic_file(path) as temporary:
            temporary.write_bytes(content.getbuffer())

    def _assign(self, model: keras.Model, arrays: list[np.ndarray], section: str) -> None:
        try:
            model.set_weights(arrays)
        except ValueError:
            raise UserInputError(_misfit(self.path, section)) from None


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
        UserInputError: the file is missing, damaged or not a weights file, or its weights are not
            finite numbers or too few for its config.
    """
    path = Path(path)
    try:
        entries = read_archive(path)
        values = parse_json(_text(entries.pop(f"{_CONFIG}.npy")))
        arrays = {name.removesuffix(".npy"): _array(entries[name]) for name in entries}
        generator, discriminator = _section(arrays, _GENERATOR), _section(arrays, _DISCRIMINATOR)
        if arrays:
            raise ValueError("other entries")
    except (OSError, ValueError, KeyError):
        raise UserInputError(
            f"{path}: is not a weights file, or is damaged; {_remedy(path)}"
        ) from None
    for array in (*generator, *discriminator):
        require(
            bool(np.isfinite(array).all()),
            f"{path}: holds weights that are NaN or infinite; export it again, or train further "
            "from an earlier checkpoint",
        )
    config = Config.from_dict(values, str(path))
    _check_size(path, generator, config.generator.convolutions(config.mel), _GENERATOR)
    if discriminator:
        _check_size(path, discriminator, config.discriminator.convolutions(), _DISCRIMINATOR)
    return VoiceWeights(path, config, generator, discriminator or None)


def _remedy(path: Path) -> str:
    if path.name == GENERATOR and (path.parent / CONFIG).exists():
        return "run tf-melgan train as before, which restores it from the run's checkpoint"
    return (
        f"give a shipped voice ({', '.join(voices.names())}), or a .npz file that tf-melgan export "
        "--to weights wrote"
    )


def _text(content: bytes) -> str:
    """The string of a `.npy` that holds one."""
    file = io.BytesIO(content)
    shape, _, dtype = read_header(file)
    text = file.read()
    if shape != () or dtype != np.dtype(f"<U{len(text) // 4}"):
        raise ValueError("no string")
    return text.decode("utf-32-le").rstrip("\0")


def _array(content: bytes) -> np.ndarray:
    """The weights of a `.npy`, as float32."""
    file = io.BytesIO(content)
    shape, fortran_order, dtype = read_header(file)
    numbers = np.frombuffer(content, dtype, offset=file.tell()) if dtype.kind == "f" else ()
    if len(shape) > _MOST_DIMENSIONS or len(numbers) != math.prod(shape):
        raise ValueError("no weights")
    return np.reshape(numbers, shape, "F" if fortran_order else "C").astype(np.float32)


def _section(arrays: dict[str, np.ndarray], section: str) -> list[np.ndarray]:
    """Takes the arrays of a section out of `arrays`, in their order."""
    keys = [key for key in arrays if key.startswith(f"{section}/")]
    names = [f"{section}/{index:03}" for index in range(len(keys))]
    return [arrays.pop(name) for name in names]


def _check_size(
    path: Path, weights: list[np.ndarray], layers: Sequence[Convolution], section: str
) -> None:
    """Checks, before a model is built, that there are about as many weights as it needs."""
    learned = [layer for layer in layers if not layer.fixed]
    numbers = sum(weight.size for weight in weights)
    require(len(learned) <= len(weights) and parameters(layers) <= numbers, _misfit(path, section))


def _misfit(path: Path, section: str) -> str:
    return (
        f"{path}: its weights do not fit the config's {section}; leave the {section}'s settings "
        "as they are"
    )
