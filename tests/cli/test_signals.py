"""Ctrl-C and SIGTERM end a training command at once, with a line about what is kept."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import soak
from tf_melgan.config import Config
from tf_melgan.voices.run_folder import last_step

# Deaf to Python's own handlers, as a compilation is: the main thread runs no Python code.
BUSY = """
import sys
from tf_melgan.cli.options import hide_engine_logs
from tf_melgan.cli.signals import ends_at_once
from tf_melgan.files import atomic_file
with ends_at_once(lambda: "half is kept"), hide_engine_logs():
    with atomic_file(sys.argv[1]) as temporary:
        temporary.write_text("half")
        print("busy", flush=True)
        sys.stdin.buffer.read(1)
"""
ENDINGS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@pytest.mark.parametrize("number", ENDINGS)
def test_a_busy_process_ends_at_once(number, tmp_path):
    command = [sys.executable, "-c", BUSY, str(tmp_path / "file")]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes, text=True) as process:
        assert process.stdout.readline() == "busy\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        assert process.wait(20) == 128 + number
        line = f"\ntf-melgan: ended by {ENDINGS[number]}; half is kept\n"
        assert process.stderr.read() == line
    assert list(tmp_path.iterdir()) == []


def test_the_handlers_before_come_back():
    from tf_melgan.cli.signals import ends_at_once

    before = [signal.getsignal(number) for number in ENDINGS]
    with ends_at_once(str):
        assert all(signal.getsignal(x) != y for x, y in zip(ENDINGS, before, strict=True))
    assert [signal.getsignal(number) for number in ENDINGS] == before


def test_training_keeps_its_last_checkpoint(tmp_path):
    data, run = soak.prepare_noise(tmp_path), tmp_path / "run"
    Config.from_dict(soak.CONFIG).with_values(
        **{"training.steps": 100_000, "training.discriminator_start": 100_000}
    ).save(tmp_path / "config.yaml")
    words = ["train", tmp_path / "config.yaml", data, run]
    command = [sys.executable, "-m", "tf_melgan", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        wait_for_checkpoint(run, process)
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in error and error.splitlines()[-1] == (
        f"tf-melgan: ended by SIGTERM; {run} keeps the checkpoint of step {last_step(run)}; run "
        "the same command again to go on"
    )
    assert not list(run.rglob("*.part*"))


def wait_for_checkpoint(run: Path, process: subprocess.Popen) -> None:
    limit = time.monotonic() + 120
    while last_step(run) == 0 and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)
