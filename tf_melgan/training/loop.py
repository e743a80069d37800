"""One function that trains a vocoder from a `Config`, and goes on where an earlier call ended.

A run is its folder:

    RUN/config.yaml       what it trains, to the last number
    RUN/checkpoints/      the last two; see `tf_melgan.training.checkpoints`
    RUN/generator.npz     the generator to vocode with; see `tf_melgan.training.callbacks`
    RUN/history.jsonl     a line per interval
    RUN/curves.png        the same as a picture
    RUN/logs/             for TensorBoard
"""

import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

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
    """Trains up to `config.training.steps`, from the run's last checkpoint if it has one.

    Killed at any moment and called again, it ends with the same bits as if it had not been
    (on the same machine, software and number of threads).

    Args:
        config: of the run; a run that exists has to have the same.
        data: the folder that `prepare` made.
        run: the run's folder.
        devices: names of devices to train on in step, as TensorFlow has them; all GPUs if None.
        start: called with a new run's model before its first step, to give it other weights.

    Raises:
        UserInputError: data or run do not fit the config, or are damaged.
    """
    run, training = Path(run), config.training
    prepared = Prepared.open(data)
    prepared.require_spec(config.mel)
    _claim(run, config)
    keras.utils.set_random_seed(training.seed)
    # Resuming promises the same bits from the same inputs.
    backends.enable_determinism()
    with backends.distribution_scope(devices):
        model = MelGAN(config, dtype=training.precision)
        generator_optimizer = _adam(config, training.steps)
        adversarial_steps = max(1, training.steps - training.discriminator_start)
        discriminator_optimizer = _adam(config, adversarial_steps)
        model.compile(generator_optimizer, discriminator_optimizer)

    fingerprint = _fingerprint(prepared)
    state = {"step": 0, "best": None}
    checkpoints.recover(run)
    last = checkpoints.latest(run)
    if last is None and start is not None:
        start(model)
    if last is not None:
        state = checkpoints.restore(last, model)
        if state["data"] != fingerprint:
            raise UserInputError(
                f"{data}: holds other recordings than {run} was trained on so far; restore them, "
                "or start a new run"
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
        # Pre-training leaves the discriminators out of the step altogether, which is then another.
        for end in sorted({min(training.discriminator_start, training.steps), training.steps}):
            if step >= end:
                continue
            adversarial = step >= training.discriminator_start
            # The model's own: in float16 they are wrapped, and hold the scale of the loss.
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
    """A run's model at its last checkpoint, to look at or to train on.

    Raises:
        UserInputError: the folder is no run, or has no checkpoint yet.
    """
    run = Path(run)
    generator_file(run)
    config = Config.load(run / CONFIG)
    model = MelGAN(config)
    model.compile(_adam(config, 1), _adam(config, 1))
    checkpoints.restore(checkpoints.latest(run), model)
    return model


def _claim(run: Path, config: Config) -> None:
    """Writes the run's config, or checks that it is the one that is there."""
    path = run / CONFIG
    if not path.exists():
        config.save(path)
        return
    saved, given = _flat(Config.load(path).to_dict()), _flat(config.to_dict())
    free = {"training.steps"}
    if _spectral(saved) and _spectral(given):
        # The discriminators never start, in either.
        free.add("training.discriminator_start")
    changed = [key for key in saved | given if given.get(key) != saved.get(key)]
    mismatches = [key for key in changed if key not in free]
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
    flat = {}
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
    """Changes when the training recordings do, and with them the meaning of seed and step."""
    utterances = [asdict(utterance) for utterance in prepared.utterances("train")]
    content = json.dumps(utterances, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
