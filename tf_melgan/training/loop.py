"""Trains a vocoder from a `Config`, and resumes a run from its last checkpoint.

A run is a folder:

    RUN/config.yaml       the complete config
    RUN/checkpoints/      the last two checkpoints; see `tf_melgan.training.checkpoints`
    RUN/generator.npz     the generator to vocode with; see `tf_melgan.training.callbacks`
    RUN/history.jsonl     losses, scores and validation distances, one line per interval
    RUN/curves.png        plot of history.jsonl
    RUN/logs/             TensorBoard events
"""

import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from tf_melgan.config import Config
from tf_melgan.data.batches import segments
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError
from tf_melgan.progress import Progress
from tf_melgan.training import backends, checkpoints
from tf_melgan.training.callbacks import (
    Checkpoints,
    History,
    LearningRates,
    StepProgress,
    TensorBoard,
    Validation,
)
from tf_melgan.training.gan import MelGAN
from tf_melgan.voices.run_folder import CONFIG, generator_file


def train(
    config: Config,
    data: str | os.PathLike,
    run: str | os.PathLike,
    devices: list[str] | None = None,
    start: Callable[[MelGAN], None] | None = None,
) -> MelGAN:
    """Trains a vocoder up to step `config.training.steps`.

    If the run has a checkpoint, training resumes from the last one. A resumed run is bit-identical
    to an uninterrupted run on the same machine, with the same software and number of threads.

    Examples:
        >>> from tf_melgan import Config, Vocoder, train
        >>> train(Config.load("configs/lite.yaml"), "data", "runs/voice")
        >>> vocoder = Vocoder.load("runs/voice")

    Args:
        config: the run's config. For an existing run it must be the same; only `training.steps`
            may change, and `training.discriminator_start` if discriminators never take part.
        data: a folder written by `prepare`.
        run: the run's folder; created if missing.
        devices: names of the devices to train on, as TensorFlow names them; all GPUs if None. The
            JAX backend trains on one device.
        start: called with the model of a new run before its first step, for example to set
            initial weights.

    Returns:
        The trained model.

    Raises:
        UserInputError: the data or the run do not fit the config or are damaged, training
            diverged, or the backend cannot train on the given devices.
    """
    run, training = Path(run), config.training
    prepared = Prepared.open(data)
    prepared.require_spec(config.mel)
    checkpoints.recover(run)
    last = checkpoints.latest(run)
    if last is not None and checkpoints.step_of(last) > training.steps:
        raise UserInputError(
            f"{run}: is at step {checkpoints.step_of(last)}, beyond training.steps "
            f"{training.steps}; give more steps, or another run folder"
        )
    _claim(run, config)
    keras.utils.set_random_seed(training.seed)
    # A resumed run must be bit-identical to an uninterrupted one.
    backends.enable_determinism()
    with backends.distribution_scope(devices):
        model = MelGAN(config, dtype=training.precision)
        generator_optimizer = _adam(config, training.steps)
        adversarial_steps = max(1, training.steps - training.discriminator_start)
        discriminator_optimizer = _adam(config, adversarial_steps)
        model.compile(generator_optimizer, discriminator_optimizer)

    fingerprint = _fingerprint(prepared)
    state: dict[str, Any] = {"step": 0, "best": None}
    if last is None and start is not None:
        start(model)
    if last is not None:
        state = checkpoints.restore(last, model)
        if state["data"] != fingerprint:
            raise UserInputError(
                f"{data}: does not hold the recordings that {run} was trained on so far; restore "
                "them, or start a new run"
            )
    best = math.inf if state["best"] is None else state["best"]
    step, interval = state["step"], training.checkpoint_interval
    validation = Validation(prepared)
    with Progress(training.steps, "train", done=step) as progress:
        callbacks = [
            validation,
            LearningRates(),
            StepProgress(progress, interval),
            TensorBoard(run, interval, step, validation),
            History(run, interval, step),
            Checkpoints(run, interval, best, {"data": fingerprint, "seed": training.seed}),
        ]
        # Pre-training and adversarial training compile different steps: the first one does not
        # run the discriminators at all.
        for end in sorted({min(training.discriminator_start, training.steps), training.steps}):
            if step >= end:
                continue
            adversarial = step >= training.discriminator_start
            # The model's own optimizers: in float16 they are wrapped and hold the loss scale.
            model.compile(model.generator_optimizer, model.discriminator_optimizer, adversarial)
            model.fit(
                segments(
                    prepared,
                    training.batch,
                    training.segment,
                    training.seed,
                    training.gain,
                    training.silence_probability,
                    training.start_probability,
                    start_step=step,
                ),
                initial_epoch=step // interval,
                epochs=end // interval,
                steps_per_epoch=interval,
                callbacks=callbacks,
                shuffle=False,
                verbose=0,
            )
            step = end
    return model


def load(run: str | os.PathLike) -> MelGAN:
    """Loads a run's model from its last checkpoint, to inspect it or to train it further.

    Args:
        run: the run's folder.

    Returns:
        The compiled model, with both optimizers.

    Raises:
        UserInputError: `run` is not a run's folder, or has no checkpoint yet.
    """
    run = Path(run)
    generator_file(run)
    last = checkpoints.latest(run)
    if last is None:
        raise UserInputError(f"{run}: its checkpoints are missing; restore the run's folder")
    config = Config.load(run / CONFIG)
    model = MelGAN(config)
    model.compile(_adam(config, 1), _adam(config, 1))
    checkpoints.restore(last, model)
    return model


def _claim(run: Path, config: Config) -> None:
    """Writes the run's config, or checks that it equals the one that the run already has."""
    path = run / CONFIG
    if not path.exists():
        config.save(path)
        return
    saved, given = _flat(Config.load(path).to_dict()), _flat(config.to_dict())
    changeable = {"training.steps"}
    if _spectral(saved) and _spectral(given):
        # The discriminators never start in either config.
        changeable.add("training.discriminator_start")
    changed = [key for key in saved | given if given.get(key) != saved.get(key)]
    mismatches = [key for key in changed if key not in changeable]
    if mismatches:
        key = mismatches[0]
        raise UserInputError(
            f"{path}: {key} is {saved.get(key)}, not {given.get(key)}; give the run's own config, "
            "or another run folder"
        )
    if changed:
        config.save(path)


def _spectral(flat: dict) -> bool:
    """Whether a run has no steps with discriminators."""
    return flat["training.discriminator_start"] >= flat["training.steps"]


def _flat(values: dict, prefix: str = "") -> dict:
    """A nested config as one table, by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _adam(config: Config, steps: int) -> keras.optimizers.Optimizer:
    settings = config.optimizer
    first, last = settings.learning_rate, settings.final_learning_rate
    rate = {
        "constant": lambda: first,
        "exponential": lambda: keras.optimizers.schedules.ExponentialDecay(
            first, steps, last / first
        ),
        "cosine": lambda: keras.optimizers.schedules.CosineDecay(first, steps, alpha=last / first),
    }[settings.decay]()
    return keras.optimizers.Adam(rate, settings.beta_1, settings.beta_2, settings.epsilon)


def _fingerprint(prepared: Prepared) -> str:
    """A hash of the training recordings' index; with other recordings a run cannot resume."""
    utterances = [asdict(utterance) for utterance in prepared.utterances("train")]
    content = json.dumps(utterances, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
