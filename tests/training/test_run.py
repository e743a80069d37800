"""What a run refuses, what may change where it resumes, and how the clock stops it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from benchmarks import soak
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, write_audio
from tf_melgan.config import Config
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared, Utterance
from tf_melgan.errors import UserInputError
from tf_melgan.files import lock
from tf_melgan.training import callbacks, finetuning
from tf_melgan.training.callbacks import Validation
from tf_melgan.training.checkpoints import latest
from tf_melgan.training.finetuning import finetune
from tf_melgan.training.gan import MelGAN
from tf_melgan.training.loop import _fingerprint, load, train
from tf_melgan.voices.run_folder import last_step
from tf_melgan.voices.weights_file import save_weights

CONFIG = Config.from_dict(soak.CONFIG).with_values(
    **{
        "training.steps": 4,
        "training.checkpoint_interval": 4,
        "training.discriminator_start": 4,
        "optimizer.decay": "constant",
        "optimizer.final_learning_rate": 0.0,
    }
)


def longer(steps: int) -> Config:
    return CONFIG.with_values(**{"training.steps": steps, "training.discriminator_start": steps})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings, prepared in data/, and a run of four steps."""
    folder = tmp_path_factory.mktemp("trained")
    train(CONFIG, soak.prepare_noise(folder), folder / "run")
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained`, in which the time stamps are those of the original."""
    return shutil.copytree(trained, tmp_path / "copy")


def values(model: MelGAN) -> list[np.ndarray]:
    return [ops.convert_to_numpy(x) for x in (*model.variables, *model.optimizer.variables)]


def test_a_run_stopped_by_the_clock_ends_as_if_it_was_not(folder, monkeypatch):
    expected = values(train(longer(8), folder / "data", folder / "whole"))

    def at_step_six(steps: callbacks.Steps) -> None:
        steps.model.stop_training |= steps.done == 6

    run = folder / "run"
    with monkeypatch.context() as patched:
        patched.setattr(callbacks.Steps, "_check_time", at_step_six)
        train(longer(8), folder / "data", run)
    assert last_step(run) == 6
    resumed = values(train(longer(8), folder / "data", run))
    assert last_step(run) == 8
    for actual, wanted in zip(resumed, expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)
    history = (run / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in history] == [4, 6, 8]


def test_minutes_are_more_than_none(folder):
    with pytest.raises(UserInputError, match=r"^minutes is 0; give more than 0$"):
        train(CONFIG, folder / "data", folder / "run", minutes=0)


def test_a_run_that_another_process_trains_is_left_alone(folder):
    run = folder / "run"
    line = f"^{run}: is in use by process {os.getpid()}; "
    with lock(run):
        with pytest.raises(UserInputError, match=line):
            train(longer(8), folder / "data", run)
        with pytest.raises(UserInputError, match=line):
            finetune("lj-lite", folder / "recordings", run)
    assert Config.load(run / "config.yaml") == CONFIG


def test_damaged_recordings_are_not_trained_on(folder):
    prepared = Prepared.open(folder / "data")
    first, second = (Path(prepared.place(x)) for x in prepared.utterances("train")[:2])
    stamp = first.stat()
    for path in (first, second):
        path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    os.utime(first, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    # A new run reads all, one that resumes what has another time stamp.
    for run, damaged in (("new", first), ("run", second)):
        with pytest.raises(UserInputError, match=f"^{damaged}: is damaged, its checksum differs"):
            train(longer(8), folder / "data", folder / run)


def test_more_recordings_are_trained_on_only_on_purpose(folder):
    run, data = folder / "run", folder / "data"
    state = latest(run) / "state.json"
    before = json.loads(state.read_text())
    sound = np.random.default_rng(9).normal(0, 0.1, 30000).astype(np.float32)
    write_audio(folder / "recordings/train/new.wav", sound, 22050)
    prepare(folder / "recordings", data, CONFIG.mel)
    with pytest.raises(UserInputError) as caught:
        train(longer(8), data, run)
    assert str(caught.value) == (
        f"{data}: does not hold the recordings that {run} was trained on so far; restore them, go "
        "on with those of now by --data-changed, or start a new run"
    )
    assert Config.load(run / "config.yaml") == CONFIG and last_step(run) == 4
    train(longer(8), data, run, data_changed=True)
    after = json.loads((latest(run) / "state.json").read_text())
    assert after["step"] == 8 and after["data"] != before["data"]
    # Distances over other recordings are not compared.
    assert after["is_best"]
    train(longer(8), data, run)


def test_a_damaged_checkpoint_is_not_resumed_from(folder):
    weights = latest(folder / "run") / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[-5000] ^= 4
    weights.write_bytes(content)
    for use in (
        lambda: train(longer(8), folder / "data", folder / "run"),
        lambda: load(folder / "run"),
    ):
        with pytest.raises(UserInputError, match=f"^{weights}: is damaged, its checksum differs; "):
            use()


def test_finetuning_keeps_the_trained_weights_in_its_average(folder, tmp_path):
    packed = tmp_path / "voice.npz"
    start = CONFIG.generator.build_generator(CONFIG.mel)
    save_weights(packed, CONFIG, start, dtype=np.float32)
    settings = {"training.steps": 1, "training.checkpoint_interval": 1, "training.ema_decay": 0.75}
    model = finetune(packed, folder / "recordings", tmp_path / "run", settings)
    for before, after, mean in zip(
        start.get_weights(), model.generator.get_weights(), model.average.get_weights(), strict=True
    ):
        np.testing.assert_allclose(mean, 0.75 * before + 0.25 * after, rtol=1e-5, atol=1e-7)


STEP = {"training.steps": 1, "training.checkpoint_interval": 1}


def test_finetuning_takes_other_recordings_only_on_purpose(folder, monkeypatch):
    run, recordings, other = folder / "tuned", folder / "recordings", folder / "other"
    finetune(folder / "run", recordings, run, STEP)
    seen = {}
    monkeypatch.setattr(finetuning, "train", lambda *args, **settings: seen.update(settings))
    first = recordings / "train/1.wav"
    os.utime(first)  # a copy of a folder has other time stamps
    finetune(folder / "run", recordings, run, STEP, minutes=3.0)
    assert seen["minutes"] == 3.0 and not seen["data_changed"]
    shutil.copytree(recordings, other)
    (other / first.relative_to(recordings)).write_bytes(b"of another content")
    for given, changed in ((other, "train/1.wav"), (first.parent, "1.wav")):
        with pytest.raises(UserInputError, match=f"{given}: {changed} is not as it was when "):
            finetune(folder / "run", given, run, STEP)
    finetune(folder / "run", recordings / "validation", run, STEP, data_changed=True)
    assert seen["data_changed"]
    paths = {x.path for split in ("train", "validation") for x in utterances(run / "data", split)}
    assert paths == {"0.wav"}


def test_finetuning_does_not_resume_from_another_voice(folder):
    one, other, run = folder / "one.npz", folder / "other.npz", folder / "tuned"
    for path in (one, other):
        save_weights(path, CONFIG, CONFIG.generator.build_generator(CONFIG.mel))
    finetune(one, folder / "recordings", run, STEP)
    with pytest.raises(UserInputError, match=f"{run}: started from other weights than {other} has"):
        finetune(other, folder / "recordings", run, STEP, data_changed=True)
    (run / "origin.json").write_text("{")
    with pytest.raises(UserInputError, match=r"origin\.json: is damaged; delete it to go on"):
        finetune(one, folder / "recordings", run, STEP)
    (run / "origin.json").unlink()  # as in runs of before
    assert finetune(other, folder / "recordings", run, STEP).config.training.steps == 1


def test_finetuning_on_given_mels_validates_and_resumes_with_them(folder):
    recordings, run, spec = folder / "recordings", folder / "tuned", CONFIG.mel
    for path in recordings.rglob("*.wav"):
        mel = log_mel(load_audio(path, spec.sample_rate), spec) + np.float32(0.25)
        np.save(path.with_suffix(".npy"), mel)
    finetune(folder / "run", recordings, run, STEP, mels=recordings)
    prepared = Prepared.open(run / "data")
    validation = Validation(prepared)
    (item,) = prepared.utterances("validation")
    own = log_mel(prepared.audio(item), spec)
    assert np.median(validation.mels[0] - own) == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(validation.own_mels[0], own)
    finetune(folder / "run", recordings, run, STEP, mels=recordings)
    with pytest.raises(UserInputError, match=f"{recordings}: the mel of .* is not as it was when"):
        finetune(folder / "run", recordings, run, STEP)  # without the mels
    path = next(recordings.glob("train/*.npy"))
    np.save(path, np.load(path) + np.float32(0.01))
    with pytest.raises(UserInputError, match="the mel of train/"):
        finetune(folder / "run", recordings, run, STEP, mels=recordings)
    prepare(recordings, run / "data", spec, mels=recordings)
    with pytest.raises(UserInputError, match="does not hold the recordings that"):
        train(load(run).config, run / "data", run)


def test_the_fingerprint_without_given_mels_is_that_of_before():
    utterance = Utterance("a.wav", "train", f"{'0' * 16}-0.npy", "0" * 64, 256)
    assert _fingerprint(Prepared("x", MelSpec(), [utterance])) == "15a411c5d2a57aca"


def utterances(data: Path, split: str) -> list[Utterance]:
    return Prepared.open(data).utterances(split)
