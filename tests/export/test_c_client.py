"""The C client, built and run: its output is bit-identical to that of LiteRT in Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import ai_edge_litert
import numpy as np
import pytest
from helpers import generators

from tf_melgan.inference.engines.litert import LiteRTEngine

pytest.importorskip("tensorflow")
from tf_melgan.export.tflite.exporter import export_tflite

SOURCE = Path(__file__).parents[2] / "export" / "clients" / "c"
GEOMETRY = generators.GEOMETRIES["two bands"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the library's name is Linux's")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    missing = [name for name in ("make", "cc") if not shutil.which(name)]
    assert not missing, f"install {', '.join(missing)}; Debian: make, gcc"
    folder = tmp_path_factory.mktemp("c") / "c"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("vocode"))
    library = f"LITERT={ai_edge_litert.__path__[0]}"
    subprocess.run(["make", "CFLAGS=-Werror", library], cwd=folder, check=True)
    return folder / "vocode"


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "voice.tflite"
    export_tflite(generators.generator(GEOMETRY), generators.spec(GEOMETRY), path)
    return path


def run(program, voice, stdin: bytes) -> subprocess.CompletedProcess:
    return subprocess.run([program, voice], input=stdin, capture_output=True, timeout=60)


def test_output_is_bit_identical_to_python(program, voice):
    python = LiteRTEngine(voice, threads=1)
    shortest, start = python.info.shortest, python.info.start_frames
    assert 1 < shortest < start < 32
    for frames in (1, shortest - 1, shortest, start - 1, start, 31, 32, 33, 64, 100):
        mel = generators.mels(frames, seed=frames)
        done = run(program, voice, mel.tobytes())
        assert done.returncode == 0, done.stderr
        assert np.array_equal(np.frombuffer(done.stdout, np.float32), python(mel)), frames
    assert run(program, voice, b"").stdout == b""


def test_bad_input_gives_one_line_and_no_output(program, voice, tmp_path):
    content = voice.read_bytes()
    cut, garbled = tmp_path / "cut.tflite", tmp_path / "garbled.tflite"
    cut.write_bytes(content[: len(content) // 2])
    garbled.write_bytes(bytes(64) + content[64:])
    for path, stdin, reason in (
        (tmp_path / "none.tflite", b"", "none.tflite: cannot be read"),
        (cut, b"", "cut.tflite: is no voice of tf-melgan, or is cut off"),
        (garbled, b"", "garbled.tflite: LiteRT cannot read it"),
        (voice, bytes(42), "standard input: ends within a frame of 10 float32"),
    ):
        done = run(program, path, stdin)
        last = done.stderr.decode().splitlines()[-1]
        assert (done.returncode, done.stdout) == (2, b"") and reason in last, last
