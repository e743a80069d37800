"""Batches: their mels, how segments are drawn, and that both backends get the same ones."""

import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.speech import recordings

from tf_melgan.audio.mel import log_mel, mel_valid
from tf_melgan.audio.mel_keras import keras_log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, write_audio
from tf_melgan.data.batches import segments
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared
from tf_melgan.data.sampling import Sampler

tensorflow_only = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses tf.data")


def take(batches, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first `count` batches, each (mels, waves)."""
    return [
        tuple(np.asarray(part) for part in batch)
        for batch in itertools.islice(iter(batches), count)
    ]


def every_segment(prepared: Prepared, segment: int) -> dict[bytes, tuple[int, int]]:
    """The utterance number and start of each hop-aligned segment, by the bytes of the segment."""
    sounds = [prepared.audio(utterance) for utterance in prepared.utterances("train")]
    return {
        sound[start : start + segment].tobytes(): (number, start)
        for number, sound in enumerate(
            np.pad(sound, (0, max(0, segment - len(sound)))) for sound in sounds
        )
        for start in range(0, len(sound) - segment + 1, prepared.spec.hop)
    }


@pytest.mark.parametrize("full", [False, True], ids=["segments", "full utterance"])
def test_mels_equal_those_of_the_full_utterance(prepared_folder: Path, full: bool) -> None:
    prepared = Prepared.open(prepared_folder)
    sounds = [prepared.audio(utterance) for utterance in prepared.utterances("train")]
    hop, segment = prepared.spec.hop, max(map(len, sounds)) if full else 2048
    places = every_segment(prepared, segment)
    expected = [keras.ops.convert_to_numpy(keras_log_mel(sound, prepared.spec)) for sound in sounds]
    batches = segments(prepared, 2 if full else 64, segment, seed=1, gain=(1.0, 1.0))
    for mels, waves in take(batches, 1 if full else 10):
        for mel, wave in zip(mels, waves, strict=True):
            number, start = places[wave[:, 0].tobytes()]
            # Segments of digital silence are all equal, so their position is unknown.
            if wave.any():
                frames = expected[number][start // hop : (start + segment) // hop]
                # The last frames of a short utterance see the silence that follows it here.
                count = len(frames) if len(frames) == segment // hop else len(frames) - 2
                np.testing.assert_allclose(mel[:count], frames[:count], rtol=0, atol=1e-6)


@tensorflow_only
@pytest.mark.parametrize("pad_mode", ["reflect", "constant"])
def test_centered_mels_equal_those_of_the_full_utterance(tmp_path: Path, pad_mode: str) -> None:
    spec = MelSpec(n_fft=512, hop=128, n_mels=20, center=True, pad_mode=pad_mode)
    write_audio(tmp_path / "in" / "a.wav", load_audio(recordings(1)[0], 22050)[:30_000], 22050)
    prepare(tmp_path / "in", tmp_path / "out", spec)
    prepared = Prepared.open(tmp_path / "out")
    sound = prepared.audio(prepared.utterances("train")[0])
    places = every_segment(prepared, 1024)
    expected = keras.ops.convert_to_numpy(keras_log_mel(sound, spec))
    assert len(expected) == 1 + len(sound) // 128
    seen = set()
    for mels, waves in take(segments(prepared, 64, 1024, seed=1, gain=(1.0, 1.0)), 10):
        assert mels.shape == (64, 8, 20)
        for mel, wave in zip(mels, waves, strict=True):
            start = places[wave[:, 0].tobytes()][1] // 128
            np.testing.assert_allclose(mel, expected[start : start + 8], rtol=0, atol=1e-6)
            seen.add(start)
    assert {0, len(sound) // 128 - 8} <= seen  # the margins at both ends


def test_mels_are_near_float64(prepared_folder: Path) -> None:
    prepared = Prepared.open(prepared_folder)
    spec, segment = prepared.spec, 4096
    places = every_segment(prepared, segment)
    sounds = [prepared.audio(item).astype(np.float64) for item in prepared.utterances("train")]
    padded = [np.pad(sound, spec.margin, "reflect") for sound in sounds]
    for mels, waves in take(segments(prepared, 16, segment, seed=2, gain=(1.0, 1.0)), 2):
        for mel, wave in zip(mels, waves, strict=True):
            number, start = places[wave[:, 0].tobytes()]
            if not wave.any():
                continue
            window = padded[number][start : start + segment + 2 * spec.margin]
            linear = np.maximum(mel_valid(window, spec), spec.floor)
            error = np.abs(10.0 ** mel.astype(np.float64) - linear).max(axis=1)
            assert (error / linear.max(axis=1)).max() < 2e-6


def test_gain_scales_both_wave_and_mel(prepared_folder: Path) -> None:
    prepared = Prepared.open(prepared_folder)
    plain = take(segments(prepared, 64, 4096, seed=3, gain=(1.0, 1.0)), 4)
    gained = take(segments(prepared, 64, 4096, seed=3, gain=(0.3, 1.0)), 4)
    gains = []
    for (_, loud), (mels, waves) in zip(plain, gained, strict=True):
        sounding = loud.any(axis=(1, 2))
        loud, mels, waves = loud[sounding], mels[sounding], waves[sounding]
        ratio = np.abs(waves).max(axis=(1, 2)) / np.abs(loud).max(axis=(1, 2))
        np.testing.assert_allclose(waves, loud * ratio[:, None, None], rtol=0, atol=1e-6)
        gains.extend(ratio)
        inner = log_mel(waves[:, :, 0].astype(np.float64), prepared.spec)[:, 2:-2]
        np.testing.assert_allclose(mels[:, 2:-2], inner, rtol=0, atol=2e-3)
    assert 0.3 <= min(gains) < 0.35 and 0.95 < max(gains) <= 1.0
    assert np.mean(gains) == pytest.approx(0.65, abs=0.05)


def test_a_batch_depends_only_on_seed_and_step(prepared_folder: Path) -> None:
    prepared = Prepared.open(prepared_folder)
    run = take(segments(prepared, 4, 2048, seed=5), 7)
    resumed = take(segments(prepared, 4, 2048, seed=5, start_step=4), 3)
    other = take(segments(prepared, 4, 2048, seed=6), 1)
    for one, two in zip(run[4:], resumed, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(run[0][1], other[0][1])
    assert not np.array_equal(run[0][1], run[1][1])


def test_all_starts_are_equally_likely() -> None:
    sampler = Sampler(256, 1024, np.array([1000, 1024, 256 * 100, 512, 256 * 43]), 0, (0.3, 1.0))
    assert sampler.starts == 3 + 1 + 97 + 2 + 40
    utterance, start, gain = sampler.draw(0, 143_000)
    counts = Counter(zip(utterance.tolist(), start.tolist(), strict=True))
    long, middle = ([(number, 256 * hop) for hop in range(n)] for number, n in ((2, 97), (4, 40)))
    # Those shorter than a segment count as often as they have hops.
    expected = dict.fromkeys([(1, 0), *long, *middle], 1000) | {(0, 0): 3000, (3, 0): 2000}
    assert set(counts) == set(expected)
    # 140 cells: chi-squared has mean 139 and standard deviation 16.7.
    assert 70 < sum((count - expected[x]) ** 2 / expected[x] for x, count in counts.items()) < 220
    assert abs(np.corrcoef(utterance * 1_000_000 + start, gain)[0, 1]) < 0.01


@pytest.mark.parametrize("share", [0.25, 0.9])
def test_a_share_of_segments_starts_at_the_beginning(share: float) -> None:
    lengths = np.array([256 * 100, 256 * 43])
    utterance, start, gain = Sampler(256, 1024, lengths, 0, (0.3, 1.0)).draw(0, 20_000)
    same, moved, same_gain = Sampler(256, 1024, lengths, 0, (0.3, 1.0), 0.0, share).draw(0, 20_000)
    np.testing.assert_array_equal(same, utterance)
    np.testing.assert_array_equal(same_gain, gain)
    first = moved == 0
    np.testing.assert_array_equal(moved[~first], start[~first])
    by_chance = (start == 0).mean()
    assert abs(first.mean() - (share + (1 - share) * by_chance)) < 0.015
    # Independently of the utterance and of the gain.
    assert abs(np.corrcoef(first, utterance)[0, 1]) < 0.05
    assert abs(np.corrcoef(first, gain)[0, 1]) < 0.02


def test_draws_are_the_same_one_by_one_and_together() -> None:
    sampler = Sampler(200, 2000, np.array([20_000, 44_000]), 7, (0.3, 1.0))
    together = sampler.draw(0, 100)
    for first in (0, 10, 99):
        alone = sampler.draw(first, 1)
        for many, one in zip(together, alone, strict=True):
            assert many[first] == one[0] and many.dtype == one.dtype


def test_silence_follows_a_short_utterance(prepared_folder: Path) -> None:
    prepared = Prepared.open(prepared_folder)
    hop, lengths = prepared.spec.hop, [item.samples for item in prepared.utterances("train")]
    segment = sorted(lengths)[2] + hop
    number_of = every_segment(prepared, segment)
    drawn = set()
    for mels, waves in take(segments(prepared, 64, segment, seed=1, gain=(1.0, 1.0)), 8):
        for mel, wave in zip(mels, waves, strict=True):
            number, _ = number_of[wave[:, 0].tobytes()]
            drawn.add(number)
            silence = slice(lengths[number] // hop + 2, None)
            np.testing.assert_allclose(mel[silence], prepared.spec.log_floor, rtol=0, atol=1e-6)
    assert drawn == set(range(len(lengths)))


@tensorflow_only
def test_fit_accepts_the_batches(prepared_folder: Path) -> None:
    batches = segments(Prepared.open(prepared_folder), 4, 2048, seed=1)
    assert batches.element_spec[0].shape == (4, 8, 80)
    assert batches.element_spec[1].shape == (4, 2048, 1)
    model = keras.Sequential([keras.layers.Dense(256), keras.layers.Reshape((2048, 1))])
    model.compile("sgd", "mae")
    history = model.fit(batches, steps_per_epoch=3, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


_TWO_REPLICAS = """
import sys, numpy as np, tensorflow as tf
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
from tf_melgan import Prepared, segments
batches = segments(Prepared.open(sys.argv[1]), 4, 2048, seed=1)
strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
shared = iter(strategy.experimental_distribute_dataset(batches))
for batch in batches.take(3):
    for full, parts in zip(batch, next(shared)):
        parts = strategy.experimental_local_results(parts)
        assert [part.shape[0] for part in parts] == [2, 2]
        np.testing.assert_array_equal(full, np.concatenate(parts))
"""

_WITHOUT_TENSORFLOW = """
import itertools, sys, numpy as np
sys.modules["tensorflow"] = None
from tf_melgan import Prepared, segments
prepared = Prepared.open(sys.argv[1])
batches = itertools.islice(segments(prepared, 4, 102400, seed=5, start_step=2), 3)
np.savez(sys.argv[2], *[np.asarray(part) for batch in batches for part in batch])
"""


def python(code: str, *arguments: object, **environment: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


@tensorflow_only
def test_two_replicas_share_a_batch(prepared_folder: Path) -> None:
    python(_TWO_REPLICAS, prepared_folder)


@tensorflow_only
def test_jax_gets_the_same_batches_without_tensorflow(prepared_folder: Path, tmp_path) -> None:
    pytest.importorskip("jax")
    python(_WITHOUT_TENSORFLOW, prepared_folder, tmp_path / "jax.npz", KERAS_BACKEND="jax")
    with np.load(tmp_path / "jax.npz") as jax:
        batches = take(segments(Prepared.open(prepared_folder), 4, 102400, seed=5, start_step=2), 3)
        ends = np.concatenate([wave[:, -256:, 0] for _, wave in batches])
        assert 0 < (ends == 0).all(axis=1).sum() < 12  # short utterances and others
        for step, (mel, wave) in enumerate(batches):
            np.testing.assert_allclose(mel, jax[f"arr_{2 * step}"], rtol=0, atol=2e-4)
            np.testing.assert_array_equal(wave, jax[f"arr_{2 * step + 1}"])


@tensorflow_only
def test_a_remote_address_works_like_a_folder(prepared_folder: Path) -> None:
    import tensorflow as tf

    address = "ram://bucket/data"
    for path in prepared_folder.rglob("*"):
        if path.is_file():
            target = f"{address}/{path.relative_to(prepared_folder)}"
            tf.io.gfile.makedirs(target.rsplit("/", 1)[0])
            tf.io.write_file(target, path.read_bytes())
    remote, local = Prepared.open(address), Prepared.open(prepared_folder)
    remote.verify()
    utterance = local.utterances("validation")[0]
    np.testing.assert_array_equal(remote.audio(utterance), local.audio(utterance))
    (mel, wave), (expected_mel, expected_wave) = (
        take(segments(prepared, 4, 2048, seed=1), 1)[0] for prepared in (remote, local)
    )
    np.testing.assert_array_equal(wave, expected_wave)
    np.testing.assert_array_equal(mel, expected_mel)


def test_another_rate_and_hop(tmp_path) -> None:
    spec = MelSpec(48000, 2048, 600, 80, 0.0, 24000.0, "ln")
    (tmp_path / "in").mkdir()
    write_audio(tmp_path / "in" / "a.wav", load_audio(recordings(1)[0], 44100), 44100)
    prepare(tmp_path / "in", tmp_path / "out", spec, validation=0)
    ((mel, wave),) = take(segments(Prepared.open(tmp_path / "out"), 2, 9000, seed=0), 1)
    assert mel.shape == (2, 15, 80) and wave.shape == (2, 9000, 1)
    inner = log_mel(wave[:, :, 0].astype(np.float64), spec)[:, 2:-2]
    np.testing.assert_allclose(mel[:, 2:-2], inner, rtol=0, atol=2e-3)


def test_a_folder_whose_name_is_not_utf8(prepared_folder: Path, tmp_path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.symlink_to(prepared_folder)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    (batch,), (expected,) = (
        take(segments(Prepared.open(place), 2, 2048, seed=1), 1)
        for place in (folder, prepared_folder)
    )
    np.testing.assert_array_equal(batch[1], expected[1])
