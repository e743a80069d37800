"""Which of a run's checkpoints is kept as its best."""

import json
import math
from pathlib import Path

import pytest

from tf_melgan import checkpoints
from tf_melgan.callbacks import VALIDATION_SCORE, Checkpoints


class Model:
    """What `Checkpoints` needs of one."""

    adversarial = False

    def save_weights(self, path: Path) -> None:
        path.write_bytes(b"weights")


@pytest.mark.parametrize(
    ("adversarial", "expected"),
    [([False] * 4, [1, 2, 2, 2]), ([True] * 4, [1, 2, 3, 4]), ([False] * 3 + [True], [1, 2, 2, 4])],
)
def test_the_best_is_the_nearest_or_with_discriminators_the_last(tmp_path, adversarial, expected):
    model, kept = Model(), []
    callback = Checkpoints(tmp_path, 1, math.inf, {})
    callback.set_model(model)
    for epoch, distance in enumerate((0.3, 0.1, 0.2, 0.15)):
        model.adversarial = adversarial[epoch]
        callback.on_epoch_end(epoch, {VALIDATION_SCORE: distance})
        state = json.loads((checkpoints.best(tmp_path) / checkpoints.STATE).read_text())
        kept.append(state["step"])
    assert kept == expected
