"""Trains a vocoder from a `Config`, and resumes a run from its last checkpoint.

A run is a folder:

    RUN/config.yaml       the complete config
    RUN/.lock             held while the run is trained, with the process's id
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
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import keras

from tf_melgan.config import Config
from tf_melgan.data.batches import segments
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError, require
from tf_melgan.files import lock
from tf_melgan.progress import Progress
from tf_melgan.training import backends, checkpoints, run_config
from tf_melgan.training.adversarial_callbacks import DiscriminatorWatch, WaveformGradients
from tf_melgan.training.best import Best
from tf_melgan.training.callbacks import (
    Checkpoints,
    Curves,
    History,
    LearningRates,
    StepProgress,
    Steps,
    Validation,
)
from tf_melgan.training.gan import MelGAN
from tf_melgan.training.listening import Listening
from tf_melgan.training.optimizers import adam
from tf_melgan.training.schedules import discriminator_rate, generator_rate
from tf_melgan.training.tensorboard import TensorBoard
from tf_melgan.voices.run_folder import CONFIG, generator_file, step_of


def train(
    config: Config,
    data: str | os.PathLike,
    run: str | os.PathLike,
    devices: list[str] | None = None,
    start: Callable[[MelGAN], None] | None = None,
    minutes: float | None = None,
    data_changed: bool = False,
) -> MelGAN:
    """Trains a vocoder up to step `config.training.steps`.

    If the run has a checkpoint, training resumes from the last one. The weights of a resumed run
    are bit-identical to those of an uninterrupted run on the same machine, with the same software
    and number of threads.

    Examples:
        >>> from tf_melgan import Config, Vocoder, train
        >>> train(Config.load("configs/lite.yaml"), "data", "runs/voice")
        >>> vocoder = Vocoder.load("runs/voice")

    Args:
        config: the run's config. For an existing run it must be the same; only `training.steps`
            may change, and `training.discriminator_start` if discriminators never take part.
        data: a folder written by `prepare`. All its files are read and their checksums compared
            when a run starts; when it resumes, those that changed since `prepare`.
        run: the run's folder; created if missing. It is locked while it is trained.
        devices: names of the devices to train on, as TensorFlow names them; all GPUs if None. The
            JAX backend trains on one device.
        start: called with the model of a new run before its first step, for example to set
            initial weights.
        minutes: stop after so many minutes with a checkpoint of the step reached by then.
        data_changed: let a run resume with other recordings than those it was trained on so far.

    Returns:
        The trained model.

    Raises:
        UserInputError: the data or the run do not fit the config or are damaged, another process
            trains the run, training diverged, or the backend cannot train on the given devices.
    """
    prepared = Prepared.open(data)
    prepared.require_spec(config.mel)
    deadline = _deadline(minutes)
    with lock(run):
        return _train(config, prepared, Path(run), devices, start, deadline, data_changed)


def _train(
    config: Config,
    prepared: Prepared,
    run: Path,
    devices: list[str] | None,
    start: Callable[[MelGAN], None] | None,
    deadline: float,
    data_changed: bool,
) -> MelGAN:
    checkpoints.recover(run)
    last = checkpoints.latest(run)
    prepared.verify(quick=last is not None)
    change = run_config.check(run, config, step_of(last) if last else 0)
    model = _build(config, devices)
    best, steps = Best(config.training.best, None), Steps(0, deadline)
    fingerprint = _fingerprint(prepared)
    if last is not None:
        state = checkpoints.restore(last, model)
        steps.done = state["step"]
        if state["data"] == fingerprint:
            best.value = state["best"]
        elif not data_changed:
            raise UserInputError(
                f"{prepared.folder}: does not hold the recordings that {run} was trained on so "
                "far; restore them, go on with those of now by --data-changed, or start a new run"
            )
    elif start is not None:
        start(model)
    config.save(run / CONFIG)
    if change:
        print(change, file=sys.stderr)
    with Progress(config.training.steps, "train", done=steps.done) as progress:
        validation = Validation(prepared)
        state = {"data": fingerprint, "seed": config.training.seed}
        callbacks = [
            steps,
            validation,
            Listening(validation, config.training),
            LearningRates(),
            WaveformGradients(prepared, config.training.segment),
            StepProgress(progress, steps),
            DiscriminatorWatch(progress, steps, config.training),
            History(run, steps),
            Checkpoints(run, steps, best, state),
            Curves(run),
            TensorBoard(run, steps, validation),
        ]
        _fit(model, prepared, steps, callbacks)
    return model


def _fit(model: MelGAN, prepared: Prepared, steps: Steps, callbacks: list) -> None:
    """Trains to the last step, or until the time is up."""
    training = model.config.training
    interval = training.checkpoint_interval
    # Pre-training and adversarial training compile different steps: the first one does not run the
    # discriminators at all. A run that stopped by the clock first completes its interval.
    complete = -(-steps.done // interval) * interval
    ends = {complete, min(training.discriminator_start, training.steps), training.steps}
    for end in sorted(end for end in ends if end > steps.done):
        first = steps.done
        adversarial = first >= training.discriminator_start
        if adversarial != model.adversarial:
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
                start_step=first,
            ),
            initial_epoch=first // interval,
            epochs=end // interval,
            steps_per_epoch=min(interval, end - first),
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
        if steps.done < end:
            return


def _deadline(minutes: float | None) -> float:
    if minutes is None:
        return math.inf
    require(minutes > 0, f"minutes is {minutes}; give more than 0")
    return time.monotonic() + 60 * minutes


def _build(config: Config, devices: list[str] | None) -> MelGAN:
    """The compiled model of a new run."""
    training = config.training
    keras.utils.set_random_seed(training.seed)
    # A resumed run must be bit-identical to an uninterrupted one.
    backends.enable_determinism()
    with backends.distribution_scope(devices):
        model = MelGAN(config, dtype=training.precision)
        model.compile(
            adam(config, generator_rate(config)), adam(config, discriminator_rate(config))
        )
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
    model.compile(adam(config, generator_rate(config)), adam(config, discriminator_rate(config)))
    checkpoints.restore(last, model)
    return model


def _fingerprint(prepared: Prepared) -> str:
    """A hash of the training recordings' index; with other recordings a run cannot resume."""
    utterances = [asdict(utterance) for utterance in prepared.utterances("train")]
    for utterance in utterances:
        # Without given mels, the hash is that of before there were any.
        if utterance["mel_sha256"] is None:
            del utterance["mel_sha256"]
    content = json.dumps(utterances, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
