"""The frame-rate generator: against librosa's STFT, streamed, saved and trained."""

import keras
import librosa
import numpy as np
import pytest
from helpers.fourier import GEOMETRIES, fourier_generator, random_mels
from helpers.speech import recordings
from keras import ops

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.config import Config
from tf_melgan.data.sampling import Sampler
from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.models.fourier.inverse_stft import OVERLAP, inverse_kernel
from tf_melgan.models.fourier.spectrum import initial_log_magnitude, overlap_add
from tf_melgan.training.gan import MelGAN


# Tolerances in log10: the mel does not determine the levels between the centers of its bands, nor,
# where its frames are longer than the generator's, the time within a frame.
@pytest.mark.parametrize(
    ("n_fft", "log", "tolerance"), [(1024, "log10", 0.1), (1024, "ln", 0.1), (1536, "log10", 0.2)]
)
def test_the_initial_envelope_has_the_mel_it_is_computed_from(
    n_fft: int, log: str, tolerance: float
):
    sound = load_audio(recordings(1)[0], 22050)
    spec = MelSpec(n_fft=n_fft, log=log)
    kernel, bias = initial_log_magnitude(spec)
    mel = log_mel(sound, spec).astype(np.float64) - spec.log_floor
    magnitudes = np.exp(mel @ kernel + bias)
    frames = MelSpec(n_fft=OVERLAP * spec.hop)
    actual = np.log10(np.maximum(magnitudes @ frames.mel_matrix().T, frames.floor))
    difference = actual - log_mel(sound, frames)
    assert np.abs(difference).mean() < tolerance and abs(difference.mean()) < 0.05


@pytest.mark.parametrize("hop", [6, 64])
def test_the_inverse_stft_inverts_librosas_stft(hop: int):
    sound = np.random.default_rng(0).uniform(-1, 1, 40 * hop)
    size = OVERLAP * hop
    spectra = librosa.stft(
        sound, n_fft=size, hop_length=hop, window="hann", center=False, dtype=np.complex128
    ).T
    parts = np.concatenate((spectra.real, spectra.imag), -1)[None]
    inverted = overlap_add(ops.convert_to_tensor(parts), inverse_kernel(hop), 3 * hop // 2)
    inverted = ops.convert_to_numpy(inverted)[0, :, 0]
    # Sample 0 of the output lies 1.5 hops into the first frame. The 3 hops at each end are covered
    # by fewer than four windows, and so are not compared.
    inner = slice(3 * hop - 3 * hop // 2, len(inverted) - 3 * hop + 3 * hop // 2)
    expected = sound[3 * hop : 3 * hop + (inner.stop - inner.start)]
    assert np.abs(inverted[inner] - expected).max() <= 1e-12


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_lookahead_is_the_distance_that_a_change_reaches_back(geometry: dict):
    # In float32 the ends of the window could round a small change away.
    generator = fourier_generator(geometry, "float64")
    frames, position, hop = 60, 40, generator.hop
    mel = random_mels(frames, "float64")
    changed = mel.copy()
    changed[:, position] += 1
    moved = ops.convert_to_numpy(generator(mel) != generator(changed))[0, :, 0]
    touched = np.flatnonzero(moved)
    # + 1, since the first sample of the window is 0.
    assert touched[0] == (position - generator.lookahead) * hop - 3 * hop // 2 + 1
    back = sum(6 - ahead for ahead in generator.aheads)
    assert touched[-1] < min((position + back + 3) * hop, frames * hop)
    assert generator.context == max(back, generator.lookahead) + 2


def test_a_saved_voice_gives_the_same_in_one_call_and_streamed(tmp_path):
    generator = fourier_generator(GEOMETRIES[0])
    KerasEngine(generator, generator.mel).save(tmp_path / "voice.keras")
    vocoder = Vocoder.load(tmp_path / "voice.keras")
    mel = random_mels(90)[0] / 4 - 3
    expected = ops.convert_to_numpy(generator(mel[None]))[0, :, 0]
    stream = vocoder.stream()
    pieces = [stream.push(mel[a:b]) for a, b in ((0, 1), (1, 30), (30, 90))]
    pieces.append(stream.finish())
    for actual in (vocoder.vocode(mel), np.concatenate(pieces)):
        assert np.abs(actual - expected).max() <= 1e-5 * np.abs(expected).max()


def test_training_updates_and_averages_all_weights():
    config = Config.from_dict(
        {
            "mel": {"hop": 16, "n_fft": 64, "n_mels": 5},
            "generator": {"type": "fourier", "width": 8, "depth": 1, "lookahead": 3},
            "discriminator": {"scales": 1, "channels": 4, "max_channels": 16},
            "loss": {"weights": {"mel": 1.0}},
            "training": {"segment": 1024, "ema_decay": 0.5},
        }
    )
    model = MelGAN(config)
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    before = [x.copy() for x in model.generator.get_weights()]
    real = np.random.default_rng(0).uniform(-1, 1, (2, 1024, 1)).astype(np.float32)
    model.train_on_batch(random_mels(64), real)
    after = model.generator.get_weights()
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))
    for mean, weight in zip(model.average.get_weights(), after, strict=True):
        np.testing.assert_array_equal(mean, weight)


@pytest.mark.parametrize(
    ("generator", "line"),
    [
        ({"type": "waves"}, "generator.type is 'waves'; choose one of melgan, fourier"),
        (
            {"type": "fourier", "lookahead": 19},
            "generator.lookahead is 19; with generator.depth 5 it must be in 0–18",
        ),
        ({"type": "fourier", "width": 0}, "generator.width is 0; it must be at least 1"),
        (
            {"type": "fourier", "channels": 512},
            "generator.channels is not a known key; known: type, width, depth, lookahead",
        ),
    ],
)
def test_invalid_configs_are_refused(generator: dict, line: str):
    with pytest.raises(UserInputError) as error:
        Config.from_dict({"generator": generator})
    assert line in str(error.value)


@pytest.mark.parametrize("silence", [0.0, 0.25, 0.9])
def test_a_share_of_the_segments_is_silent(silence: float):
    lengths = np.array([5000])
    without_silence = Sampler(16, 64, lengths, 3, (0.3, 1.0)).draw(0, 4000)
    _, start, gain = Sampler(16, 64, lengths, 3, (0.3, 1.0), silence).draw(0, 4000)
    np.testing.assert_array_equal(start, without_silence[1])
    silent = gain == 0
    assert abs(silent.mean() - silence) < 0.03
    audible = gain[~silent]
    assert audible.min() >= 0.3 and audible.max() <= 1 and abs(audible.mean() - 0.65) < 0.03
    if not silence:
        np.testing.assert_array_equal(gain, without_silence[2])
