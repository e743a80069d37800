"""What a checkpoint keeps, what is refused as one, and which supplies the generator."""

import gc
import hashlib
import math
import os
import resource
from pathlib import Path

import keras
import numpy as np
import pytest

from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.training import checkpoints
from tf_melgan.training.best import Best
from tf_melgan.training.callbacks import VALIDATION_SCORE, Checkpoints, Steps
from tf_melgan.training.gan import MelGAN
from tf_melgan.voices.run_folder import GENERATOR
from tf_melgan.voices.weights_file import load_weights


@pytest.fixture
def model():
    """A small MelGAN whose weights a test may change to distinguish checkpoints."""
    config = Config.from_dict(
        {
            "mel": {"hop": 4, "n_fft": 16, "n_mels": 4},
            "generator": {"channels": 2, "upsampling": [4], "dilations": [1]},
            "discriminator": {"scales": 1, "channels": 4, "max_channels": 4, "downsampling": [4]},
            "loss": {"weights": {"stft": 1.0}},
            "training": {"segment": 64},
        }
    )
    model = MelGAN(config)
    model.compile(keras.optimizers.Adam(), keras.optimizers.SGD(), adversarial=False)
    return model


def kept_step(run: Path) -> int:
    """The step of the generator that the run keeps; tests write it into the weights."""
    return int(load_weights(run / GENERATOR).generator[0].flat[0])


def end_epoch(callback: Checkpoints, epoch: int, logs: dict) -> None:
    weights = callback.model.generator.get_weights()
    weights[0][:] = epoch + 1
    callback.model.generator.set_weights(weights)
    callback.steps.done = epoch + 1
    callback.on_epoch_end(epoch, logs)


def checkpoint_callback(run: Path, model: MelGAN) -> Checkpoints:
    callback = Checkpoints(run, Steps(0, math.inf), Best("automatic", None), {})
    callback.set_model(model)
    return callback


def content(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def state(step: int, **values: object) -> dict:
    return {"step": step, "best": None, "is_best": True, **values}


def test_recovers_from_a_kill_while_writing(tmp_path, monkeypatch, model):
    callback = checkpoint_callback(tmp_path, model)
    end_epoch(callback, 0, {VALIDATION_SCORE: 0.3})
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "keep_generator", lambda run, folder: None)
        end_epoch(callback, 1, {VALIDATION_SCORE: 0.2})
    partial = tmp_path / "checkpoints/.step-00000003.0123abcd.part"
    partial.mkdir()
    (partial / checkpoints.STATE).write_text("{")
    partial_file = tmp_path / ".generator.0123abcd.part.npz"
    partial_file.write_bytes(b"partial")
    exported = tmp_path / ".voice.0123abcd.part.tflite"
    exported.write_bytes(b"what another process is writing")
    assert kept_step(tmp_path) == 1
    checkpoints.recover(tmp_path)
    assert kept_step(tmp_path) == 2
    assert not partial.exists() and not partial_file.exists() and exported.exists()
    # A worse checkpoint does not replace it.
    end_epoch(callback, 2, {VALIDATION_SCORE: 0.4})
    checkpoints.recover(tmp_path)
    assert kept_step(tmp_path) == 2


def test_a_restored_checkpoint_has_every_bit(tmp_path, model):
    rng = np.random.default_rng(0)
    variables = [*model.variables, *model.optimizer.variables]
    for variable in variables:
        variable.assign(rng.integers(0, 9, variable.shape))
    written = [keras.ops.convert_to_numpy(variable) for variable in variables]
    folder = checkpoints.save(tmp_path, model, state(7, seed=3))
    for variable in variables:
        variable.assign(variable.value * 0)
    assert checkpoints.restore(folder, model) == state(7, seed=3)
    for variable, expected in zip(variables, written, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), expected)


def test_the_last_checkpoint_is_that_of_the_highest_step(tmp_path, model):
    for step in (99_999_998, 99_999_999, 100_000_000):
        checkpoints.save(tmp_path, model, state(step))
    assert checkpoints.latest(tmp_path).name == "step-100000000"
    assert sorted(x.name for x in (tmp_path / "checkpoints").iterdir()) == [
        "step-100000000",
        "step-99999999",
    ]


