"""The page's parsers under node, on damaged voices: one line for each, in bounded memory."""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers import generators, mutations

pytest.importorskip("tensorflow")
from tf_melgan.export.tflite.exporter import export_tflite

pytestmark = pytest.mark.slow

WEB = Path(__file__).parents[2] / "export" / "clients" / "web"
PROGRAM = Path(__file__).parents[1] / "helpers" / "parse_voices.mjs"
GEOMETRY = generators.GEOMETRIES["two bands"]
DAMAGED = "is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
CHECKSUM = "its checksum is wrong; copy or export it again"


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "voice.tflite"
    export_tflite(generators.generator(GEOMETRY), generators.spec(GEOMETRY), path)
    return path.read_bytes()


def parsed(folder: Path, contents: list[bytes]) -> tuple[list[dict], int]:
    """What the parsers make of each file, and the most memory they took, in bytes."""
    assert shutil.which("node"), "install node; Debian: nodejs"
    files = []
    for index, content in enumerate(contents):
        files.append(folder / f"{index}.tflite")
        files[-1].write_bytes(content)
    command = ["node", "--max-old-space-size=256", PROGRAM, WEB, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *verdicts, memory = map(json.loads, done.stdout.splitlines())
    assert len(verdicts) == len(files)
    return verdicts, memory


BAD = {
    "empty": (lambda voice: b"", DAMAGED),
    "short": (lambda voice: voice[:10], DAMAGED),
    "cut": (lambda voice: voice[:-1], DAMAGED),
    "a weight": (lambda voice: voice[:30000] + b"????" + voice[30004:], CHECKSUM),
    "a fact": (lambda voice: voice.replace(b'"hop": 6', b'"hop": 5'), DAMAGED),
    "another band": (lambda voice: mutations.with_values(voice, n_mels=10**9), DAMAGED),
    "a long window": (lambda voice: mutations.with_values(voice, n_fft=10**9), DAMAGED),
    "half a sample": (lambda voice: mutations.with_values(voice, hop=0.5), DAMAGED),
    "a boolean": (lambda voice: mutations.with_values(voice, fmin=False), DAMAGED),
    "a word": (lambda voice: mutations.with_values(voice, log="log2"), DAMAGED),
    "infinite": (lambda voice: mutations.with_values(voice, fmax=float("inf")), DAMAGED),
}


def test_each_bad_voice_is_refused_in_one_line(voice, tmp_path):
    bad = [change(voice) for change, _ in BAD.values()]
    (right, *verdicts), _ = parsed(tmp_path, [voice, *bad])
    assert "made" in right
    for index, (name, (_, reason)) in enumerate(BAD.items(), start=1):
        assert verdicts[index - 1].get("problem") == f"{index}.tflite: {reason}", name


@pytest.mark.parametrize(
    "change", [mutations.damaged, mutations.with_other_values, mutations.with_other_model]
)
def test_damage_is_refused_or_changes_nothing(voice, tmp_path, change):
    fuzzed = [change(voice, np.random.default_rng(seed)) for seed in range(170)]
    (right, *verdicts), memory = parsed(tmp_path, [voice, *fuzzed])
    counts = Counter()
    for seed, verdict in enumerate(verdicts):
        assert verdict["seconds"] < 5, seed
        if "made" in verdict:
            same = verdict["made"] == right["made"]
            # With right checksums, other facts or another model are another voice.
            assert same or change is not mutations.damaged, seed
            counts["right" if same else "another voice"] += 1
            continue
        expected = [f"{seed + 1}.tflite: {reason}" for reason in (DAMAGED, CHECKSUM)]
        if change is mutations.with_other_model:  # `Voice.open` puts the file's name before it
            expected += ["the model is damaged", "Offset is outside the bounds of the DataView"]
        assert verdict["problem"] in expected, seed
        counts["refused"] += 1
    assert memory < 256 * 2**20
    print(change.__name__, dict(counts), f"{memory / 2**20:.0f} MB")
