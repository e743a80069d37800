"""A new speaker from minutes of recordings, starting from a trained voice."""

import os
from pathlib import Path
from typing import Any

from tf_melgan import voices
from tf_melgan.config import Config
from tf_melgan.data.prepare import prepare
from tf_melgan.training import checkpoints
from tf_melgan.training.gan import MelGAN
from tf_melgan.training.loop import load, train
from tf_melgan.voices.run_folder import generator_file
from tf_melgan.voices.weights_file import load_weights, save_weights


def finetune(
    voice: str | os.PathLike,
    recordings: str | os.PathLike,
    run: str | os.PathLike,
    settings: dict[str, Any] | None = None,
) -> MelGAN:
    """Prepares recordings in `run`/data and trains on them from a voice's weights.

    Called again, it goes on where it stands, as `train` does.

    Example:
        finetune("lj-lite", "recordings", "runs/her", {"training.steps": 3000})

    Args:
        voice: a voice that ships, or a `.npz` that `tf-melgan export --to weights` wrote.
        recordings: a folder tree of the new speaker's, with the speaker's consent.
        run: the run's folder.
        settings: dotted keys of the voice's config, and their new values.

    Raises:
        UserInputError: the voice cannot be fine-tuned, or recordings or settings do not fit.
    """
    weights = load_weights(voices.resolve(voice, ".npz"))
    adversarial = weights.discriminator is not None
    config = _recipe(weights.config, adversarial, settings or {})
    data = Path(run) / "data"
    if checkpoints.latest(Path(run)) is None:
        print(prepare(recordings, data, config.mel))
    else:
        print(f"{run}: goes on with the recordings that it began with")

    def start(model: MelGAN) -> None:
        weights.assign_generator(model.generator)
        if model.average is not None:
            weights.assign_generator(model.average)
        if adversarial:
            weights.assign_discriminator(model.discriminator)

    return train(config, data, run, start=start)


def pack(run: str | os.PathLike, path: str | os.PathLike) -> None:
    """Writes what `finetune` needs of a run: the generator to vocode with, in float16.

    Where discriminators took part, those of the last checkpoint go along.

    Raises:
        UserInputError: the folder is no run, or `path` cannot be written.
    """
    weights = load_weights(generator_file(Path(run)))
    discriminator = load(run).discriminator if weights.config.adversarial else None
    save_weights(path, weights.config, weights.build_generator(), discriminator)


def _recipe(config: Config, adversarial: bool, settings: dict[str, Any]) -> Config:
    """A short run at a low rate; without trained discriminators on the spectral losses alone."""
    steps = settings.get("training.steps", 1500)
    return config.with_values(
        **{
            "training.steps": steps,
            "training.checkpoint_interval": 250,
            "training.discriminator_start": 0 if adversarial else steps,
            "training.ema_decay": 0.99,
            "optimizer.learning_rate": 3e-4,
            "optimizer.final_learning_rate": 1e-5,
            "optimizer.decay": "cosine",
            **settings,
        }
    )
