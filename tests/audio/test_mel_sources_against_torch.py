"""Each named convention against the steps of its project's own analysis, in torch, on speech."""

import librosa
import numpy as np
import pytest
import torch
from helpers.speech import recordings
from torch import Tensor

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.audio.sound_files import load_audio


def magnitudes(sound: Tensor, n_fft: int, hop: int, epsilon=0.0, center=True) -> Tensor:
    """(bins, frames); without `center`, the ends are padded by (n_fft − hop) / 2."""
    if not center:
        margin = (n_fft - hop) // 2
        sound = torch.nn.functional.pad(sound[None], (margin, margin), "reflect")[0]
    spectrum = torch.stft(
        sound, n_fft, hop, window=torch.hann_window(n_fft, dtype=sound.dtype), center=center,
        pad_mode="reflect", return_complex=True,
    )  # fmt: skip
    return torch.sqrt(torch.view_as_real(spectrum).pow(2).sum(-1) + epsilon)


def filters(rate: int, n_fft: int, n_mels: int, fmin=0.0, fmax=None, **kwargs) -> Tensor:
    shape = {"sr": rate, "n_fft": n_fft, "n_mels": n_mels, "fmin": fmin, "fmax": fmax}
    return torch.from_numpy(librosa.filters.mel(**shape, dtype=np.float64, **kwargs))


def hifigan(sound):
    mel = filters(22050, 1024, 80, 0, 8000) @ magnitudes(sound, 1024, 256, 1e-9, center=False)
    return torch.log(mel.clamp(min=1e-5))


def tacotron2(sound):
    return torch.log((filters(22050, 1024, 80, 0, 8000) @ magnitudes(sound, 1024, 256)).clamp(1e-5))


def parallel_wavegan(sound):
    mel = filters(22050, 1024, 80, 80, 7600) @ magnitudes(sound, 1024, 256)
    return torch.log10(mel.clamp(min=1e-10))


def coqui(sound):
    decibel = 20 * torch.log10(
        (filters(22050, 1024, 80) @ magnitudes(sound, 1024, 256)).clamp(1e-8)
    )
    unit = (decibel - 20 + 100) / 100
    return (8 * unit - 4).clamp(-4, 4)


def vocos(sound):
    mel = filters(24000, 1024, 100, htk=True, norm=None) @ magnitudes(sound, 1024, 256)
    return torch.log(mel.clamp(min=1e-7))


def whisper(sound):
    mel = filters(16000, 400, 80) @ magnitudes(sound, 400, 160)[:, :-1] ** 2
    log = torch.log10(mel.clamp(min=1e-10))
    return (torch.maximum(log, log.max() - 8) + 4) / 4


def torchaudio(sound):
    power = magnitudes(sound, 400, 200) ** 2
    return (filters(16000, 400, 128, htk=True, norm=None) @ power).clamp(min=1e-10)


@pytest.mark.parametrize(
    "own", [hifigan, tacotron2, parallel_wavegan, coqui, vocos, whisper, torchaudio]
)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_a_mel_is_that_of_its_project(own) -> None:
    source = SOURCES[own.__name__]
    sound = load_audio(recordings(1)[0], source.spec.sample_rate).astype(np.float64)
    sound = sound[: 60 * source.spec.hop]
    expected = own(torch.from_numpy(sound)).numpy().T
    actual = source.analyse(sound)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)
    single = source.analyse(sound.astype(np.float32))
    assert single.dtype == np.float32
    # In bands near the floor, float32 rounds sums of 1 away.
    loud = expected > np.quantile(expected, 0.3)
    np.testing.assert_allclose(single[loud], expected[loud], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", SOURCES)
def test_the_log_mel_that_a_mel_was_made_from_is_found_again(name) -> None:
    source = SOURCES[name]
    sound = load_audio(recordings(1)[0], source.spec.sample_rate)[:20_000].astype(np.float64)
    mel = source.analyse(sound)
    expected = log_mel(sound, source.spec)[: len(mel)]
    kept = np.ones(mel.shape, bool)
    if source.limits is not None:
        kept = (source.limits[0] < mel) & (mel < source.limits[1])
    if source.dynamic_range is not None:
        kept = expected > expected.max() - source.dynamic_range
    assert kept.mean() > 0.5
    np.testing.assert_allclose(source.to_log_mel(mel)[kept], expected[kept], rtol=0, atol=1e-9)
