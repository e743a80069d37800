"""Scores of vocoded validation recordings at each checkpoint, and the checkpoint they choose."""

import filecmp
import json
import sys
from types import SimpleNamespace

import numpy as np
import pesq
import pytest
from helpers.noisy_speech import RATE, clean_speech, noisy_speech

from benchmarks import soak
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.config.sections import TrainingConfig
from tf_melgan.errors import UserInputError
from tf_melgan.evaluation.metrics import dnsmos
from tf_melgan.training import listening
from tf_melgan.training.best import Best
from tf_melgan.training.listening import Listening
from tf_melgan.training.loop import train
from tf_melgan.voices.run_folder import checkpoint_folder

SPEC = MelSpec(sample_rate=RATE, fmax=RATE / 2)


def validation(*audio: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(audio=list(audio), generated=list(audio), spec=SPEC)


def test_the_scores_are_means_over_recordings_that_can_be_scored():
    speech, noisy = clean_speech(), noisy_speech()
    heard = validation(np.zeros(RATE, np.float32), speech[:1000], speech, speech[: 2 * RATE])
    callback = Listening(heard, TrainingConfig(scored_recordings=2))
    heard.generated = [noisy[: len(audio)] for audio in heard.audio]
    logs = {"validation_mel": 0.1}
    callback.on_epoch_end(0, logs)
    pairs = [(x, noisy[: len(x)]) for x in heard.audio[2:]]
    expected = np.mean([pesq.pesq(RATE, *pair, "wb") for pair in pairs])
    assert logs["validation_pesq"] == pytest.approx(expected, abs=1e-6)
    expected = np.mean([dnsmos(*pair, RATE) for pair in pairs])
    assert logs["validation_dnsmos"] == pytest.approx(expected, abs=1e-6)
    # Silence is the worst of all, not left out of the mean.
    heard.generated = [np.zeros_like(audio) for audio in heard.audio]
    callback.on_epoch_end(1, logs)
    assert logs["validation_pesq"] == logs["validation_dnsmos"] == 1
    # The code of PESQ is not run on what is not finite.
    heard.generated = [np.full_like(audio, np.nan) for audio in heard.audio]
    diverged = {"validation_mel": float("nan")}
    callback.on_epoch_end(2, diverged)
    assert set(diverged) == {"validation_mel"}


@pytest.mark.parametrize("package", ["pesq", "speechmos"])
def test_a_missing_package_is_named_before_training(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    line = f"^training.scored_recordings above 0 needs {package}, which is not installed; "
    with pytest.raises(ImportError, match=line):
        Listening(validation(), TrainingConfig())
    Listening(validation(), TrainingConfig(scored_recordings=0))


@pytest.mark.parametrize("best", ["pesq", "dnsmos"])
def test_a_score_chooses_only_where_there_are_scores(best):
    with pytest.raises(UserInputError) as caught:
        Listening(validation(clean_speech()[:1000]), TrainingConfig(best=best))
    assert str(caught.value) == (
        f"training.best is {best}, but no validation recording is long enough to score; prepare "
        "more recordings, or choose by mel or last"
    )
    with pytest.raises(UserInputError, match=f"^training.best is {best} and training.scored_"):
        TrainingConfig(best=best, scored_recordings=0)
    with pytest.raises(UserInputError, match=r"^training.best is 'loud'; "):
        TrainingConfig(best="loud")


ROWS = [
    {"validation_mel": 0.3, "validation_pesq": 2.0, "validation_dnsmos": 3.1},
    {"validation_mel": 0.1, "validation_pesq": 1.9, "validation_dnsmos": 3.0},
    {"validation_mel": 0.2, "validation_pesq": 2.1, "validation_dnsmos": 2.9},
]


@pytest.mark.parametrize(
    ("choice", "adversarial", "expected", "value"),
    [
        ("mel", True, [True, True, False], 0.1),
        ("pesq", True, [True, False, True], 2.1),
        ("dnsmos", False, [True, False, False], 3.1),
        ("last", False, [True, True, True], 0.1),
        ("automatic", False, [True, True, False], 0.1),
        ("automatic", True, [True, True, True], 0.1),
    ],
)
def test_the_best_checkpoint_is_chosen_by_what_the_config_names(
    choice, adversarial, expected, value
):
    best = Best(choice, None)
    assert [best.take(row, adversarial) for row in ROWS] == expected
    assert best.value == value
    assert Best(choice, value).take({}, adversarial)


def test_an_adversarial_run_keeps_its_highest_score_when_it_resumes(tmp_path, monkeypatch):
    scores = iter([2.0, 3.0, 2.5])
    metrics = {"pesq": lambda *pair: next(scores), "dnsmos": lambda *pair: 2.0}
    monkeypatch.setattr(listening, "_METRICS", metrics)
    config = Config.from_dict(soak.CONFIG).with_values(
        **{
            "training.steps": 4,
            "training.checkpoint_interval": 2,
            "training.discriminator_start": 0,
            "training.scored_recordings": 1,
            "training.best": "pesq",
        }
    )
    data, run = soak.prepare_noise(tmp_path), tmp_path / "run"
    train(config, data, run)
    train(config.with_values(**{"training.steps": 6}), data, run)
    second, third = (checkpoint_folder(run, step) for step in (4, 6))
    assert filecmp.cmp(run / "generator.npz", second / "generator.npz", shallow=False)
    assert not filecmp.cmp(run / "generator.npz", third / "generator.npz", shallow=False)
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [row["validation_pesq"] for row in rows] == [2.0, 3.0, 2.5]
    assert json.loads((third / "state.json").read_text())["best"] == 3.0
    fewer = config.with_values(**{"training.steps": 8, "training.scored_recordings": 2})
    with pytest.raises(UserInputError, match=r"training.scored_recordings is 1, not 2; "):
        train(fewer, data, run)
