"""A new speaker from minutes of recordings, starting from a trained voice.

What it starts from is a `.npz`: the trained generator's variables (the averaged ones where there
is an average) and, if they were trained, the discriminators', in float16 under their places in
the model, and the run's config as JSON.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tf_melgan import checkpoints, voices
from tf_melgan.config import Config
from tf_melgan.errors import BadInput
from tf_melgan.files import whole_file
from tf_melgan.generators import AnyGenerator, made
from tf_melgan.melgan import MelGAN
from tf_melgan.preparation import prepare
from tf_melgan.training import load, train

_CONFIG = "config"


def pack(run: str | os.PathLike, path: str | os.PathLike) -> None:
    """Writes what `finetune` needs of a run's best checkpoint.

    Raises:
        BadInput: the folder is no run, or `path` cannot be written.
    """
    model = load(run)
    arrays = _arrays(model.best_generator, "generator")
    if model.config.training.discriminator_start < model.config.training.steps:
        arrays |= _arrays(model.discriminator, "discriminator")
    arrays[_CONFIG] = np.array(json.dumps(model.config.to_dict()))
    with whole_file(path) as aside, aside.open("wb") as file:
        np.savez(file, **arrays)


def finetune(
    voice: str | os.PathLike,
    recordings: str | os.PathLike,
    run: str | os.PathLike,
    settings: dict[str, Any],
) -> MelGAN:
    """Prepares recordings in `run`/data and trains on them from a voice's weights.

    Called again, it goes on where it stands, as `train` does.

    Args:
        voice: a voice that ships, or a file that `pack` wrote.
        recordings: a folder tree of the new speaker's, with the speaker's consent.
        run: the run's folder.
        settings: dotted keys of the voice's config, and what they are to be instead.

    Raises:
        BadInput: the voice is none or cannot be fine-tuned, or recordings or settings do not fit.
    """
    path = voices.found(voice, ".npz")
    trained, weights = _read(path)
    adversarial = any(key.startswith("discriminator/") for key in weights)
    config = _recipe(trained, adversarial, settings)
    data = Path(run) / "data"
    if checkpoints.latest(Path(run)) is None:
        print(prepare(recordings, data, config.mel))
    else:
        print(f"{run}: goes on with the recordings that it began with")

    def start(model: MelGAN) -> None:
        _assign(model.generator, "generator", weights, path)
        if model.average is not None:
            _assign(model.average, "generator", weights, path)
        if adversarial:
            _assign(model.discriminator, "discriminator", weights, path)

    return train(config, data, run, start=start)


def unpack(path: Path) -> tuple[Config, AnyGenerator]:
    """The config and the generator in a file that `pack` wrote. Raises `BadInput`: it is none."""
    config, weights = _read(path)
    generator = made(config)
    _assign(generator, "generator", weights, path)
    return config, generator


def _recipe(config: Config, adversarial: bool, settings: dict[str, Any]) -> Config:
    """A short run at a low rate; without trained discriminators on the spectral losses alone."""
    steps = settings.get("training.steps", 1500)
    return config.with_values(
        **{
            "training.steps": steps,
            "training.interval": 250,
            "training.discriminator_start": 0 if adversarial else steps,
            "training.ema": 0.99,
            "optimizer.learning_rate": 3e-4,
            "optimizer.final_learning_rate": 1e-5,
            "optimizer.decay": "cosine",
            **settings,
        }
    )


def _arrays(model: keras.Model, prefix: str) -> dict[str, np.ndarray]:
    """The variables by their order, since their paths count how many layers a process has made."""
    weights = model.get_weights()
    return {f"{prefix}/{i:03}": weight.astype(np.float16) for i, weight in enumerate(weights)}


def _read(path: Path) -> tuple[Config, dict[str, np.ndarray]]:
    try:
        with np.load(path) as archive:
            weights = {key: archive[key] for key in archive.files}
        values = json.loads(str(weights.pop(_CONFIG)))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, AttributeError):
        known = ", ".join(voices.names())
        raise BadInput(
            f"{path}: is nothing to fine-tune from; give a voice that ships ({known}), or a .npz "
            "that tf-melgan export --to weights wrote"
        ) from None
    return Config.from_dict(values, str(path)), weights


def _assign(model: keras.Model, prefix: str, weights: dict[str, np.ndarray], path: Path) -> None:
    arrays = [weights[key] for key in sorted(weights) if key.startswith(f"{prefix}/")]
    try:
        model.set_weights([array.astype(np.float32) for array in arrays])
    except ValueError:
        raise BadInput(
            f"{path}: its weights do not fit the config's {prefix}; leave the {prefix}'s settings "
            "as they are"
        ) from None
