"""Every loss and the generators have finite gradients where they clamp, on either backend."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

WORKER = Path(__file__).parents[1] / "helpers" / "gradients_worker.py"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_silence_and_overflow_give_finite_gradients(backend: str, precision: str):
    if not find_spec(backend):
        pytest.skip(f"needs {backend}")
    done = subprocess.run(
        [sys.executable, WORKER, precision],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    # Six losses on three signals, and the spectrum at three levels.
    assert len(lines) == 6 * 3 + 3
    assert [line for line in lines if not line.endswith(" finite")] == []
