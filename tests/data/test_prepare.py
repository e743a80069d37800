"""Preparing recordings, and preparing again after they change."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.speech import recordings

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, read_audio
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared
from tf_melgan.data.recordings import split_of
from tf_melgan.errors import UserInputError


def sound(seconds: float = 1.0, rate: int = 22050, peak: float = 0.5, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(int(seconds * rate))
    return peak * noise / np.abs(noise).max()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight short recordings in a tree."""
    for index in range(8):
        path = tmp_path / "recordings" / f"chapter{index % 2}" / f"{index}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound(0.3, seed=index), 22050)
    return tmp_path / "recordings"


def splits(out: Path) -> dict[str, str]:
    entries = json.loads((out / "index.json").read_text())["recordings"]
    return {entry["path"]: entry["split"] for entry in entries}


def report(out: Path) -> dict[str, str]:
    with open(out / "report.csv", newline="") as file:
        return {row["path"]: row["result"] for row in csv.DictReader(file)}


def test_any_format_rate_and_channel_count(tmp_path) -> None:
    rates = {"a.wav": 48000, "b/c.flac": 16000, "b/d.ogg": 44100, "e.MP3": 22050}
    for name, rate in rates.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        times = np.arange(rate) / rate
        stereo = np.stack([np.sin(2 * np.pi * 440 * times)] * 2, axis=1) * 0.3
        soundfile.write(path, stereo, rate)
    (tmp_path / "in" / "notes.txt").write_text("no recording")
    done = prepare(tmp_path / "in", tmp_path / "out", validation=0)
    assert (done.train, done.validation, done.new, done.refused) == (4, 0, 4, {})
    prepared = Prepared.open(tmp_path / "out")
    expected = 0.95 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    for utterance in prepared.utterances("train"):
        stored = prepared.audio(utterance)
        assert stored.dtype == np.float32 and len(stored) % 256 == 0
        assert np.abs(stored).max() == pytest.approx(0.95, abs=2**-15)
        if not utterance.path.endswith(("ogg", "MP3")):
            assert np.abs(stored - expected[: len(stored)])[1000:-1000].max() < 2e-4


