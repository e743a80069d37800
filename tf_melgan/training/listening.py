"""A Keras callback that scores vocoded validation recordings as `tf-melgan evaluate` does."""

import math
from importlib import import_module

import keras
import numpy as np

from tf_melgan.config import TrainingConfig
from tf_melgan.config.sections import HEARD
from tf_melgan.errors import UserInputError
from tf_melgan.evaluation.metrics import METRICS, pesq_wb
from tf_melgan.extras import require_extra
from tf_melgan.training.callbacks import VALIDATION_SCORE, Validation

_LOWEST = 1.0  # of both scores
_METRICS = {metric.key: metric.compute for metric in METRICS if metric.key in HEARD}


class Listening(keras.callbacks.Callback):
    """Adds PESQ-wb and DNSMOS of a few validation recordings to the logs of each interval.

    `validation_pesq` and `validation_dnsmos` are means over `training.scored_recordings` of the
    recordings that `Validation` vocodes, spread evenly; those that PESQ cannot score (silence, or
    less than 0.25 s) are passed over. Where the generated sound has no score, since it is silent,
    it counts as the lowest. Place the callback after `Validation`.

    Args:
        validation: the callback whose generated utterances are scored.
        training: the run's settings.

    Raises:
        ImportError: a package that scores is not installed; the message names it.
        UserInputError: `training.best` is a score, and there is no recording to score.
    """

    def __init__(self, validation: Validation, training: TrainingConfig):
        super().__init__()
        self._validation = validation
        self._chosen: list[int] = []
        if training.scored_recordings:
            with require_extra("training.scored_recordings above 0"):
                for package in ("pesq", "speechmos.dnsmos"):
                    import_module(package)
            self._chosen = self._choose(training.scored_recordings)
        if training.best in HEARD and not self._chosen:
            raise UserInputError(
                f"training.best is {training.best}, but no validation recording is long enough to "
                "score; prepare more recordings, or choose by mel or last"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # Sound that is not finite ends the run; the code of PESQ must not see it.
        if logs is None or not self._chosen or not math.isfinite(logs[VALIDATION_SCORE]):
            return
        for name, compute in _METRICS.items():
            values = [compute(*self._pair(index), self._rate) for index in self._chosen]
            numbers = [_LOWEST if isinstance(value, str) else value for value in values]
            logs[f"validation_{name}"] = float(np.mean(numbers))

    @property
    def _rate(self) -> int:
        return self._validation.spec.sample_rate

    def _choose(self, count: int) -> list[int]:
        """The indices of the utterances to score."""
        audio = self._validation.audio
        scorable = [i for i, x in enumerate(audio) if isinstance(pesq_wb(x, x, self._rate), float)]
        spread = np.linspace(0, len(scorable) - 1, min(count, len(scorable)))
        return [scorable[round(place)] for place in spread]

    def _pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The recording and what was generated in its place."""
        generated = np.clip(self._validation.generated[index], -1, 1)
        return self._validation.audio[index], generated
