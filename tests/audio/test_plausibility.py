"""Speech is never doubted; mels of another kind are, and the likely kind is named."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers.speech import recordings

from tf_melgan.audio.conventions import check_mel, warn_if_unlikely
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.errors import MelWarning, UserInputError

SPEC = MelSpec()


def speech() -> list[np.ndarray]:
    """Recordings of every speaker that there is, none of which anything was fitted to."""
    folder = os.environ.get("TF_MELGAN_SPEECH")
    files = sorted(Path(folder).glob("*/validation/*.flac"))[::5] if folder else recordings(6)
    return [load_audio(path, 22050) for path in files]


def remarks(mel: np.ndarray, spec: MelSpec = SPEC, named: bool = False) -> list[str]:
    """What is said of a mel, the reason for which it is refused included."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MelWarning)
        try:
            warn_if_unlikely(check_mel(mel, spec), spec, named=named)
        except UserInputError as error:
            return [str(error)]
    return [str(warning.message) for warning in caught]


def test_speech_is_never_doubted() -> None:
    for sound in speech():
        for gain in (1, 0.3, 0.1, 0.03, 0.01):
            mel = log_mel(sound * np.float32(gain), SPEC)
            parts = [mel, *(mel[i : i + 70] for i in range(0, len(mel), 70)), *mel[::9, None]]
            assert [remarks(part) for part in parts] == [[]] * len(parts)


def test_silence_is_not_doubted() -> None:
    for frames in (1, 19, 20, 500):
        assert remarks(np.full((frames, 80), SPEC.log_floor)) == []
    noise = np.random.default_rng(0).standard_normal(22050) * 1e-3
    assert remarks(log_mel(noise, SPEC)) == []


def test_a_tone_is_not_taken_for_a_voice() -> None:
    time = np.arange(44100) / 22050
    on = np.sin(6 * time) > 0
    for pitch in (100, 150, 440):
        for wave in (np.sin, lambda phase: np.sign(np.sin(phase))):
            assert remarks(log_mel(0.3 * wave(2 * np.pi * pitch * time) * on, SPEC)) == []


KINDS = {
    "scaled to [0, 1]": lambda mel: np.clip((20 * mel + 80) / 100, 0, 1),
    "scaled to [-1, 1]": lambda mel: np.clip((20 * mel + 80) / 50 - 1, -1, 1),
    "in dB": lambda mel: 20 * mel,
    "natural logarithms": lambda mel: mel * np.log(10),
    "no logarithm": lambda mel: 10**mel,
    "normalized": lambda mel: (mel - mel.mean(axis=0)) / mel.std(axis=0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_mels_of_another_kind_are_named(kind) -> None:
    for sound in speech():
        (line,) = remarks(KINDS[kind](log_mel(sound, SPEC).astype(np.float64)))
        assert kind in line and "\n" not in line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("parallel_wavegan", "espnet"),
        ("whisper", "whisper"),
        ("coqui", "coqui"),
        ("hifigan", "hifigan"),
        ("tacotron2", "hifigan"),
    ],
)
def test_mels_of_other_projects_are_named(name, said) -> None:
    source = SOURCES[name]
    for sound in speech():
        mel = source.analyse(sound)
        (line,) = remarks(mel)
        assert said in line


def test_a_named_mel_is_doubted_only_where_it_cannot_be() -> None:
    source = SOURCES["hifigan"]
    for sound in speech():
        mel = source.analyse(sound)
        assert remarks(mel, source.spec, named=True) == []
        scaled = (mel - mel.min()) / (mel.max() - mel.min())
        (line,) = remarks(scaled, source.spec, named=True)
        assert "[0, 1]" in line
