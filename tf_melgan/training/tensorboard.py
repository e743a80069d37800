"""TensorBoard's events of a run, on the TensorFlow and on the JAX backend."""

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.files import write_errors
from tf_melgan.training.background import Background
from tf_melgan.training.callbacks import Steps, Validation

_LOGGED_UTTERANCES = 2


class TensorBoard(keras.callbacks.Callback):
    """Logs losses, scores, learning rates, audio and mel images to TensorBoard.

    Args:
        run: the run's folder; events are written to its `logs/`.
        steps: the run's steps. Events that an interrupted run logged after the first of them are
            hidden.
        validation: the callback whose first two generated utterances are logged.
    """

    def __init__(self, run: Path, steps: Steps, validation: Validation):
        super().__init__()
        self._steps, self._validation = steps, validation
        self._log = _Log(run / "logs", steps.done + 1)
        self._background = Background()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        validation = self._validation
        sounds = list(zip(validation.generated, validation.own_mels, strict=False))
        utterances = sounds[:_LOGGED_UTTERANCES]
        self._background.run(
            self._log.add, self._steps.done, dict(logs or {}), utterances, validation.spec
        )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._background.wait()


class _Log:
    """A file of events.

    tensorboardX's `SummaryWriter` writes in a thread of its own. Where that thread cannot write, it
    ends, and the program waits for it for ever. Its parts are used here without that thread.
    """

    def __init__(self, folder: Path, first_step: int):
        self._folder, self._first_step = folder, first_step
        self._writer: Any = None

    def add(self, step: int, scalars: dict, utterances: list, spec: MelSpec) -> None:
        """Writes the events of a step; `utterances` are pairs of generated sound and true mel."""
        from tensorboardX import summary

        summaries = [summary.scalar(_tag(name), value) for name, value in scalars.items()]
        for index, (sound, mel) in enumerate(utterances):
            name = f"utterance/{index}"
            clipped = np.clip(sound, -1, 1)[:, None]
            summaries += [
                summary.audio(name, clipped, spec.sample_rate),
                summary.image(f"{name}/generated", _picture(log_mel(sound, spec))),
                summary.image(f"{name}/recorded", _picture(mel)),
            ]
        with write_errors(self._folder):
            if self._writer is None:
                self._open()
            for each in summaries:
                self._event(step, summary=each)
            self._writer.flush()

    def _open(self) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import SessionLog

        self._folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventsWriter(str(self._folder / "events"))
        # TensorBoard hides what earlier files hold from this step on.
        self._event(self._first_step, session_log=SessionLog(status=SessionLog.START))

    def _event(self, step: int, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._writer.write_event(Event(wall_time=time.time(), step=step, **content))


def _tag(name: str) -> str:
    """The TensorBoard tag of a logged value, "group/name"."""
    for group in ("validation", "score", "learning_rate", "gradient"):
        if name.startswith(f"{group}_"):
            return f"{group}/{name.removeprefix(f'{group}_')}"
    return f"loss/{name}"


def _picture(mel: np.ndarray) -> np.ndarray:
    """Log-mel (frames, n_mels) → grayscale image, uint8 (1, n_mels, frames), low bands below."""
    scaled = (mel - mel.min()) / max(np.ptp(mel), 1e-9)
    return (255 * scaled.T[::-1]).astype(np.uint8)[None]
