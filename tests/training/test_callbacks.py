"""What is logged after each interval, and where a resumed run's logs go on."""

import io
import json
import math
import shutil
import struct
import threading
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from benchmarks import soak
from tf_melgan.config import Config
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared, Utterance
from tf_melgan.errors import UserInputError
from tf_melgan.training import backends, callbacks
from tf_melgan.training.loop import _fingerprint, train


def events(run: Path) -> list[Event]:
    """All events of a run, file by file: records of a length, its checksum, content, checksum."""
    found = []
    for path in sorted((run / "logs").iterdir()):
        content = io.BytesIO(path.read_bytes())
        while header := content.read(12):
            (length,) = struct.unpack("<Q", header[:8])
            found.append(Event.FromString(content.read(length)))
            content.read(4)
    return found


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


def test_learning_rates_and_losses_are_logged_by_group_and_resumed(tmp_path, capsys, config):
    data, run = soak.prepare_noise(tmp_path), tmp_path / "run"
    train(config, data, run)
    first, second = history(run)
    # The cosine from 1e-3 to 1e-4 over 4 steps, after 2 and after 4; the discriminator's has 2.
    assert first["learning_rate_generator"] == pytest.approx(5.5e-4, rel=1e-5)
    assert second["learning_rate_generator"] == pytest.approx(1e-4, rel=1e-5)
    assert "learning_rate_discriminator" not in first
    assert second["learning_rate_discriminator"] == pytest.approx(1e-4, rel=1e-5)
    logged = events(run)
    values = {(event.step, value.tag): value for event in logged for value in event.summary.value}
    scalars = {key: value for key, value in values.items() if value.HasField("simple_value")}
    assert scalars[2, "learning_rate/generator"].simple_value == pytest.approx(5.5e-4, rel=1e-5)
    assert scalars[4, "loss/stft"].simple_value == pytest.approx(second["stft"], rel=1e-6)
    assert values[4, "utterance/0"].audio.sample_rate == config.mel.sample_rate
    image = values[4, "utterance/0/generated"].image
    assert image.height == config.mel.n_mels and image.encoded_image_string[1:4] == b"PNG"
    tags = {tag for _, tag in scalars}
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
        "gradient",
        "learning_rate",
    }
    longer = config.with_values(**{"training.steps": 6, "optimizer.decay": config.optimizer.decay})
    capsys.readouterr()
    train(longer, data, run)
    # The cosine over 6 steps at step 4: 1e-4 + 9e-4 · (1 + cos(2π/3)) / 2.
    assert (
        f"{run}: training.steps is 6 in place of 4, and the cosine decay is laid out anew: at step "
        "4 the learning rate goes from 0.0001 to 0.000325"
    ) in capsys.readouterr().err
    assert [row["step"] for row in history(run)] == [2, 4, 6]
    # Fewer steps than are done are refused, and leave the run as it is.
    with pytest.raises(UserInputError, match=f"^{run}: is at step 6, beyond training.steps 4; "):
        train(config, data, run)
    assert Config.load(run / "config.yaml").training.steps == 6
    # What an interrupted run logged after its last checkpoint is dropped.
    starts = [x.step for x in events(run) if x.session_log.status == SessionLog.START]
    assert starts == [1, 5]


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
    assert len(ours) >= 6 and callbacks.Steps in ours
    each_batch = [x for x in ours if any(hook in vars(x) for hook in hooks)]
    assert each_batch and all(x.async_safe for x in each_batch)


def test_a_damaged_history_is_refused(tmp_path):
    path = tmp_path / "history.jsonl"
    row = '{"step": 2, "generator": 1.5}\n'
    damaged = ["{", "[]", '{"generator": 1.5}', '{"step": 4, "generator": [1.5]}', "\xff"]
    for line in damaged:
        path.write_bytes(row.encode() + line.encode("latin-1"))
        with pytest.raises(UserInputError) as caught:
            callbacks.History(tmp_path, callbacks.Steps(4, math.inf))
        assert str(caught.value) == f"{path}: is damaged; delete it to go on without it"


def test_curves_are_drawn_while_training_goes_on(tmp_path, monkeypatch):
    drawing, go_on, drawn = threading.Event(), threading.Event(), []

    def slow(picture, path):
        drawing.set()
        assert go_on.wait(30)
        drawn.append((picture.name, len(path.read_text().splitlines())))

    monkeypatch.setattr(callbacks.pictures, "curves", slow)
    (tmp_path / "history.jsonl").write_text('{"step": 2}\n')
    curves = callbacks.Curves(tmp_path)
    curves.on_epoch_end(0, {"generator": 1.5})
    assert drawing.wait(30) and drawn == []
    go_on.set()
    curves.on_train_end()
    assert drawn == [("curves.png", 1)]


@pytest.mark.parametrize("name", ["curves.png", "logs"])
def test_what_is_written_in_the_background_fails_aloud(tmp_path, config, name):
    data, run = soak.prepare_noise(tmp_path), tmp_path / "run"
    if name == "logs":
        run.mkdir()
        (run / name).write_text("in the way")
    else:
        (run / name).mkdir(parents=True)
    with pytest.raises(UserInputError, match=f"^{run / name}: cannot be written \\("):
        train(config, data, run)


def test_the_clock_stops_at_the_step_then_running(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    steps = callbacks.Steps(3, 160.0)
    steps.set_model(SimpleNamespace(stop_training=False))
    steps.on_train_batch_begin(0)
    assert steps.done == 4 and not steps.model.stop_training
    now[0] = 160.0
    steps.on_train_batch_begin(1)
    assert steps.done == 5 and steps.model.stop_training