def test_the_kept_generator_is_not_written_twice(tmp_path, monkeypatch, model):
    folder = checkpoints.save(tmp_path, model, state(1))
    checkpoints.keep_generator(tmp_path, folder)
    assert os.path.samefile(tmp_path / GENERATOR, folder / GENERATOR)

    def no_links(*arguments):
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    checkpoints.keep_generator(tmp_path, folder)
    assert not os.path.samefile(tmp_path / GENERATOR, folder / GENERATOR)
    assert (tmp_path / GENERATOR).read_bytes() == (folder / GENERATOR).read_bytes()


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(tmp_path, model, capfd):
    first = checkpoints.save(tmp_path, model, state(1))
    before, limits = content(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    # As a full disk does, this fails in the middle of a write, and again when the file is closed.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(UserInputError) as caught:
            checkpoints.save(tmp_path, model, state(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    second = first.with_name("step-00000002")
    expected = f"{second}: cannot be written (File too large); choose another folder"
    assert str(caught.value) == expected
    caught = None
    gc.collect()
    assert capfd.readouterr().err == ""
    assert content(tmp_path) == before and checkpoints.restore(first, model)["step"] == 1


@pytest.mark.parametrize("name", ["model.weights.h5", "generator.npz", "state.json"])
@pytest.mark.parametrize("damage", ["a bit", "the end", "all"])
def test_a_damaged_checkpoint_is_refused_and_a_whole_one_named(tmp_path, model, name, damage):
    for step in (1, 2):
        folder = checkpoints.save(tmp_path, model, state(step))
    path = folder / name
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    if damage == "a bit":
        path.write_bytes(damaged)
        reason = "is damaged, its checksum differs"
    elif damage == "the end":
        path.write_bytes(path.read_bytes()[:-1])
        reason = "is damaged, its checksum differs"
    else:
        path.unlink()
        reason = "cannot be read (No such file or directory)"
    before = model.get_weights()
    with pytest.raises(UserInputError) as caught:
        checkpoints.restore(folder, model)
    assert str(caught.value) == (
        f"{path}: {reason}; delete {folder} to continue from step-00000001, which is whole"
    )
    assert all(map(np.array_equal, before, model.get_weights()))


def test_a_damaged_checkpoint_without_another_is_refused(tmp_path, model):
    folder = checkpoints.save(tmp_path, model, state(1))
    sums = folder / "SHA256SUMS"
    names = [line.split("  ")[1] for line in sums.read_text().splitlines()]
    assert names == ["model.weights.h5", "generator.npz", "state.json"]
    sums.write_text(sums.read_text().replace("a", "b"))
    with pytest.raises(UserInputError) as caught:
        checkpoints.restore(folder, model)
    assert str(caught.value) == (
        f"{folder}/model.weights.h5: is damaged, its checksum differs; no other checkpoint is "
        "whole; start a new run"
    )
    sums.unlink()
    with pytest.raises(UserInputError, match="/SHA256SUMS: cannot be read; no other"):
        checkpoints.restore(folder, model)


def test_a_damaged_generator_does_not_replace_the_one_that_is_kept(tmp_path, model):
    checkpoints.keep_generator(tmp_path, checkpoints.save(tmp_path, model, state(1)))
    whole = (tmp_path / GENERATOR).read_bytes()
    damaged = checkpoints.save(tmp_path, model, state(2)) / GENERATOR
    damaged.write_bytes(whole[:-1])
    checkpoints.recover(tmp_path)
    assert (tmp_path / GENERATOR).read_bytes() == whole


@pytest.mark.parametrize(("distances", "restored"), [((0.3, 0.1, 0.2), 2), ((0.1, 0.3, 0.2), 3)])
def test_a_kept_generator_that_is_damaged_is_restored(tmp_path, model, distances, restored):
    """From the best checkpoint that there still is, or else from the last one."""
    callback = checkpoint_callback(tmp_path, model)
    for epoch, distance in enumerate(distances):
        end_epoch(callback, epoch, {VALIDATION_SCORE: distance})
    before = kept_step(tmp_path)
    checkpoints.recover(tmp_path)
    assert kept_step(tmp_path) == before
    content = (tmp_path / GENERATOR).read_bytes()
    (tmp_path / GENERATOR).unlink()  # a hard link to the checkpoint's
    (tmp_path / GENERATOR).write_bytes(content[:-9])
    model.config.save(tmp_path / "config.yaml")
    with pytest.raises(UserInputError, match="is damaged; run tf-melgan train as before, which re"):
        load_weights(tmp_path / GENERATOR)
    checkpoints.recover(tmp_path)
    assert kept_step(tmp_path) == restored


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("part", ["generator", "discriminators", "generator's optimizer"])
def test_weights_that_are_not_finite_are_no_checkpoint(tmp_path, model, part, value):
    callback = checkpoint_callback(tmp_path, model)
    end_epoch(callback, 0, {VALIDATION_SCORE: 0.3})
    before = content(tmp_path)
    holder = {
        "generator": model.generator,
        "discriminators": model.discriminator,
        "generator's optimizer": model.generator_optimizer,
    }[part]
    holder.variables[-1].assign(np.full(holder.variables[-1].shape, value))
    with pytest.raises(UserInputError) as caught:
        end_epoch(callback, 1, {VALIDATION_SCORE: 0.2})
    assert str(caught.value) == (
        f"{tmp_path}: training diverged before step 2, its {part} holds NaN or infinite values; "
        "start a new run with a lower optimizer.learning_rate; "
        f"{tmp_path}/checkpoints/step-00000001 is kept"
    )
    assert content(tmp_path) == before


@pytest.mark.parametrize("logs", [{VALIDATION_SCORE: math.nan}, {"generator": math.nan}])
@pytest.mark.parametrize("adversarial", [False, True])
def test_a_diverged_run_keeps_its_checkpoints(tmp_path, logs, adversarial, model):
    model.adversarial = adversarial
    callback = checkpoint_callback(tmp_path, model)
    end_epoch(callback, 0, {VALIDATION_SCORE: 0.3})
    with pytest.raises(UserInputError, match="diverged before step 2, its losses are NaN; "):
        end_epoch(callback, 1, logs)
    assert kept_step(tmp_path) == 1
    assert checkpoints.latest(tmp_path).name == "step-00000001"


@pytest.mark.parametrize(
    ("adversarial", "expected"),
    [([False] * 4, [1, 2, 2, 2]), ([True] * 4, [1, 2, 3, 4]), ([False] * 3 + [True], [1, 2, 2, 4])],
)
def test_keeps_the_best_generator_or_the_last_with_discriminators(
    tmp_path, adversarial, expected, model
):
    kept = []
    callback = checkpoint_callback(tmp_path, model)
    for epoch, distance in enumerate((0.3, 0.1, 0.2, 0.15)):
        model.adversarial = adversarial[epoch]
        end_epoch(callback, epoch, {VALIDATION_SCORE: distance})
        kept.append(kept_step(tmp_path))
    assert kept == expected
