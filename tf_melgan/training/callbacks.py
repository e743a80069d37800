"""Keras callbacks of a run: steps, validation, learning rates, checkpoints, history, progress."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tf_melgan.audio.mel import log_mel
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError, require
from tf_melgan.evaluation import pictures
from tf_melgan.evaluation.metrics import stft_distance
from tf_melgan.files import atomic_file
from tf_melgan.progress import Progress
from tf_melgan.training import backends, checkpoints
from tf_melgan.training.background import Background
from tf_melgan.training.best import Best
from tf_melgan.voices.run_folder import CURVES, HISTORY

VALIDATION_SCORE = "validation_mel"
_UTTERANCES = 24


class Steps(keras.callbacks.Callback):
    """Counts the steps of a run, and ends `fit` when the time is up.

    Args:
        done: the step that the run begins or resumes from.
        deadline: when to end, in seconds of `time.monotonic`; infinity for never.

    Attributes:
        done: the steps done so far.
    """

    async_safe = True

    def __init__(self, done: int, deadline: float):
        super().__init__()
        self.done, self._deadline = done, deadline

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        # The ends of steps are reported by other threads on JAX, the beginnings by this one.
        self.done += 1
        self._check_time()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._check_time()

    def _check_time(self) -> None:
        if time.monotonic() >= self._deadline:
            self.model.stop_training = True


class Validation(keras.callbacks.Callback):
    """Vocodes whole validation utterances after each interval and logs their mean distances.

    `validation_mel` is the log-mel L1 distance and `validation_stft` the multi-resolution STFT
    distance, both to the recording, also where its mel is a given one. At most 24 utterances are
    used, spread evenly over the validation split. Their mels
    are padded with the mel floor to one length, so that the generator is compiled only once.

    Args:
        prepared: the prepared folder; its "validation" split is used.
    """

    def __init__(self, prepared: Prepared):
        super().__init__()
        utterances = prepared.utterances("validation")
        chosen = np.linspace(0, len(utterances) - 1, min(_UTTERANCES, len(utterances)))
        self.spec = prepared.spec
        self.audio = [prepared.audio(utterances[round(index)]) for index in chosen]
        self.own_mels = [log_mel(audio, self.spec) for audio in self.audio]
        self.mels = [prepared.mel(utterances[round(index)]) for index in chosen]
        self.frames = max((len(mel) for mel in self.mels), default=0)
        self.generated: list[np.ndarray] = []
        self._generate: Callable[[np.ndarray], np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not self.mels or logs is None:
            return
        if self._generate is None:
            self._generate = backends.compile_inference(self.model.inference_generator)
        distances: list[Any] = []
        self.generated = []
        for audio, own, mel in zip(self.audio, self.own_mels, self.mels, strict=True):
            padding = ((0, self.frames - len(mel)), (0, 0))
            padded = np.pad(mel, padding, constant_values=self.spec.log_floor)
            generated = self._generate(padded[None])[0, : len(audio), 0]
            self.generated.append(generated)
            mel_distance = np.abs(log_mel(generated, self.spec) - own).mean()
            spectral_distance = stft_distance(audio, generated, self.spec.sample_rate)
            distances.append((mel_distance, spectral_distance))
        logs[VALIDATION_SCORE], logs["validation_stft"] = map(float, np.mean(distances, axis=0))


class LearningRates(keras.callbacks.Callback):
    """Adds the current learning rate of both optimizers to the logs of each interval."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is None:
            return
        rates = {"learning_rate_generator": self.model.generator_optimizer}
        if self.model.adversarial:
            rates["learning_rate_discriminator"] = self.model.discriminator_optimizer
        for name, optimizer in rates.items():
            logs[name] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))


class Checkpoints(keras.callbacks.Callback):
    """Writes a checkpoint after each interval and keeps its generator if it is the best one.

    Args:
        run: the run's folder.
        steps: the run's steps.
        best: the best checkpoint so far.
        state: further values to store in `state.json`.
    """

    def __init__(self, run: Path, steps: Steps, best: Best, state: dict[str, Any]):
        super().__init__()
        self.run, self.steps, self.best, self.state = run, steps, best, state

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs, step = logs or {}, self.steps.done
        if any(math.isnan(logs.get(name, 0.0)) for name in (VALIDATION_SCORE, "generator")):
            raise checkpoints.diverged(self.run, step, "its losses are NaN")
        is_best = self.best.take(logs, self.model.adversarial)
        state = {"step": step, "best": self.best.value, "is_best": is_best} | self.state
        folder = checkpoints.save(self.run, self.model, state)
        if is_best:
            checkpoints.keep_generator(self.run, folder)


class History(keras.callbacks.Callback):
    """Writes one line of JSON per interval to `history.jsonl`.

    A line holds the step, all losses, the discriminators' accuracy and mean scores, the learning
    rates, the gradients at the waveform, and the validation distances and scores. On resume, lines
    of steps after the checkpoint are dropped.

    Args:
        run: the run's folder.
        steps: the run's steps.

    Raises:
        UserInputError: `history.jsonl` is damaged.
    """

    def __init__(self, run: Path, steps: Steps):
        super().__init__()
        self.path, self.steps = run / HISTORY, steps
        self._rows = _history(self.path, steps.done) if self.path.exists() else []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._rows.append({"step": self.steps.done, **(logs or {})})
        with atomic_file(self.path) as temporary:
            lines = [json.dumps(row) + "\n" for row in self._rows]
            temporary.write_text("".join(lines), encoding="utf-8")


class Curves(keras.callbacks.Callback):
    """Plots `history.jsonl` in `curves.png` after each interval, while training goes on.

    It takes a second in which the device would be idle. Place it after `Checkpoints`: what runs
    beside the drawing is slower.

    Args:
        run: the run's folder.
    """

    def __init__(self, run: Path):
        super().__init__()
        self._picture, self._history = run / CURVES, run / HISTORY
        self._background = Background()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._background.run(pictures.curves, self._picture, self._history)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._background.wait()


def _history(path: Path, last: int) -> list[dict[str, float]]:
    """The rows of a run's history up to the step `last`."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        numbers = all(isinstance(value, int | float) for row in rows for value in row.values())
        require(numbers and all("step" in row for row in rows), "")
    except (OSError, ValueError, AttributeError):
        raise UserInputError(f"{path}: is damaged; delete it to go on without it") from None
    return [row for row in rows if row["step"] <= last]


class StepProgress(keras.callbacks.Callback):
    """Advances the progress bar at each step and prints the main losses after each interval.

    Args:
        progress: the progress bar, in steps.
        steps: the run's steps.
    """

    # It only counts, so that Keras need not wait for a step's results.
    async_safe = True

    def __init__(self, progress: Progress, steps: Steps):
        super().__init__()
        self.progress, self.steps = progress, steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.advance()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        validation = (VALIDATION_SCORE, "validation_stft", "validation_pesq", "validation_dnsmos")
        shown = ("generator", "discriminator", *validation)
        values = [f"{name} {logs[name]:.4g}" for name in shown if logs and name in logs]
        self.progress.line(f"step {self.steps.done}: {', '.join(values)}")