def test_margins_are_reflections(tmp_path) -> None:
    source = tmp_path / "in" / recordings(1)[0].name
    source.parent.mkdir()
    shutil.copy(recordings(1)[0], source)
    spec = MelSpec()
    prepare(source.parent, tmp_path / "out", spec, validation=0)
    prepared = Prepared.open(tmp_path / "out")
    (utterance,) = prepared.utterances("train")
    original = load_audio(source, 22050)
    trimmed = original[: len(original) // 256 * 256]
    expected = np.round(trimmed * (0.95 / np.abs(original).max()) * 32768)
    stored = np.load(prepared.place(utterance), mmap_mode="r")
    assert stored.dtype == np.int16
    assert np.abs(stored - np.pad(expected, spec.margin, "reflect")).max() <= 1


def test_a_long_recording_is_split_into_adjacent_parts(tmp_path) -> None:
    spec, rate = MelSpec(16000, 512, 128, 40, 0.0, 8000.0), 16000
    (tmp_path / "in").mkdir()
    long = sound(70.0, rate)
    soundfile.write(tmp_path / "in" / "long.wav", long, rate)
    prepare(tmp_path / "in", tmp_path / "out", spec, validation=0)
    prepared = Prepared.open(tmp_path / "out")
    parts = prepared.utterances("train")
    assert len(parts) == 3 and all(part.samples <= 30 * rate for part in parts)
    together = np.concatenate([prepared.audio(part) for part in parts])
    np.testing.assert_allclose(together, long * 0.95 / 0.5, rtol=0, atol=2**-13)
    for one, other in pairwise(parts):
        end = prepared.window(one, one.samples, 2 * spec.margin)
        np.testing.assert_array_equal(end, prepared.window(other, 0, 2 * spec.margin))


def test_unusable_recordings_are_listed_and_skipped(folder: Path, tmp_path) -> None:
    soundfile.write(folder / "nan.wav", np.full(22050, np.nan), 22050, subtype="FLOAT")
    soundfile.write(folder / "silent.wav", sound(peak=5e-4), 22050)
    soundfile.write(folder / "opposed.wav", np.outer(sound(), [1, -1]), 22050)
    soundfile.write(folder / "short.wav", sound(0.02), 22050)
    soundfile.write(folder / "empty.wav", np.zeros(0), 22050)
    soundfile.write(folder / "clipped.wav", np.clip(sound(peak=4), -1, 1), 22050)
    (folder / "text.wav").write_text("this is not audio")
    done = prepare(folder, tmp_path / "out", validation=0)
    expected = {
        "clipped.wav": "clipped: cut flat at full scale three times or more",
        "empty.wav": "has no samples",
        "nan.wav": "holds NaN or infinite samples",
        "opposed.wav": "silent: nowhere above -60 dB of full scale",
        "short.wav": "too short: 441 samples at 22050 Hz, under one window",
        "silent.wav": "silent: nowhere above -60 dB of full scale",
        "text.wav": "cannot be decoded (Format not recognised)",
    }
    assert done.refused == expected
    assert done.train == 8
    assert {
        path: reason for path, reason in report(tmp_path / "out").items() if reason != "used"
    } == expected


@pytest.mark.parametrize(
    "loud",
    [
        sound(peak=1.0),
        np.sin(2 * np.pi * 80 * np.arange(22050) / 22050),
        np.tanh(3 * sound(peak=1.0)) / np.tanh(3),
        np.concatenate([sound(), np.ones(9), sound()]),
    ],
    ids=["full scale", "low tone at full scale", "compressed", "one click"],
)
def test_loud_recordings_are_not_refused_as_clipped(
    folder: Path, tmp_path, loud: np.ndarray
) -> None:
    soundfile.write(folder / "loud.wav", loud, 22050)
    assert prepare(folder, tmp_path / "out").refused == {}


def test_a_second_call_decodes_nothing(folder: Path, tmp_path) -> None:
    (folder / "text.wav").write_text("this is not audio")
    first = prepare(folder, tmp_path / "out")
    before = (tmp_path / "out" / "index.json").read_bytes()
    os.utime(folder / "chapter0" / "0.wav")
    second = prepare(folder, tmp_path / "out", read=lambda path: pytest.fail(f"decodes {path}"))
    assert (second.new, second.unchanged) == (0, 9)
    assert (second.train, second.validation) == (first.train, first.validation)
    assert json.loads(before) != json.loads((tmp_path / "out" / "index.json").read_bytes())
    prepare(folder, tmp_path / "out")


def test_added_changed_and_removed_recordings(folder: Path, tmp_path) -> None:
    out = tmp_path / "out"
    prepare(folder, out, validation=0.4)
    before, files = splits(out), {path.name for path in (out / "utterances").iterdir()}
    for index in range(20, 30):
        soundfile.write(folder / f"{index}.wav", sound(0.3, seed=index), 22050)
    soundfile.write(folder / "chapter0" / "0.wav", sound(0.4, seed=99), 22050)
    (folder / "chapter1" / "1.wav").unlink()
    done = prepare(folder, out, validation=0.4)
    assert (done.new, done.unchanged) == (11, 6)
    after = splits(out)
    assert after.keys() == (before.keys() - {"chapter1/1.wav"}) | {
        f"{n}.wav" for n in range(20, 30)
    }
    assert all(after[path] == split for path, split in before.items() if path in after)
    now = {path.name for path in (out / "utterances").iterdir()}
    assert len(now) == 17 and len(now & files) == 6
    Prepared.open(out).verify()


def test_files_it_did_not_write_are_left_unchanged(folder: Path, tmp_path) -> None:
    """Even if a folder of recordings has the name of a folder that `prepare` writes."""
    for place in ("utterances/mine.wav", "utterances/deep/mine.wav"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / place, sound(0.3, seed=len(place)), 22050)
    np.save(folder / "utterances/mel.npy", np.zeros((5, 80)))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for again in range(2):
        assert prepare(folder, folder).new == (0 if again else 10)
        assert all(path.read_bytes() == content for path, content in before.items())
    (folder / "utterances/mine.wav").unlink()
    stored = len(list((folder / "utterances").glob("*-0.npy")))
    prepare(folder, folder)
    assert len(list((folder / "utterances").glob("*-0.npy"))) == stored - 1


def test_a_copy_of_a_recording_can_be_removed(folder: Path, tmp_path) -> None:
    shutil.copy(folder / "chapter0" / "0.wav", folder / "copy.wav")
    assert prepare(folder, tmp_path / "out").new == 9
    (folder / "copy.wav").unlink()
    prepare(folder, tmp_path / "out")
    Prepared.open(tmp_path / "out").verify()


def test_splits_are_stable_and_follow_folders_and_ids(tmp_path) -> None:
    share = [split_of(f"a/{index}.wav", 0.1, None) for index in range(5000)]
    assert share.count("validation") == pytest.approx(500, abs=100)
    assert [split_of(f"a/{index}.flac", 0.1, None) for index in range(5000)] == share
    more = [split_of(f"a/{index}.wav", 0.2, None) for index in range(5000)]
    assert all(
        after == "validation"
        for after, before in zip(more, share, strict=True)
        if before == "validation"
    )
    assert split_of("lj/validation/x.wav", 0, None) == "validation"
    assert split_of("lj/train/x.wav", 0.999999, None) == "train"
    assert split_of("lj/train/x.wav", 0, {"x"}) == "validation"


def test_ids_of_the_validation_recordings(folder: Path, tmp_path) -> None:
    (tmp_path / "ids.txt").write_text("3\n\n5\n")
    prepare(folder, tmp_path / "out", validation_ids=tmp_path / "ids.txt")
    chosen = [path for path, split in splits(tmp_path / "out").items() if split == "validation"]
    assert chosen == ["chapter1/3.wav", "chapter1/5.wav"]


def test_a_killed_call_leaves_the_folder_as_it_was(folder: Path, tmp_path) -> None:
    out = tmp_path / "out"
    prepare(folder, out)
    before = (out / "index.json").read_bytes()
    for index in range(100, 400):
        soundfile.write(folder / f"{index}.wav", sound(2.0, seed=index % 3), 22050)
    code = f"from tf_melgan import prepare; prepare({str(folder)!r}, {str(out)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while len(list((out / "utterances").iterdir())) < 10 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (out / "index.json").read_bytes() == before
    Prepared.open(out).verify()
    assert prepare(folder, out).new == 300
    assert not list(out.rglob("*.part*"))
    Prepared.open(out).verify()


def test_two_calls_at_once_do_not_share_a_folder(folder: Path, tmp_path) -> None:
    out = tmp_path / "out"

    def second(path: Path) -> tuple[np.ndarray, int]:
        with pytest.raises(UserInputError, match=f"out: is in use by process {os.getpid()};"):
            prepare(folder, out)
        return read_audio(path)

    assert prepare(folder, out, validation=0, read=second).train == 8
    Prepared.open(out).verify()


def test_a_quick_check_reads_what_has_another_time_stamp(folder: Path, tmp_path) -> None:
    prepare(folder, tmp_path / "out")
    prepared = Prepared.open(tmp_path / "out")
    utterances = prepared.utterances("train")
    touched, hidden, seen = (Path(prepared.place(utterance)) for utterance in utterances[:3])
    os.utime(touched)
    before = hidden.stat()
    for path in (hidden, seen):
        path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    os.utime(hidden, ns=(before.st_atime_ns, before.st_mtime_ns))
    for quick, damaged in ((False, hidden), (True, seen)):
        with pytest.raises(UserInputError, match=f"{damaged}: is damaged"):
            prepared.verify(quick)
    seen.unlink()
    with pytest.raises(UserInputError, match=f"{seen}: is missing; prepare into a new folder"):
        prepared.verify(quick=True)
