"""What is logged after each interval, and where a resumed run's logs go on."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorboardX

from benchmarks import soak
from tf_melgan.config import Config
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared, Utterance
from tf_melgan.errors import UserInputError
from tf_melgan.training import backends, callbacks
from tf_melgan.training.loop import _fingerprint, train


class Writer:
    """Stands in for tensorboardX's, and remembers what it is given."""

    made: ClassVar[list["Writer"]] = []

    def __init__(self, folder: str, purge_step: int | None = None):
        self.purge_step, self.scalars = purge_step, {}
        Writer.made.append(self)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.scalars[tag, step] = value

    def add_audio(self, *arguments: object) -> None: ...

    add_image = add_audio

    def flush(self) -> None: ...

    close = flush


def history(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


@pytest.fixture
def config() -> Config:
    return Config.from_dict(soak.CONFIG).with_values(
        **{
            "training.steps": 4,
            "training.checkpoint_interval": 2,
            "training.discriminator_start": 2,
            "optimizer.learning_rate": 1e-3,
            "optimizer.final_learning_rate": 1e-4,
        }
    )


def test_learning_rates_and_losses_are_logged_by_group_and_resumed(tmp_path, monkeypatch, config):
    monkeypatch.setattr(tensorboardX, "SummaryWriter", Writer)
    monkeypatch.setattr(Writer, "made", [])
    data, run = soak.prepare_noise(tmp_path), tmp_path / "run"
    train(config, data, run)
    first, second = history(run)
    # The cosine from 1e-3 to 1e-4 over 4 steps, after 2 and after 4; the discriminator's has 2.
    assert first["learning_rate_generator"] == pytest.approx(5.5e-4, rel=1e-5)
    assert second["learning_rate_generator"] == pytest.approx(1e-4, rel=1e-5)
    assert "learning_rate_discriminator" not in first
    assert second["learning_rate_discriminator"] == pytest.approx(1e-4, rel=1e-5)
    tags = {tag for writer in Writer.made for tag, _ in writer.scalars}
    assert {
        "loss/generator",
        "loss/feature_matching",
        "loss/stft",
        "loss/discriminator",
        "score/real_1",
        "validation/mel",
        "learning_rate/generator",
    } <= tags
    assert {tag.partition("/")[0] for tag in tags} == {
        "loss",
        "score",
        "validation",
        "learning_rate",
    }
    longer = config.with_values(**{"training.steps": 6, "optimizer.decay": config.optimizer.decay})
    train(longer, data, run)
    assert [row["step"] for row in history(run)] == [2, 4, 6]
    # Fewer steps than are done are refused, and leave the run as it is.
    with pytest.raises(UserInputError, match=f"^{run}: is at step 6, beyond training.steps 4; "):
        train(config, data, run)
    assert Config.load(run / "config.yaml").training.steps == 6
    # What an interrupted run logged after its last checkpoint is dropped.
    assert Writer.made[0].purge_step == 1 and Writer.made[-1].purge_step == 5


def test_without_validation_the_last_generator_is_kept(tmp_path):
    from tf_melgan.inference.vocoder import Vocoder

    config = Config.from_dict(soak.CONFIG).with_values(
        **{
            "training.steps": 2,
            "training.checkpoint_interval": 1,
            "training.discriminator_start": 2,
        }
    )
    data = soak.prepare_noise(tmp_path)
    shutil.rmtree(tmp_path / "recordings/validation")
    prepare(tmp_path / "recordings", data, config.mel, validation=0)
    model = train(config, data, tmp_path / "run")
    mel = np.full((20, 20), -2.0, np.float32)
    sound = Vocoder.load(tmp_path / "run").vocode(mel)
    expected = np.asarray(model.inference_generator(mel[None]))[0, :, 0]
    assert np.abs(sound - expected).max() <= 1e-6 * np.abs(expected).max()


def test_the_fingerprint_is_of_the_recordings_and_not_of_a_repr(tmp_path, monkeypatch):
    prepared = Prepared.open(soak.prepare_noise(tmp_path))
    fingerprint = _fingerprint(prepared)
    monkeypatch.setattr(Utterance, "__repr__", lambda self: "another")
    assert _fingerprint(prepared) == fingerprint
    fewer = Prepared(prepared.folder, prepared.spec, prepared.utterances("train")[1:])
    assert _fingerprint(fewer) != fingerprint


def test_choosing_devices_does_not_turn_on_determinism(monkeypatch):
    tf = pytest.importorskip("tensorflow")
    calls = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append("on"))
    backends.distribution_scope(None)
    assert calls == []
    backends.enable_determinism()
    assert calls == ["on"]


def test_keras_need_not_wait_for_a_step_to_show_progress():
    """On JAX, a callback of every batch that is not `async_safe` makes each step wait."""
    hooks = ("on_batch_end", "on_train_batch_end", "on_batch_begin", "on_train_batch_begin")
    classes = [x for x in vars(callbacks).values() if isinstance(x, type)]
    ours = [x for x in classes if issubclass(x, keras.callbacks.Callback)]
    assert len(ours) >= 6
    each_batch = [x for x in ours if any(hook in vars(x) for hook in hooks)]
    assert each_batch and all(x.async_safe for x in each_batch)
