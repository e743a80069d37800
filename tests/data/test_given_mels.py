"""Mels that are given beside recordings: which are taken, and what a batch gets of them."""

import csv
import itertools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.data.batches import segments
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError

SPEC = MelSpec(4000, 256, 64, 10, 0.0, 2000.0)
FRAMES = 64
SEGMENT = FRAMES * SPEC.hop
# Seconds and peak: of several parts, louder than what is stored, plain, shorter than a segment.
SOUNDS = {"long": (65.0, 0.5), "deep/loud": (3.0, 0.99), "quiet": (4.1, 0.02), "short": (1.0, 0.3)}
FLOOR = SPEC.log_floor


def speech(seconds: float, peak: float, seed: int) -> np.ndarray:
    """Noise that comes and goes, as syllables do."""
    random = np.random.default_rng(seed)
    level = np.repeat(10 ** random.uniform(-2, 0, int(seconds * 10) + 1), 400)
    sound = random.normal(size=int(seconds * 4000)) * level[: int(seconds * 4000)]
    return peak * sound / np.abs(sound).max()


def predicted(recording: Path, seed: int = 0) -> np.ndarray:
    """A mel near that of a recording, as a model gives it: float32 (frames, n_mels)."""
    own = log_mel(load_audio(recording, SPEC.sample_rate), SPEC)
    noise = np.random.default_rng(seed).normal(0, 0.1, own.shape)
    return (own + noise - 0.05).astype(np.float32)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings/ and mels/, which lie in three layouts."""
    folder = tmp_path_factory.mktemp("given")
    for index, (name, (seconds, peak)) in enumerate(SOUNDS.items()):
        recording = folder / "recordings" / f"{name}.wav"
        recording.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(recording, speech(seconds, peak, index), SPEC.sample_rate, subtype="FLOAT")
        mel = predicted(recording, index)
        path = folder / "mels" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, [mel, mel.T, mel.T[None], mel[None]][index])
    prepare(folder / "recordings", folder / "data", SPEC, validation=0, mels=folder / "mels")
    return folder


@pytest.fixture
def folder(originals: Path, tmp_path: Path) -> Path:
    """A folder with recordings/ and mels/ to change, of the short recordings."""
    for name in ("quiet", "short"):
        for place in (f"recordings/{name}.wav", f"mels/{name}.npy"):
            (tmp_path / place).parent.mkdir(exist_ok=True)
            (tmp_path / place).write_bytes((originals / place).read_bytes())
    return tmp_path


def given(folder: Path) -> dict[str, np.ndarray]:
    """The mels of the files, at the level of what is stored."""
    mels = {}
    for name, (_, peak) in SOUNDS.items():
        mel = np.load(folder / "mels" / f"{name}.npy").squeeze()
        mel = mel if mel.shape[1] == SPEC.n_mels else mel.T
        fall = np.float32(np.log10(min(1.0, 0.95 / peak)))
        mels[name] = np.maximum(mel + fall, np.minimum(mel, FLOOR))
    return mels


def batches(folder: Path, count: int, **settings) -> list[tuple[np.ndarray, np.ndarray]]:
    source = segments(Prepared.open(folder / "data"), 32, SEGMENT, seed=1, **settings)
    return [
        tuple(keras.ops.convert_to_numpy(part) for part in batch)
        for batch in itertools.islice(iter(source), count)
    ]


def test_the_mel_of_any_segment_is_the_rows_of_its_file(originals: Path) -> None:
    mels = given(originals)
    places = {
        row.tobytes(): (name, i) for name in mels for i, row in enumerate(np.round(mels[name], 4))
    }
    sounds = {name: load_audio(originals / f"recordings/{name}.wav", 4000) for name in mels}
    drawn = set()
    for batch, waves in batches(originals, 12, gain=(1.0, 1.0)):
        for mel, wave in zip(batch, waves[:, :, 0], strict=True):
            name, first = places[np.round(mel[0], 4).tobytes()]
            drawn.add(name)
            rows = mels[name][first : first + FRAMES][: len(sounds[name]) // SPEC.hop]
            np.testing.assert_allclose(mel[: len(rows)], rows, rtol=0, atol=1e-6)
            np.testing.assert_array_equal(mel[len(rows) :], np.float32(FLOOR))
            samples = sounds[name][first * SPEC.hop :][: len(rows) * SPEC.hop]
            gain = min(1.0, 0.95 / SOUNDS[name][1])
            np.testing.assert_allclose(wave[: len(samples)], gain * samples, rtol=0, atol=2e-5)
            assert not wave[len(rows) * SPEC.hop :].any()
    assert drawn == set(mels)


def test_the_mel_of_a_segment_follows_its_gain_and_silence(originals: Path) -> None:
    plain = batches(originals, 4, gain=(1.0, 1.0))
    gained = batches(originals, 4, gain=(0.3, 1.0), silence_probability=0.2)
    silent = 0
    for (mels, waves), (quiet_mels, quiet_waves) in zip(plain, gained, strict=True):
        gains = np.abs(quiet_waves).max(axis=(1, 2)) / np.abs(waves).max(axis=(1, 2))
        magnitudes = 10.0 ** np.maximum(mels, FLOOR).astype(np.float64)
        expected = np.log10(np.maximum(gains[:, None, None] * magnitudes, 10**FLOOR))
        above = mels >= FLOOR  # what a prediction has below the floor stays
        np.testing.assert_allclose(quiet_mels[above], expected[above], rtol=0, atol=1e-4)
        np.testing.assert_array_equal(quiet_mels[~above], mels[~above])
        silent += (gains == 0).sum()
    assert 10 < silent < 45  # of 128, a fifth


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="runs the tests above on JAX")
def test_segments_are_the_same_on_jax() -> None:
    pytest.importorskip("jax")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [*words, "-k", "segment"], env=environment, capture_output=True, text=True
    )
    assert "2 passed" in done.stdout, done.stdout


def test_a_prepared_folder_gives_the_mel_to_train_on(originals: Path, folder: Path) -> None:
    prepared, mels = Prepared.open(originals / "data"), given(originals)
    for name in mels:
        parts = [x for x in prepared.utterances("train") if x.path == f"{name}.wav"]
        assert len(parts) == (3 if name == "long" else 1)
        together = np.concatenate([prepared.mel(part) for part in parts])
        np.testing.assert_allclose(together, mels[name][: len(together)], rtol=0, atol=1e-6)
        assert len(mels[name]) - len(together) in (0, 1)  # a partial hop has no frame
    prepare(folder / "recordings", folder / "own", SPEC, validation=0)
    own = Prepared.open(folder / "own")
    for utterance in own.utterances("train"):
        assert utterance.mel_sha256 is None
        expected = log_mel(own.audio(utterance), SPEC)
        np.testing.assert_array_equal(own.mel(utterance), expected)


@pytest.mark.parametrize("frames", [-3, -2, -1, 0, 1, 2, 3])
def test_lengths_may_differ_by_two_frames(folder: Path, frames: int) -> None:
    mel = np.load(folder / "mels/quiet.npy")[0].T
    longer = np.concatenate([mel, mel[-3:]])
    np.save(folder / "mels/quiet.npy", longer[: len(mel) + frames])
    done = prepare(folder / "recordings", folder / "data", SPEC, validation=0, mels=folder / "mels")
    said = f"its mel has {len(mel) + frames} frames, not {len(mel)}"
    refused = {"quiet.wav": said} if abs(frames) > 2 else {}
    remarks = {"quiet.wav": said} if abs(frames) in (1, 2) else {}
    assert (done.refused, done.remarks) == (refused, remarks)
    with open(folder / "data/report.csv", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["path"] == "quiet.wav")
    assert said in row.values() or frames == 0
    for utterance in Prepared.open(folder / "data").utterances("train"):
        if utterance.path == "quiet.wav":
            # 4.1 s are 256.25 hops; the last, partial one is not stored.
            assert utterance.samples == SPEC.hop * min(256, 257 + frames)


def scaled(mel: np.ndarray) -> np.ndarray:
    return (mel - FLOOR) / -FLOOR / 2


BAD = {
    "missing": (None, "has no mel: {mel} is missing"),
    "text": (b"no mel", "its mel is not a .npy array"),
    "cut": (b"\x93NUMPY\x01\x00v\x00{'descr'", "its mel is not a .npy array"),
    "pickled": (np.array([{}], dtype=object), "its mel is not a .npy array"),
    "bands": (lambda mel: mel[:, :9], "its mel: has shape (257, 9), not (frames, 10)"),
    "batch": (lambda mel: np.stack([mel, mel]), "its mel: has shape (2, 257, 10)"),
    "whole": (lambda mel: mel.astype(int), "its mel: holds int64"),
    "nan": (lambda mel: mel * np.nan, "its mel: holds NaN or infinite values"),
    "natural": (lambda mel: mel * np.log(10), "its mel: goes from "),
    "scaled": (scaled, "its mel is 69 dB away from the recording's own"),
    "other": (lambda mel: mel[::-1], "its mel does not follow the recording, with a correlation"),
    "flat": (lambda mel: mel * 0 - 3, "its mel does not follow the recording, with a correlation"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_mel_of_the_recording_is_refused(folder: Path, kind: str) -> None:
    path, (content, reason) = folder / "mels/quiet.npy", BAD[kind]
    mel = np.load(path)[0].T
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content(mel) if callable(content) else content, allow_pickle=True)
    done = prepare(folder / "recordings", folder / "data", SPEC, validation=0, mels=folder / "mels")
    assert done.train == 1 and list(done.refused) == ["quiet.wav"]
    assert done.refused["quiet.wav"].startswith(reason.format(mel=path))
    # When it is put right, the next call takes it.
    np.save(path, mel)
    again = prepare(
        folder / "recordings", folder / "data", SPEC, validation=0, mels=folder / "mels"
    )
    assert again.train == 2 and again.refused == {}


def test_only_what_changed_is_prepared_again(folder: Path) -> None:
    recordings, mels, data = folder / "recordings", folder / "mels", folder / "data"

    def new(given: Path | None) -> int:
        done = prepare(recordings, data, SPEC, validation=0, mels=given)
        Prepared.open(data).verify()
        assert len(list((data / "utterances").iterdir())) == (4 if given else 2)
        return done.new

    assert [new(mels), new(mels), new(None), new(None), new(mels)] == [2, 0, 2, 0, 2]
    changed = np.load(mels / "short.npy") + np.float32(0.01)
    np.save(mels / "short.npy", changed)
    assert new(mels) == 1
    # Folders of recordings may be missing among the mels.
    (recordings / "deep").mkdir()
    (recordings / "short.wav").rename(recordings / "deep/short.wav")
    assert new(mels) == 1
    (recordings / "deep/short.wav").rename(recordings / "short.wav")
    assert new(mels) == 1
    # Mels may lie beside the recordings.
    for name in ("quiet", "short"):
        (mels / f"{name}.npy").rename(recordings / f"{name}.npy")
    assert new(recordings) == 0


def test_a_damaged_mel_is_not_trained_on(folder: Path) -> None:
    prepare(folder / "recordings", folder / "data", SPEC, validation=0, mels=folder / "mels")
    (path, *_) = (folder / "data/utterances").glob("*.mel.npy")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\x55")
    with pytest.raises(UserInputError, match=f"^{path}: is damaged, its checksum differs"):
        segments(Prepared.open(folder / "data"), 2, SEGMENT, seed=0)
    path.write_bytes(content[:-4])
    with pytest.raises(UserInputError, match=f"^{path}: has {len(content) - 4} bytes, not"):
        Prepared.open(folder / "data")


def test_a_folder_of_mels_that_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(UserInputError, match="none: no such folder; give one"):
        prepare(folder / "recordings", folder / "data", SPEC, mels=folder / "none")
