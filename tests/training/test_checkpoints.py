"""Which checkpoint of a run supplies the generator for vocoding."""

import math
from pathlib import Path

import keras
import pytest

from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.training import checkpoints
from tf_melgan.training.callbacks import VALIDATION_SCORE, Checkpoints
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
    model.compile(keras.optimizers.SGD(), keras.optimizers.SGD(), adversarial=False)
    return model


def kept_step(run: Path) -> int:
    """The step of the generator that the run keeps; tests write it into the weights."""
    return int(load_weights(run / GENERATOR).generator[0].flat[0])


def end_epoch(callback: Checkpoints, epoch: int, logs: dict) -> None:
    weights = callback.model.generator.get_weights()
    weights[0][:] = epoch + 1
    callback.model.generator.set_weights(weights)
    callback.on_epoch_end(epoch, logs)


def test_recovers_from_a_kill_while_writing(tmp_path, monkeypatch, model):
    callback = Checkpoints(tmp_path, 1, math.inf, {})
    callback.set_model(model)
    end_epoch(callback, 0, {VALIDATION_SCORE: 0.3})
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "keep_generator", lambda run, folder: None)
        end_epoch(callback, 1, {VALIDATION_SCORE: 0.2})
    partial = tmp_path / "checkpoints/.step-3.0123abcd.part"
    partial.mkdir()
    (partial / checkpoints.STATE).write_text("{")
    partial_file = tmp_path / ".generator.0123abcd.part.npz"
    partial_file.write_bytes(b"partial")
    assert kept_step(tmp_path) == 1
    checkpoints.recover(tmp_path)
    assert kept_step(tmp_path) == 2
    assert not partial.exists() and not partial_file.exists()
    # A worse checkpoint does not replace it.
    end_epoch(callback, 2, {VALIDATION_SCORE: 0.4})
    checkpoints.recover(tmp_path)
    assert kept_step(tmp_path) == 2


@pytest.mark.parametrize("logs", [{VALIDATION_SCORE: math.nan}, {"generator": math.nan}])
@pytest.mark.parametrize("adversarial", [False, True])
def test_a_diverged_run_keeps_its_checkpoints(tmp_path, logs, adversarial, model):
    model.adversarial = adversarial
    callback = Checkpoints(tmp_path, 1, math.inf, {})
    callback.set_model(model)
    end_epoch(callback, 0, {VALIDATION_SCORE: 0.3})
    with pytest.raises(UserInputError, match="diverged before step 2"):
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
    callback = Checkpoints(tmp_path, 1, math.inf, {})
    callback.set_model(model)
    for epoch, distance in enumerate((0.3, 0.1, 0.2, 0.15)):
        model.adversarial = adversarial[epoch]
        end_epoch(callback, epoch, {VALIDATION_SCORE: distance})
        kept.append(kept_step(tmp_path))
    assert kept == expected
