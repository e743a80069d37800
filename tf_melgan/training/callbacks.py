"""Keras callbacks of a run: validation, checkpoints, history, TensorBoard, progress."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tf_melgan.audio.mel import log_mel
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError
from tf_melgan.evaluation import pictures
from tf_melgan.evaluation.metrics import stft_distance
from tf_melgan.files import atomic_file
from tf_melgan.progress import Progress
from tf_melgan.training import backends, checkpoints

VALIDATION_SCORE = "validation_mel"
_UTTERANCES = 24
_LOGGED_UTTERANCES = 2


class Validation(keras.callbacks.Callback):
    """Vocodes whole validation utterances after each interval and logs their mean distances.

    `validation_mel` is the log-mel L1 distance and `validation_stft` the multi-resolution STFT
    distance. At most 24 utterances are used, spread evenly over the validation split. Their mels
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
        self.mels = [log_mel(audio, self.spec) for audio in self.audio]
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
        for audio, mel in zip(self.audio, self.mels, strict=True):
            padding = ((0, self.frames - len(mel)), (0, 0))
            padded = np.pad(mel, padding, constant_values=self.spec.log_floor)
            generated = self._generate(padded[None])[0, : len(audio), 0]
            self.generated.append(generated)
            mel_distance = np.abs(log_mel(generated, self.spec) - mel).mean()
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
    """Writes a checkpoint after each interval and copies its generator if it is the best one.

    While the generator trains on spectral losses only, the best checkpoint is the one with the
    lowest validation log-mel distance. With discriminators, the best checkpoint is the last one:
    adversarial training raises this distance a little but makes the sound closer to speech. Without
    validation recordings it is the last one, too.

    Args:
        run: the run's folder.
        interval: steps per epoch, and so between checkpoints.
        best: the lowest validation log-mel distance so far; infinity for a new run.
        state: further values to store in `state.json`.
    """

    def __init__(self, run: Path, interval: int, best: float, state: dict[str, Any]):
        super().__init__()
        self.run, self.interval, self.best, self.state = run, interval, best, state

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs, step = logs or {}, (epoch + 1) * self.interval
        validated = VALIDATION_SCORE in logs
        distance = logs.get(VALIDATION_SCORE, math.inf)
        if math.isnan(distance) or math.isnan(logs.get("generator", 0.0)):
            raise UserInputError(
                f"{self.run}: training diverged before step {step}, its losses are NaN; start a "
                "new run with a lower optimizer.learning_rate; the earlier checkpoints are kept"
            )
        is_best = distance < self.best or self.model.adversarial or not validated
        self.best = min(distance, self.best)
        best = self.best if math.isfinite(self.best) else None
        state = {"step": step, "best": best, "is_best": is_best} | self.state
        folder = checkpoints.save(self.run, self.model, state)
        if is_best:
            checkpoints.keep_generator(self.run, folder)


class History(keras.callbacks.Callback):
    """Writes one line of JSON per interval to `history.jsonl` and plots it in `curves.png`.

    A line holds the step, all losses, the discriminators' mean scores, the learning rates and the
    validation distances. On resume, lines of steps after the checkpoint are dropped.

    Args:
        run: the run's folder.
        interval: steps per epoch.
        step: the step that the run resumes from; 0 for a new run.
    """

    def __init__(self, run: Path, interval: int, step: int):
        super().__init__()
        self.path, self.interval = run / "history.jsonl", interval
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self._lines = [line for line in lines if json.loads(line)["step"] <= step]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = {"step": (epoch + 1) * self.interval, **(logs or {})}
        self._lines.append(json.dumps(row))
        with atomic_file(self.path) as temporary:
            temporary.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
        pictures.curves(self.path.with_name("curves.png"), self.path)


class TensorBoard(keras.callbacks.Callback):
    """Logs losses, scores, learning rates, audio and mel images to TensorBoard.

    Works on the TensorFlow and on the JAX backend.

    Args:
        run: the run's folder; events are written to its `logs/`.
        interval: steps per epoch.
        step: the step that the run resumes from; events logged after it are dropped.
        validation: the callback whose first two generated utterances are logged.
    """

    def __init__(self, run: Path, interval: int, step: int, validation: Validation):
        super().__init__()
        self.interval, self.validation = interval, validation
        self._folder, self._step = str(run / "logs"), step
        self._writer: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        from tensorboardX import SummaryWriter

        if self._writer is None:
            self._writer = SummaryWriter(self._folder, purge_step=self._step + 1)
        step, spec = (epoch + 1) * self.interval, self.validation.spec
        for name, value in (logs or {}).items():
            self._writer.add_scalar(_tag(name), value, step)
        for index, audio in enumerate(self.validation.generated[:_LOGGED_UTTERANCES]):
            name = f"utterance/{index}"
            self._writer.add_audio(name, audio[:, None], step, spec.sample_rate)
            self._writer.add_image(f"{name}/generated", _picture(log_mel(audio, spec)), step)
            self._writer.add_image(f"{name}/recorded", _picture(self.validation.mels[index]), step)
        self._writer.flush()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self._writer is not None:
            self._writer.close()


def _tag(name: str) -> str:
    """The TensorBoard tag of a logged value, "group/name"."""
    for group in ("validation", "score", "learning_rate"):
        if name.startswith(f"{group}_"):
            return f"{group}/{name.removeprefix(f'{group}_')}"
    return f"loss/{name}"


def _picture(mel: np.ndarray) -> np.ndarray:
    """Log-mel (frames, n_mels) → grayscale image, uint8 (1, n_mels, frames), low bands below."""
    scaled = (mel - mel.min()) / max(np.ptp(mel), 1e-9)
    return (255 * scaled.T[::-1]).astype(np.uint8)[None]


class StepProgress(keras.callbacks.Callback):
    """Advances the progress bar at each step and prints the main losses after each interval.

    Args:
        progress: the progress bar, in steps.
        interval: steps per epoch.
    """

    # It only counts, so that Keras need not wait for a step's results.
    async_safe = True

    def __init__(self, progress: Progress, interval: int):
        super().__init__()
        self.progress, self.interval = progress, interval

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.advance()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        shown = ("generator", "discriminator", VALIDATION_SCORE, "validation_stft")
        values = [f"{name} {logs[name]:.4g}" for name in shown if logs and name in logs]
        self.progress.line(f"step {(epoch + 1) * self.interval}: {', '.join(values)}")
