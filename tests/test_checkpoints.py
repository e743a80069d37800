"""Which of a run's checkpoints is kept as its best."""

import json
import math
from pathlib import Path

import pytest

from tf_melgan import checkpoints
from tf_melgan.callbacks import VALIDATION_SCORE, Checkpoints
from tf_melgan.errors import BadInput


class Model:
    """What `Checkpoints` needs of one."""

    adversarial = False

    def save_weights(self, path: Path) -> None:
        path.write_bytes(b"weights")


def kept_at(path: Path) -> dict:
    return json.loads((path / checkpoints.STATE).read_text())


def test_a_kill_while_writing_is_mended(tmp_path, monkeypatch):
    callback = Checkpoints(tmp_path, 1, math.inf, {})
    callback.set_model(Model())
    callback.on_epoch_end(0, {VALIDATION_SCORE: 0.3})
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "save_best", lambda run, folder: None)
        callback.on_epoch_end(1, {VALIDATION_SCORE: 0.2})
    halves = [tmp_path / ".best.0123abcd.part", tmp_path / "checkpoints/.step-3.0123abcd.part"]
    for half in halves:
        half.mkdir()
        (half / checkpoints.STATE).write_text("{")
    assert kept_at(checkpoints.best(tmp_path))["step"] == 1
    checkpoints.recover(tmp_path)
    assert kept_at(checkpoints.best(tmp_path))["step"] == 2
    assert not any(half.exists() for half in halves)
    # What was not better is no better now.
    callback.on_epoch_end(2, {VALIDATION_SCORE: 0.4})
    checkpoints.recover(tmp_path)
    assert kept_at(checkpoints.best(tmp_path))["step"] == 2


@pytest.mark.parametrize("logs", [{VALIDATION_SCORE: math.nan}, {"generator": math.nan}])
@pytest.mark.parametrize("adversarial", [False, True])
def test_a_run_that_diverged_keeps_its_checkpoints(tmp_path, logs, adversarial):
    model = Model()
    model.adversarial = adversarial
    callback = Checkpoints(tmp_path, 1, math.inf, {})
    callback.set_model(model)
    callback.on_epoch_end(0, {VALIDATION_SCORE: 0.3})
    with pytest.raises(BadInput, match="diverged before step 2"):
        callback.on_epoch_end(1, logs)
    assert kept_at(checkpoints.best(tmp_path)) == kept_at(checkpoints.latest(tmp_path))
    assert kept_at(checkpoints.latest(tmp_path))["step"] == 1


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
        kept.append(kept_at(checkpoints.best(tmp_path))["step"])
    assert kept == expected
