"""Decoding with tensorflow-io against soundfile, or the error where it is not installed."""

from importlib.util import find_spec

import numpy as np
import pytest
import soundfile
from helpers.speech import recordings

from tf_melgan.audio.sound_files import read_audio
from tf_melgan.data import tfio
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared
from tf_melgan.errors import UserInputError

# If it is installed it must load: a skip must not hide that it does not.
INSTALLED = find_spec("tensorflow_io") is not None
where_installed = pytest.mark.skipif(not INSTALLED, reason="needs the extra io")

FORMATS = {
    "8.wav": ("PCM_U8", 0),
    "16.wav": ("PCM_16", 0),
    "24.wav": ("PCM_24", 0),
    "float.wav": ("FLOAT", 0),
    "16.flac": ("PCM_16", 0),
    "24.flac": ("PCM_24", 0),
    "vorbis.ogg": ("VORBIS", 1e-6),
    "layer3.mp3": (None, 2e-6),
}


@pytest.fixture
def folder(tmp_path):
    """A recording in every format, in stereo."""
    sound, rate = read_audio(recordings(1)[0])
    stereo = np.concatenate([sound, sound[::-1] / 2], axis=1)[:60_000]
    for name, (subtype, _) in FORMATS.items():
        soundfile.write(tmp_path / name, stereo, rate, subtype=subtype)
    return tmp_path


@where_installed
def test_decoding_in_tf_data_equals_soundfile(folder) -> None:
    import tensorflow as tf

    paths = [str(folder / name) for name in FORMATS] * 4
    decoded = tf.data.Dataset.from_tensor_slices(paths).map(tfio.decode, num_parallel_calls=4)
    allowances = [allowed for _, allowed in FORMATS.values()] * 4
    for path, allowed, (sound, rate) in zip(paths, allowances, decoded, strict=True):
        expected, expected_rate = read_audio(path)
        assert rate == expected_rate
        np.testing.assert_allclose(sound, expected, rtol=0, atol=allowed)


@where_installed
def test_prepare_gives_the_same_result(folder, tmp_path) -> None:
    reports = [
        prepare(folder, tmp_path / read.__module__, read=read)
        for read in (tfio.read_audio, read_audio)
    ]
    assert reports[0] == reports[1]
    one, other = (
        Prepared.open(tmp_path / read.__module__) for read in (tfio.read_audio, read_audio)
    )
    for a, b in zip(one.utterances("train"), other.utterances("train"), strict=True):
        assert a.path == b.path
        assert np.abs(one.audio(a) - other.audio(b)).max() <= 2**-15


@where_installed
def test_undecodable_files_are_refused(tmp_path) -> None:
    soundfile.write(tmp_path / "32.wav", np.zeros(9), 8000, subtype="PCM_32")
    with pytest.raises(
        UserInputError, match=r"32\.wav: holds 32-bit integers; decode it with soundfile"
    ):
        tfio.read_audio(tmp_path / "32.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(UserInputError, match=r"text\.wav: cannot be decoded \(by tensorflow-io\)"):
        tfio.read_audio(tmp_path / "text.wav")


@pytest.mark.skipif(INSTALLED, reason="tensorflow-io is installed")
def test_a_missing_package_is_named_with_its_extra() -> None:
    with pytest.raises(ImportError, match=r"up to 2\.17\.1: pip install \"tf-melgan\[io\]\""):
        tfio.read_audio(recordings(1)[0])
