"""The C client, built and run: its output is bit-identical to that of LiteRT in Python."""

import io
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from helpers import c_client, generators, mutations

from tf_melgan.inference.engines.litert import LiteRTEngine

pytest.importorskip("tensorflow")
from tf_melgan.export.tflite.exporter import export_tflite

GEOMETRY = generators.GEOMETRIES["two bands"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the library's name is Linux's")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return c_client.built(tmp_path_factory.mktemp("c"), "-Werror")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    return c_client.built(tmp_path_factory.mktemp("c"), "-Werror -g -fsanitize=address,undefined")


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "voice.tflite"
    export_tflite(generators.generator(GEOMETRY), generators.spec(GEOMETRY), path)
    return path


def run(program, voice, stdin: bytes) -> subprocess.CompletedProcess:
    # What the program leaves to the system at its end is no fault.
    command = ["env", "ASAN_OPTIONS=detect_leaks=0", program, voice]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60)


def last_line(done: subprocess.CompletedProcess) -> str:
    return (done.stderr.decode(errors="replace").splitlines() or [""])[-1]


def as_npy(mel: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, mel)
    return file.getvalue()


def test_output_is_bit_identical_to_python(program, voice):
    python = LiteRTEngine(voice, threads=1)
    shortest, start = python.info.shortest, python.info.start_frames
    assert 1 < shortest < start < 32
    for frames in (1, shortest - 1, shortest, start - 1, start, 31, 32, 33, 64, 100):
        mel = generators.mels(frames, seed=frames)
        done = run(program, voice, mel.tobytes())
        assert done.returncode == 0, done.stderr
        assert np.array_equal(np.frombuffer(done.stdout, np.float32), python(mel)), frames
        assert run(program, voice, as_npy(mel)).stdout == done.stdout
    assert run(program, voice, b"").stdout == b""


def with_value(mel: np.ndarray, value: float) -> np.ndarray:
    changed = mel.copy()
    changed[-1, 3] = value
    return changed


MEL = generators.mels(40)
HUGE = as_npy(MEL).replace(b"(40, 10), }" + 8 * b" ", b"(9999999999, 10), }")
BAD_MELS = {
    "a frame cut": (bytes(42), "standard input: ends within a frame of 10 float32"),
    "NaN": (with_value(MEL, np.nan).tobytes(), "holds NaN or infinite values in frame 39; give"),
    "infinite": (as_npy(with_value(MEL[:2], -np.inf)), "holds NaN or infinite values in frame 1;"),
    "float64": (as_npy(MEL.astype(np.float64)), "give a .npy file of float32 (frames, 10), frame"),
    "by bands": (as_npy(np.asfortranarray(MEL)), "give a .npy file of float32 (frames, 10), frame"),
    "bands": (as_npy(MEL[:, :9]), "give a .npy file of float32 (frames, 10), frame by frame"),
    "cut": (as_npy(MEL)[:-1], "the .npy file ends before its 40 frames"),
    "huge": (HUGE, "the .npy file ends before its 9999999999 frames"),
    "more": (as_npy(MEL) + b"x", "the .npy file goes on after its 40 frames"),
    "no header": (b"\x93NUMPY", "the .npy file is cut off"),
}


@pytest.mark.parametrize("name", BAD_MELS)
def test_bad_mels_are_refused_in_one_line(program, voice, name):
    stdin, reason = BAD_MELS[name]
    done = run(program, voice, stdin)
    assert done.returncode == 2 and reason in last_line(done), last_line(done)


