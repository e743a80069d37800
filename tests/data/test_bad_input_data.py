"""The error message for each invalid recording, prepared folder or disk."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.bad_input import assert_user_error

from tf_melgan import files
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, read_audio, write_audio
from tf_melgan.data.batches import segments
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError

TONE = 0.5 * np.sin(np.arange(22050) / 10)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: recordings/tone.wav, data/ prepared from it, and some invalid files."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("recordings")
    soundfile.write("recordings/tone.wav", TONE, 22050)
    prepare("recordings", "data", validation=0)
    Path("text.wav").write_text("no sound")
    Path("flac.flac").write_bytes(b"fLaC" + bytes(64))
    soundfile.write("empty.wav", np.zeros(0), 22050)
    soundfile.write("nan.wav", np.array([0.0, np.nan]), 22050, subtype="FLOAT")
    os.mkdir("nothing")
    os.mkdir("unusable")
    soundfile.write("unusable/silent.wav", np.zeros(22050), 22050)
    Path("ids.txt").write_text("tone\nother\n")
    return tmp_path


def utterance() -> str:
    (path,) = Path("data/utterances").iterdir()
    return str(path)


def open_after(change: Callable[[], object]) -> None:
    change()
    Prepared.open("data")


def truncate_utterance() -> None:
    os.truncate(utterance(), 1000)


def rewrite(key: str, value: object) -> None:
    index = json.loads(Path("data/index.json").read_text())
    Path("data/index.json").write_text(json.dumps(index | {key: value}))


def with_flipped_bits() -> Prepared:
    with open(utterance(), "r+b") as file:
        file.seek(5000)
        file.write(b"\x55\xaa")
    return Prepared.open("data")


def draw(segment: int, split: str = "train", batch: int = 2) -> object:
    return segments(Prepared.open("data"), batch, segment, seed=0, split=split)


def prepare_a_pipe() -> None:
    os.mkdir("pipes")
    os.mkfifo("pipes/a.wav")
    prepare("pipes", "out")


RECORDING = "give a wav, flac, ogg or mp3 recording"
ERRORS = {
    "missing recording": (
        lambda: read_audio("gone.wav"),
        f"gone.wav: no such file; {RECORDING}",
    ),
    "text called wav": (
        lambda: read_audio("text.wav"),
        f"text.wav: cannot be decoded (Format not recognised); {RECORDING}",
    ),
    "broken flac": (
        lambda: read_audio("flac.flac"),
        "flac.flac: cannot be decoded ({…}); " + RECORDING,
    ),
    "empty recording": (
        lambda: load_audio("empty.wav", 16000),
        "empty.wav: has no samples; give a recording with sound in it",
    ),
    "NaN in a recording": (
        lambda: load_audio("nan.wav", 22050),
        "nan.wav: holds NaN or infinite samples; give finite ones within [-1, 1]",
    ),
    "stereo to write": (
        lambda: write_audio("out.wav", np.zeros((5, 2)), 22050),
        "out.wav: audio of shape (5, 2); give mono samples, shape (samples,)",
    ),
    "NaN to write": (
        lambda: write_audio("out.wav", np.array([np.inf]), 22050),
        "out.wav: the audio holds NaN or infinity and was not written; give finite samples",
    ),
    "a file where a folder should be": (
        lambda: write_audio("text.wav/out.wav", np.zeros(5), 22050),
        "text.wav/out.wav: cannot be written (File exists); choose another folder",
    ),
    "missing recordings": (
        lambda: prepare("gone", "out"),
        "gone: no such folder; give one with recordings",
    ),
    "no recordings": (
        lambda: prepare("nothing", "out"),
        "nothing: holds no wav, flac, ogg or mp3; give a folder of recordings",
    ),
    "no usable recording": (
        lambda: prepare("unusable", "out"),
        "unusable: none of 1 recordings is usable, silent.wav: silent: nowhere above -60 dB of "
        "full scale; out/report.csv has the reason for each",
    ),
    "prepare into a file": (
        lambda: prepare("recordings", "text.wav"),
        "text.wav: is a file; give a folder to prepare into",
    ),
    "share beyond one": (
        lambda: prepare("recordings", "out", validation=5),
        "validation is 5; give a share from 0 to below 1",
    ),
    "missing ids": (
        lambda: prepare("recordings", "out", validation_ids="gone.txt"),
        "gone.txt: cannot be read; give a text file with one id a line",
    ),
    "unknown ids": (
        lambda: prepare("recordings", "out", validation_ids="ids.txt"),
        "ids.txt: 1 of 2 ids match no recording, 'other' first; "
        "give file names without folder and suffix",
    ),
    "a pipe for a recording": (
        prepare_a_pipe,
        "pipes: none of 1 recordings is usable, a.wav: is not a file; "
        "out/report.csv has the reason for each",
    ),
    "a batch of no segments": (
        lambda: draw(2048, batch=0),
        "batch is 0; it must be at least 1",
    ),
    "another spec in the same folder": (
        lambda: prepare("recordings", "data", MelSpec(fmax=8000.0, log="ln")),
        "data: was prepared with another spec: mel.fmax is 11025.0, not 8000.0; mel.log is log10, "
        "not ln; choose another folder",
    ),
    "not prepared": (
        lambda: Prepared.open("nothing"),
        "nothing: is not a prepared folder, no index.json (No such file or directory); "
        "run tf-melgan prepare",
    ),
    "index cut short": (
        lambda: open_after(lambda: os.truncate("data/index.json", 100)),
        "data/index.json: is damaged; prepare into a new folder",
    ),
    "index with a wrong spec": (
        lambda: open_after(lambda: rewrite("mel", {"hop": "x"})),
        "data/index.json: is damaged; prepare into a new folder",
    ),
    "index of another version": (
        lambda: open_after(lambda: rewrite("version", 9)),
        "data/index.json: has version 9, not 2; prepare into a new folder",
    ),
    "utterance cut short": (
        lambda: open_after(truncate_utterance),
        "data/utterances/{…}-0.npy: has 1000 bytes, not 45696; prepare into a new folder",
    ),
    "utterance missing": (
        lambda: open_after(lambda: os.unlink(utterance())),
        "data/utterances/{…}-0.npy: is missing; prepare into a new folder",
    ),
    "utterance with flipped bits": (
        lambda: with_flipped_bits().verify(),
        "data/utterances/{…}-0.npy: is damaged, its checksum differs; prepare into a new folder",
    ),
    "utterance with flipped bits to train on": (
        lambda: segments(with_flipped_bits(), 2, 2560, seed=0),
        "data/utterances/{…}-0.npy: is damaged, its checksum differs; prepare into a new folder",
    ),
    "nothing in the split": (
        lambda: draw(2560, "validation"),
        "data: has no validation utterances; prepare it with recordings for them",
    ),
    "segment off the hop": (
        lambda: draw(1000),
        "training.segment is 1000 samples; it must be a multiple of the hop 256 that data was "
        "prepared for",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_each_error_is_one_clear_line(workspace: Path, case: str) -> None:
    assert_user_error(*ERRORS[case])


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EACCES], ids=os.strerror)
@pytest.mark.parametrize("target", [".json", ".csv", ".npy"])
def test_a_disk_that_cannot_be_written(
    workspace: Path, monkeypatch, fault: int, target: str
) -> None:
    soundfile.write("recordings/second.wav", TONE[::-1], 22050)
    before = Path("data/index.json").read_bytes()
    sync = files._sync

    def full(path: Path) -> None:
        if path.suffix == target:
            raise OSError(fault, os.strerror(fault))
        sync(path)

    with monkeypatch.context() as full_disk:
        full_disk.setattr(files, "_sync", full)
        with pytest.raises(UserInputError) as caught:
            prepare("recordings", "data", validation=0)
    remedy = "free some space or choose" if fault == errno.ENOSPC else "choose"
    line = f"cannot be written ({os.strerror(fault)}); {remedy} another folder"
    assert str(caught.value).endswith(line)
    assert Path("data/index.json").read_bytes() == before
    Prepared.open("data").verify()
    assert not list(Path("data").rglob("*.part*"))


@pytest.mark.skipif(not shutil.which("mount"), reason="needs a file system of its own to fill")
def test_a_full_disk(workspace: Path) -> None:
    os.mkdir("small")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "small"], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("may not mount")
    try:
        soundfile.write("recordings/long.wav", np.tile(TONE, 5), 22050)
        code = (
            "from tf_melgan import UserInputError, prepare\n"
            "try: prepare('recordings', 'small/data')\n"
            "except UserInputError as error: print(error)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "cannot be written (No space left on device); free some space" in run.stdout
        assert not Path("small/data/index.json").exists()
    finally:
        subprocess.run(["umount", "small"], check=True)
