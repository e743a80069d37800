"""Reading, resampling and writing audio files."""

import numpy as np
import pytest
import soundfile

from tf_melgan.audio.sound_files import load_audio, read_audio, write_audio


def tone(rate: int, hz: float = 440.0, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


# Lossless formats keep 16 bits here; lossy ones keep a pure tone to a few percent.
@pytest.mark.parametrize(
    "suffix, error", [("wav", 2**-15), ("flac", 2**-15), ("ogg", 0.05), ("mp3", 0.05)]
)
@pytest.mark.parametrize("rate", [22050, 48000])
def test_every_format_is_read(tmp_path, suffix: str, error: float, rate: int) -> None:
    path = tmp_path / f"sound.{suffix}"
    stereo = np.stack([tone(rate), tone(rate, 1000)], axis=1)
    soundfile.write(path, stereo, rate)
    read, stored_rate = read_audio(path)
    assert stored_rate == rate and read.dtype == np.float32 and read.shape[1] == 2
    middle = slice(rate // 10, rate // 4)
    assert np.abs(read[middle] - stereo[middle]).max() <= error


@pytest.mark.parametrize("source", [8000, 16000, 44100, 48000])
def test_load_mixes_and_resamples(tmp_path, source: int) -> None:
    path = tmp_path / "sound.wav"
    stereo = np.stack([tone(source), np.zeros(source // 2)], axis=1)
    soundfile.write(path, stereo, source, subtype="FLOAT")
    loaded = load_audio(path, 22050)
    assert loaded.dtype == np.float32 and loaded.shape == (11025,)
    middle = slice(2000, -2000)
    assert np.abs(loaded[middle] - tone(22050)[middle] / 2).max() < 1e-4


def test_16_bit_samples_survive_a_round_trip(tmp_path) -> None:
    path = tmp_path / "folder" / "sound.wav"
    samples = np.arange(-32768, 32768, dtype=np.int16)
    assert write_audio(path, samples / np.float32(32768), 16000) == 0
    stored, rate = soundfile.read(path, dtype="int16")
    assert rate == 16000
    np.testing.assert_array_equal(stored, samples)
    np.testing.assert_array_equal(load_audio(path, 16000), samples / np.float32(32768))


def test_samples_beyond_full_scale_are_clipped_and_counted(tmp_path) -> None:
    path = tmp_path / "sound.wav"
    assert write_audio(path, np.array([0.0, 1.0, 1.5, -1.0, -1.2]), 8000) == 2
    np.testing.assert_array_equal(
        soundfile.read(path, dtype="int16")[0], [0, 32767, 32767, -32768, -32768]
    )
