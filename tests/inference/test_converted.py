"""A voice vocodes the mels of other projects: in place, at its rate, and in chunks as in one."""

import numpy as np
import pytest
from helpers.speech import recordings

from tf_melgan import voices
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, resample
from tf_melgan.errors import UserInputError
from tf_melgan.inference.vocoder import Vocoder


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    return Vocoder.load(voices.DEFAULT, threads=1)


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    return load_audio(recordings(2)[1], 22050)[: 256 * 200]


def mel_of(recording: np.ndarray, name: str) -> np.ndarray:
    source = SOURCES[name]
    return source.analyse(resample(recording, 22050, source.spec.sample_rate))


# The largest mean distance from the log-mel of the recording. From the voice's own mel it is 0.08.
DISTANCES = {
    "melgan": 0.1, "hifigan": 0.15, "tacotron2": 0.15, "espnet": 0.16, "coqui": 0.15,
    "vocos": 0.2, "whisper": 0.35, "torchaudio": 0.35,
}  # fmt: skip


@pytest.mark.parametrize("name", DISTANCES)
def test_the_sound_is_that_of_the_recording(vocoder, recording, name) -> None:
    sound = vocoder.vocode(mel_of(recording, name), name)
    assert abs(len(sound) - len(recording)) <= 2 * 300 and sound.dtype == np.float32
    assert np.isfinite(sound).all()
    here = distance(sound, recording)
    assert here < DISTANCES[name]
    # Half a hop is what a centered mel may be out of place.
    assert here < min(distance(sound[128:], recording), distance(sound, recording[128:]))


def distance(sound: np.ndarray, recording: np.ndarray) -> float:
    """Mean absolute difference of log-mels where there is sound, below 7 kHz."""
    spec, length = MelSpec(), min(len(sound), len(recording))
    a, b = (log_mel(x[:length], spec) for x in (sound, recording))
    return np.abs(a - b)[(b > -2.5) & (spec.band_centers < 7000)].mean()


@pytest.mark.parametrize("name", ["hifigan", "espnet", "whisper"])
def test_a_stream_equals_one_call(vocoder, recording, name) -> None:
    mel = mel_of(recording, name)[:90]
    whole, stream = vocoder.vocode(mel, name), vocoder.stream(source=name)
    for sizes in ([1, 2, 30, 57], [90], [1] * 12 + [78]):
        ends = np.cumsum(sizes)
        parts = [stream.push(mel[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
        streamed = np.concatenate([*parts, stream.finish()])
        assert len(streamed) == len(whole)
        if SOURCES[name].spec.sample_rate == 22050:
            np.testing.assert_array_equal(streamed, whole)
        np.testing.assert_allclose(streamed, whole, rtol=0, atol=1e-6)


def test_any_layout_and_length_is_vocoded(vocoder, recording) -> None:
    mel = mel_of(recording, "hifigan")
    expected = vocoder.vocode(mel[:30], "hifigan")
    with pytest.warns(UserWarning, match=r"shape \(1, 80, 30\) is read as 30 frames"):
        turned = vocoder.vocode(mel[:30].T[None].astype(np.float64), source="hifigan")
    np.testing.assert_array_equal(turned, expected)
    for name in ("hifigan", "espnet", "whisper"):
        assert len(vocoder.vocode(mel_of(recording, name)[5:6], name)) > 0


def test_a_square_chunk_has_the_axes_of_those_before_it(vocoder, recording) -> None:
    mel = mel_of(recording, "hifigan").T
    stream = vocoder.stream("hifigan")
    parts = [stream.push(part) for part in (mel[:, :40], mel[:, 40:120], mel[None, :, 120:])]
    whole = vocoder.vocode(mel, "hifigan")
    np.testing.assert_array_equal(np.concatenate([*parts, stream.finish()]), whole)


def test_values_beyond_the_limits_of_a_convention_are_refused(vocoder, recording) -> None:
    for name in ("hifigan", "melgan"):
        with pytest.raises(UserInputError, match=r"mels of this convention go from -4 to 4; "):
            vocoder.vocode(mel_of(recording, name), "coqui")


def test_an_exact_conversion_gives_the_samples_of_the_own_mel(vocoder, recording) -> None:
    source = MelSpec(log="ln", norm="none")
    own = vocoder.vocode(log_mel(recording, vocoder.spec))
    np.testing.assert_allclose(
        vocoder.vocode(log_mel(recording, source), source), own, rtol=0, atol=2e-3
    )


def test_a_convention_that_cannot_be_vocoded_is_refused(vocoder) -> None:
    with pytest.raises(UserInputError, match="there is no mel convention 'hifi'"):
        vocoder.vocode(np.zeros((3, 80)), "hifi")
    with pytest.raises(UserInputError, match=r"the mel has 200\.0 frames a second"):
        vocoder.stream(MelSpec(16000, 400, 80, 80, 0.0, 8000.0))
