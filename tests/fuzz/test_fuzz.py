"""Damaged files of every kind are refused in one line or give what they gave: 500 of each."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz.classes import CLASSES

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_no_damaged_file_is_read_wrongly(tmp_path):
    command = [sys.executable, "-m", "benchmarks.fuzz", "--inputs", "500", "--out", tmp_path]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    rows = json.loads((tmp_path / "fuzz.json").read_text())["rows"]
    assert [row["class"] for row in rows] == list(CLASSES)
    for row in rows:
        assert row["tried"] == row["refused"] + row["right"] == 500
        # Each class has inputs that are noticed; what is accepted was compared.
        assert row["refused"] > 50 and row["wrong"] == 0
