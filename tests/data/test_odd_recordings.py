"""Recordings with something wrong: each is used with a remark or listed with the reason."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tf_melgan.audio.decoding import Recording
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import read_recording
from tf_melgan.cli.main import main
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared
from tf_melgan.data.usable import usable_samples

RATE = 22050
NOISE = 0.5 * np.random.default_rng(0).uniform(-1, 1, RATE)
TONE = 0.5 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recordings").mkdir()
    soundfile.write(tmp_path / "recordings" / "good.wav", NOISE, RATE)
    return tmp_path / "recordings"


def report(out: Path) -> dict[str, dict[str, str]]:
    with open(out / "report.csv", newline="", encoding="utf-8") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def test_a_damaged_recording_is_used_with_a_remark(folder: Path, tmp_path, capsys) -> None:
    whole = (folder / "good.wav").read_bytes()
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    for _ in range(2):  # the second call decodes nothing
        done = prepare(folder, tmp_path / "out", validation=0)
        assert done.train == 2 and done.refused == {}
        assert done.remarks == {"cut.wav": "ends early: 0.50 s of 1.00 s"}
        row = report(tmp_path / "out")["cut.wav"]
        assert (row["result"], row["remark"]) == ("used", "ends early: 0.50 s of 1.00 s")
        assert "0 refused, 1 used with a remark); report.csv says why" in str(done)
    assert report(tmp_path / "out")["good.wav"]["remark"] == ""


def test_what_is_left_out_is_listed_and_told_by_the_exit_code(folder: Path, tmp_path) -> None:
    arguments = ["prepare", str(folder), str(tmp_path / "out"), "--validation", "0"]
    assert main(arguments) == 0
    (folder / "a.M4A").write_bytes(b"unknown")
    (folder / "gone.wav").symlink_to(tmp_path / "nowhere")
    soundfile.write(folder / "slow.wav", NOISE, 1)
    assert main(arguments) == 1
    results = {path: row["result"] for path, row in report(tmp_path / "out").items()}
    assert results == {
        "a.M4A": "a .M4A cannot be decoded, convert it to flac",
        "gone.wav": "cannot be read (No such file or directory)",
        "good.wav": "used",
        "slow.wav": "has a sample rate of 1 Hz",
    }


@pytest.mark.parametrize(
    "error",
    [OSError(5, "Input/output error"), OSError(24, "Too many open files"), MemoryError("2 TiB")],
    ids=["EIO", "EMFILE", "memory"],
)
def test_an_error_that_passes_is_not_remembered(folder: Path, tmp_path, error) -> None:
    soundfile.write(folder / "flaky.wav", TONE, RATE)

    def fail(path: Path) -> Recording:
        if path.name == "flaky.wav":
            raise error
        return read_recording(path)

    done = prepare(folder, tmp_path / "out", validation=0, read=fail)
    reason = getattr(error, "strerror", None) or "MemoryError: 2 TiB"
    assert done.refused == {"flaky.wav": f"cannot be read ({reason})"} and done.train == 1
    done = prepare(folder, tmp_path / "out", validation=0)
    assert (done.refused, done.train, done.new, done.unchanged) == ({}, 2, 1, 1)


def test_no_error_of_a_decoder_ends_a_folder(folder: Path, tmp_path) -> None:
    soundfile.write(folder / "odd.wav", TONE, RATE)

    def fail(path: Path) -> Recording:
        if path.name == "odd.wav":
            raise ValueError("array is too big")
        return read_recording(path)

    done = prepare(folder, tmp_path / "out", validation=0, read=fail)
    assert done.refused == {"odd.wav": "cannot be read (ValueError: array is too big)"}


def test_a_name_that_is_not_utf8(folder: Path, tmp_path) -> None:
    try:
        (folder / os.fsdecode(b"caf\xe9.wav")).write_bytes((folder / "good.wav").read_bytes())
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    (folder / os.fsdecode(b"caf\xe8.wav")).write_text("no sound")
    for new in (3, 0):
        done = prepare(folder, tmp_path / "out", validation=0.5)
        assert (done.train + done.validation, done.new) == (2, new)
    assert list(done.refused) == ["caf\udce8.wav"]
    assert set(report(tmp_path / "out")) == {r"caf\udce8.wav", r"caf\udce9.wav", "good.wav"}
    json.loads((tmp_path / "out" / "index.json").read_text(encoding="utf-8"))
    prepared = Prepared.open(tmp_path / "out")
    listed = [item.path for split in ("train", "validation") for item in prepared.utterances(split)]
    assert os.fsdecode(b"caf\xe9.wav") in listed


def test_a_constant_offset_is_removed_and_said() -> None:
    spec = MelSpec()
    samples, *_, remark = usable_samples(
        Recording((TONE + 0.2).astype(np.float32)[:, None], RATE), spec
    )
    plain, *_, none = usable_samples(Recording(TONE.astype(np.float32)[:, None], RATE), spec)
    assert (remark, none) == ("a constant offset of 0.200 is removed", "")
    assert np.abs(samples.astype(int) - plain).max() <= 1


@pytest.mark.parametrize(
    ("level", "bits"), [(0.9, 16), (0.5, 16), (0.1, 16), (0.01, 16), (0.9, 8), (0.5, 8)]
)
def test_tops_cut_flat_below_full_scale_are_refused(level: float, bits: int) -> None:
    steps = 2 ** (bits - 1)

    def refused(sound: np.ndarray) -> bool:
        sound = np.round(level * sound * steps) / steps
        try:
            usable_samples(Recording(sound.astype(np.float32)[:, None], RATE), MelSpec())
        except ValueError as error:
            assert str(error) == "clipped: its peaks are cut flat below full scale"
            return True
        return False

    swell = np.linspace(0.5, 1, RATE)
    assert refused(np.clip(3 * swell * TONE, -1, 1)) and refused(np.minimum(2 * swell * TONE, 0.6))
    for whole in (2 * TONE, 2 * swell * TONE, 2 * NOISE, np.sin(np.arange(RATE) / 100)):
        assert not refused(whole)
