"""What happens around the steps of a run: validation, checkpoints, records, progress."""

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
_SHOWN = 2


class Validation(keras.callbacks.Callback):
    """After each interval, vocodes whole utterances and adds their mean distances to the logs.

    `validation_mel` is the log-mel L1 distance, `validation_stft` the multi-resolution STFT
    distance. At most 24 utterances, spread evenly over the validation split. They are padded at
    the mel's floor to one length, so that the generator is compiled once.
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
        distances = []
        self.generated = []
        for audio, mel in zip(self.audio, self.mels, strict=True):
            padding = ((0, self.frames - len(mel)), (0, 0))
            padded = np.pad(mel, padding, constant_values=self.spec.log_floor)
            sound = self._generate(padded[None])[0, : len(audio), 0]
            self.generated.append(sound)
            difference = np.abs(log_mel(sound, self.spec) - mel).mean()
            distances.append((difference, stft_distance(audio, sound, self.spec.sample_rate)))
        logs[VALIDATION_SCORE], logs["validation_stft"] = map(float, np.mean(distances, axis=0))


class LearningRates(keras.callbacks.Callback):
    """Adds both optimizers' learning rates to the logs of each interval."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is None:
            return
        rates = {"learning_rate_generator": self.model.generator_optimizer}
        if self.model.adversarial:
            rates["learning_rate_discriminator"] = self.model.discriminator_optimizer
        for name, optimizer in rates.items():
            logs[name] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))


class Checkpoints(keras.callbacks.Callback):
    """After each interval, writes a checkpoint, and keeps it as the best one if it is.

    While the generator trains on spectral losses alone, the best has the lowest validation log-mel
    distance. With discriminators it is the last: they give up some of that distance for sound that
    is closer to speech.
    """

    def __init__(self, run: Path, interval: int, best: float, state: dict[str, Any]):
        super().__init__()
        self.run, self.interval, self.best, self.state = run, interval, best, state

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs, step = logs or {}, (epoch + 1) * self.interval
        score = logs.get(VALIDATION_SCORE, math.inf)
        if math.isnan(score) or math.isnan(logs.get("generator", 0.0)):
            raise UserInputError(
                f"{self.run}: training diverged before step {step}, its losses are not numbers; "
                "lower optimizer.learning_rate in a new run; the checkpoints before are kept"
            )
        better = score < self.best or self.model.adversarial
        self.best = min(score, self.best)
        best = self.best if math.isfinite(self.best) else None
        state = {"step": step, "best": best, "is_best": better} | self.state
        folder = checkpoints.save(self.run, self.model, state)
        if better:
            checkpoints.keep_generator(self.run, folder)


class History(keras.callbacks.Callback):
    """A line of JSON per interval in `history.jsonl`, drawn in `curves.png`.

    A line holds the step, every loss and score, and the validation's distances.
    On resuming, lines of steps after the checkpoint are dropped.
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
    """Losses, scores, learning rates, sound and mel pictures for TensorBoard, on either backend.

    Args:
        run: the run's folder.
        interval: steps in an epoch.
        step: that the run continues from; what was logged after it is dropped.
        validation: whose utterances are shown.
    """

    def __init__(self, run: Path, interval: int, step: int, validation: Validation):
        super().__init__()
        self.interval, self.validation = interval, validation
        self._folder, self._step, self._writer = str(run / "logs"), step, None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        from tensorboardX import SummaryWriter

        if self._writer is None:
            self._writer = SummaryWriter(self._folder, purge_step=self._step + 1)
        step, spec = (epoch + 1) * self.interval, self.validation.spec
        for name, value in (logs or {}).items():
            self._writer.add_scalar(_tag(name), value, step)
        for index, sound in enumerate(self.validation.generated[:_SHOWN]):
            name = f"utterance/{index}"
            self._writer.add_audio(name, sound[:, None], step, spec.sample_rate)
            self._writer.add_image(f"{name}/generated", _picture(log_mel(sound, spec)), step)
            self._writer.add_image(f"{name}/recorded", _picture(self.validation.mels[index]), step)
        self._writer.flush()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self._writer is not None:
            self._writer.close()


def _tag(name: str) -> str:
    """A number's place in TensorBoard: its group, a slash and its name."""
    for group in ("validation", "score", "learning_rate"):
        if name.startswith(f"{group}_"):
            return f"{group}/{name.removeprefix(f'{group}_')}"
    return f"loss/{name}"


def _picture(mel: np.ndarray) -> np.ndarray:
    """Log-mel (frames, n_mels) → gray picture uint8 (1, n_mels, frames), low bands below."""
    scaled = (mel - mel.min()) / max(np.ptp(mel), 1e-9)
    return (255 * scaled.T[::-1]).astype(np.uint8)[None]


class StepProgress(keras.callbacks.Callback):
    """Counts steps with their rate and the time left, and prints a line per interval."""

    def __init__(self, progress: Progress, interval: int):
        super().__init__()
        self.progress, self.interval = progress, interval

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.advance()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        shown = ("generator", "discriminator", VALIDATION_SCORE, "validation_stft")
        values = [f"{name} {logs[name]:.4g}" for name in shown if logs and name in logs]
        self.progress.line(f"step {(epoch + 1) * self.interval}: {', '.join(values)}")
