"""One step on JAX against one on TensorFlow, from the same weights and the same batch."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    not (find_spec("jax") and find_spec("tensorflow")), reason="needs both backends"
)
WORKER = Path(__file__).parents[1] / "helpers" / "backends_worker.py"


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_one_step_is_the_same_on_both_backends(optimizer: str, tmp_path: Path):
    paths = {backend: tmp_path / f"{backend}.npz" for backend in ("tensorflow", "jax")}
    workers = [
        subprocess.Popen(
            [sys.executable, WORKER, optimizer, path],
            env={**os.environ, "KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1"},
        )
        for backend, path in paths.items()
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    tensorflow, jax = (np.load(path) for path in paths.values())
    assert tensorflow.keys() == jax.keys()
    for name, value in tensorflow.items():
        assert np.abs(jax[name] - value).max() <= 1e-6 * np.abs(value).max(), name


def test_several_devices_are_refused_on_jax():
    code = "from tf_melgan.training import backends; backends.distribution_scope(['a:0', 'a:1'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "devices is ['a:0', 'a:1'], but on JAX training runs on one device" in done.stderr
