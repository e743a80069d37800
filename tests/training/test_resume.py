"""Killed and resumed runs are bit-identical to an uninterrupted run."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks import soak
from tf_melgan.config import Config

ROOT = Path(__file__).parents[2]
needs_tensorflow = pytest.mark.skipif(not find_spec("tensorflow"), reason="needs TensorFlow")


@pytest.mark.skipif(not find_spec("jax"), reason="needs JAX")
def test_a_resumed_run_is_bit_identical_on_jax(tmp_path: Path) -> None:
    worker = ROOT / "tests" / "helpers" / "resume_worker.py"
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, worker, tmp_path], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    uninterrupted, resumed = done.stdout.split()
    assert resumed == uninterrupted


@needs_tensorflow
def test_a_run_killed_three_times_is_bit_identical(tmp_path: Path) -> None:
    result = soak.soak(tmp_path, steps=60, kills=3, replicas=1, seed=1)
    assert len(result["kills"]) == 3 and result["kills"][2]["while_writing"]
    assert result["digests"] == [result["expected"]] * len(result["digests"])


@needs_tensorflow
def test_half_precision_resumes_with_its_loss_scale(tmp_path: Path) -> None:
    from tf_melgan.training.loop import train

    data = soak.prepare_noise(tmp_path)
    config = Config.from_dict(soak.CONFIG).with_values(
        **{
            "training.steps": 8,
            "training.discriminator_start": 4,
            "training.precision": "mixed_float16",
            "optimizer.decay": "constant",
            "optimizer.final_learning_rate": 0.0,
        }
    )
    uninterrupted = train(config, data, tmp_path / "full")
    train(config.with_values(**{"training.steps": 4}), data, tmp_path / "parts")
    resumed = train(config, data, tmp_path / "parts")
    for scaled in (uninterrupted.generator_optimizer, uninterrupted.discriminator_optimizer):
        # Not the initial state: steps were counted, or an overflow halved the scale.
        assert int(scaled.step_counter) > 0 or float(scaled.dynamic_scale) < scaled.initial_scale
    for expected, actual in zip(
        (*uninterrupted.variables, *uninterrupted.optimizer.variables),
        (*resumed.variables, *resumed.optimizer.variables),
        strict=True,
    ):
        np.testing.assert_array_equal(actual.numpy(), expected.numpy())
