"""Fine-tuning: adapts a trained voice to a new speaker with a few minutes of recordings."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from tf_melgan import voices
from tf_melgan.config import Config
from tf_melgan.data.prepare import first_change, prepare
from tf_melgan.errors import require
from tf_melgan.files import lock
from tf_melgan.training import checkpoints, run_config
from tf_melgan.training.averaging import keep_start
from tf_melgan.training.gan import MelGAN
from tf_melgan.training.loop import load, train
from tf_melgan.training.origin import require_origin, write_origin
from tf_melgan.voices.run_folder import generator_file, step_of
from tf_melgan.voices.weights_file import VoiceWeights, load_weights

DATA = "data"


def finetune(
    voice: str | os.PathLike,
    recordings: str | os.PathLike,
    run: str | os.PathLike,
    settings: dict[str, Any] | None = None,
    minutes: float | None = None,
    data_changed: bool = False,
    mels: str | os.PathLike | None = None,
) -> MelGAN:
    """Fine-tunes a trained voice on recordings of a new speaker.

    Prepares the recordings in `run`/data, then trains from the voice's weights. If `run` already
    has a checkpoint, training resumes from it with the prepared recordings, as `train` does. By
    default trains 1,500 steps at a low learning rate. A voice without trained discriminators is
    fine-tuned on the spectral losses only.

    Examples:
        >>> from tf_melgan import Vocoder, finetune
        >>> finetune("lj-lite", "recordings", "runs/speaker", {"training.steps": 3000})
        >>> vocoder = Vocoder.load("runs/speaker")

    Args:
        voice: a run's folder, the name of a shipped voice, or a `.npz` file written by
            `tf-melgan export --to weights`.
        recordings: a folder tree of audio files of one speaker, who has given consent.
        run: the run's folder; created if missing.
        settings: new values for keys of the voice's config, by dotted key.
        minutes: stop after so many minutes of training, with a checkpoint.
        data_changed: prepare the recordings again, and let the run resume with those of now.
        mels: a folder tree with a log-mel for each recording, as an acoustic model predicts it
            under teacher forcing, to train on in place of the recording's own; see `prepare`.

    Returns:
        The trained model.

    Raises:
        UserInputError: the voice cannot be fine-tuned, the recordings, mels or settings do not fit,
            or `run` started from another voice or, without `data_changed`, from other recordings.
    """
    weights = _trained(voice)
    adversarial = weights.discriminator is not None
    config = _recipe(weights.config, adversarial, settings or {})
    run = Path(run)
    data = run / DATA
    with lock(run):
        last = checkpoints.latest(run)
        if last is not None:
            # Before the recordings of the run are replaced.
            run_config.check(run, config, step_of(last))
            require_origin(run, weights, os.fspath(voice))
        if data_changed or last is None:
            print(prepare(recordings, data, config.mel, mels=mels))
        else:
            _require_unchanged(run, recordings, mels)
            print(f"{run}: continues with the recordings prepared when the run started")
        if last is None:
            write_origin(run, weights)

    def start(model: MelGAN) -> None:
        weights.assign_generator(model.generator)
        if model.average is not None:
            weights.assign_generator(model.average)
            keep_start(model.average_total, config.training.ema_decay)
        if adversarial:
            weights.assign_discriminator(model.discriminator)

    return train(config, data, run, start=start, minutes=minutes, data_changed=data_changed)


def _require_unchanged(
    run: Path, recordings: str | os.PathLike, mels: str | os.PathLike | None
) -> None:
    changed = first_change(recordings, run / DATA, mels)
    require(
        changed is None,
        f"{recordings}: {changed} is not as it was when {run} was prepared; restore it, give "
        "another run folder, or go on with what is there now by --data-changed",
    )


def pack(voice: str | os.PathLike, path: str | os.PathLike) -> None:
    """Writes a voice's weights as a `.npz` file that `finetune` starts from.

    The file holds the generator to vocode with, in float16, and the discriminators if they were
    trained: of a run, those of the last checkpoint.

    Args:
        voice: a run's folder, the name of a shipped voice, or a `.npz` file.
        path: the `.npz` file to write.

    Raises:
        UserInputError: `voice` is none of these or has no checkpoint, or `path` cannot be written.
    """
    _trained(voice).save(path)


def _trained(voice: str | os.PathLike) -> VoiceWeights:
    """The weights of a voice, with those of the discriminators if they were trained."""
    source = voices.resolve(voice, ".npz")
    if not source.is_dir():
        return load_weights(source)
    weights = load_weights(generator_file(source))
    if not weights.config.adversarial:
        return weights
    return replace(weights, discriminator=load(source).discriminator.get_weights())


def _recipe(config: Config, adversarial: bool, settings: dict[str, Any]) -> Config:
    """The voice's config, changed to a short run at a low learning rate.

    Without trained discriminators, the run uses the spectral losses only.
    """
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