DAMAGED = "is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
CHECKSUM = "its checksum is wrong; copy or export it again"
BAD_VOICES = {
    "cut": (lambda voice: voice[: len(voice) // 2], DAMAGED),
    "empty": (lambda voice: b"", DAMAGED),
    "a weight": (lambda voice: voice[:30000] + b"????" + voice[30004:], CHECKSUM),
    "garbled": (lambda voice: bytes(64) + voice[64:], CHECKSUM),
    "a fact": (lambda voice: voice.replace(b'"hop": 6', b'"hop": 5'), DAMAGED),
    "another hop": (
        lambda voice: mutations.with_values(voice, hop=3),
        "contradicts its model in step",
    ),
    "another lag": (
        lambda voice: mutations.with_values(voice, lookahead=1),
        "contradicts its model in start",
    ),
    "other bands": (lambda voice: mutations.with_values(voice, n_mels=9), "LiteRT cannot "),
    "huge": (
        lambda voice: mutations.with_values(voice, start_frames=10**9),
        "start_frames is 1000000000 in its voice.json; it goes from 1 to 32768",
    ),
    "no number": (lambda voice: mutations.with_values(voice, hop="six"), DAMAGED),
    "NaN": (
        lambda voice: mutations.with_nan(voice, generators.generator(GEOMETRY)),
        "gives NaN or infinite samples; its weights are damaged",
    ),
}


@pytest.mark.parametrize("name", BAD_VOICES)
def test_bad_voices_are_refused_in_one_line(program, voice, tmp_path, name):
    change, reason = BAD_VOICES[name]
    path = tmp_path / "bad.tflite"
    path.write_bytes(change(voice.read_bytes()))
    done = run(program, path, generators.mels(40).tobytes())
    start = f"vocode: {path}: "
    assert (done.returncode, done.stdout) == (2, b"")
    assert last_line(done).startswith(start) and reason in last_line(done), last_line(done)


def test_what_is_no_file_is_refused(program, tmp_path):
    for path in (tmp_path, tmp_path / "none.tflite"):
        done = run(program, path, b"")
        assert (done.returncode, last_line(done)) == (2, f"vocode: {path}: cannot be read")


def test_make_finds_the_library_of_the_projects_environment(tmp_path):
    folder = c_client.copied(tmp_path / "export" / "clients")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    c_client.make(folder, PATH="/usr/bin:/bin")
    assert (folder / "vocode").exists()


def test_make_says_where_it_found_no_library(tmp_path):
    done = c_client.make(c_client.copied(tmp_path), "LITERT=/nowhere", check=False)
    assert done.returncode == 2
    assert 'no libLiteRt.so in "/nowhere"; pip install ai-edge-litert, or' in done.stderr


def damaged_raw(content: bytes, mel: np.ndarray, rng: np.random.Generator) -> tuple[bytes, bytes]:
    return content, mutations.damaged(mel.tobytes(), rng)


def damaged_npy(content: bytes, mel: np.ndarray, rng: np.random.Generator) -> tuple[bytes, bytes]:
    return content, mutations.damaged(as_npy(mel), rng)


def changed_voice(change):
    return lambda content, mel, rng: (change(content, rng), mel.tobytes())


FUZZED = {
    "damaged voices": changed_voice(mutations.damaged),
    "forged facts": changed_voice(mutations.with_other_values),
    "forged models": changed_voice(mutations.with_other_model),
    "damaged raw mels": damaged_raw,
    "damaged .npy mels": damaged_npy,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FUZZED)
def test_damage_is_refused_or_changes_nothing(sanitized, voice, tmp_path, kind):
    content, python = voice.read_bytes(), LiteRTEngine(voice, threads=1)
    path, counts = tmp_path / "fuzzed.tflite", Counter()
    for seed in range(100):
        rng = np.random.default_rng(seed)
        mel = generators.mels(int(rng.choice([1, 4, 20, 45])), seed=seed)
        fuzzed, stdin = FUZZED[kind](content, mel, rng)
        path.write_bytes(fuzzed)
        done = run(sanitized, path, stdin)
        message = f"{kind} {seed}: {done.stderr.decode(errors='replace')}"
        assert b"runtime error" not in done.stderr and b"AddressSanitizer" not in done.stderr, (
            message
        )
        if done.returncode == 2:
            assert last_line(done).startswith("vocode: "), message
            counts["refused"] += 1
            continue
        assert done.returncode == 0, message
        sound = np.frombuffer(done.stdout, np.float32)
        assert np.isfinite(sound).all(), message
        if kind == "forged models":  # other weights, rightly signed: another voice
            counts["another voice"] += 1
            continue
        is_npy = stdin.startswith(b"\x93NUMPY")
        given = np.load(io.BytesIO(stdin)) if is_npy else np.frombuffer(stdin, np.float32)
        expected = python(given.reshape(-1, 10)) if given.size else given
        assert np.array_equal(sound, expected), message
        counts["right"] += 1
    print(kind, dict(counts))
