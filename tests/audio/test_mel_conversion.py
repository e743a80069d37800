"""Mels of other conventions become those of a voice: exactly, or as near as measured."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.bad_input import assert_user_error
from helpers.speech import recordings

from tf_melgan.audio.magnitudes import from_log10_magnitudes, log10_magnitudes
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_conversion import MelConversion
from tf_melgan.audio.mel_sources import SOURCES, MelSource, mel_source
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, resample
from tf_melgan.audio.statistics import Statistics

VOICE = MelSpec()


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return load_audio(recordings(3)[2], 22050)[:60_000].astype(np.float64)


def converted(name: str, sound: np.ndarray, target: MelSpec = VOICE) -> np.ndarray:
    """The frames of a recording's mel in convention `name`, without the repeated edges."""
    source = SOURCES[name]
    heard = resample(sound, 22050, source.spec.sample_rate)
    return MelConversion(source.spec, target)(source.to_log_mel(source.analyse(heard)))


@pytest.mark.parametrize(
    "source",
    [
        MelSpec(log="ln"),
        MelSpec(floor=1e-9, log="ln"),
        MelSpec(norm="none"),
        MelSpec(norm="none", log="ln", floor=1e-8),
    ],
)
@pytest.mark.parametrize("target", [MelSpec(), MelSpec(log="ln", norm="none", floor=1e-3)])
def test_equal_bands_are_converted_exactly(sound, source, target) -> None:
    conversion = MelConversion(source, target)
    assert conversion.is_exact and conversion.lead == 0 and conversion.rate == 22050
    expected = log_mel(sound, target)
    # A floor that is above the target's, in any band, hides what is below it.
    lowest = from_log10_magnitudes(log10_magnitudes(np.full(80, source.log_floor), source), target)
    shown = np.maximum(expected, lowest)
    np.testing.assert_allclose(conversion(log_mel(sound, source)), shown, rtol=0, atol=1e-5)


def test_a_centered_mel_is_half_a_hop_away(sound) -> None:
    conversion = MelConversion(MelSpec(center=True), VOICE)
    assert conversion.is_exact and conversion.lead == 128
    later = np.concatenate([np.zeros(128), sound])
    actual, expected = conversion(log_mel(sound, MelSpec(center=True))), log_mel(later, VOICE)
    # The ends of the recording are reflected elsewhere.
    np.testing.assert_allclose(actual[4:-4], expected[4 : len(actual) - 4], rtol=0, atol=1e-5)
    assert MelConversion(VOICE, MelSpec(center=True)).lead == -128


@pytest.mark.parametrize(
    ("name", "largest"),
    [("hifigan", 0.09), ("tacotron2", 0.09), ("parallel_wavegan", 0.1), ("vocos", 0.12),
     ("whisper", 0.25), ("torchaudio", 0.25)],
)  # fmt: skip
def test_a_fitted_matrix_is_near_the_mel_of_the_recording(sound, name, largest) -> None:
    conversion = MelConversion(SOURCES[name].spec, VOICE)
    assert "matrix" in conversion.summary
    made = resample(sound, 22050, conversion.rate)
    expected = log_mel(np.pad(made, (conversion.lead, 0)), VOICE)[conversion.context :]
    actual = converted(name, sound)
    count = min(len(actual), len(expected))
    loud = expected[:count] > -3
    assert np.abs(actual[:count] - expected[:count])[loud].mean() < largest


def test_other_bands_are_estimated_from_the_filters(sound) -> None:
    for spec in (MelSpec(fmin=50.0, fmax=7600.0), MelSpec(power=2.0), MelSpec(n_mels=100)):
        conversion = MelConversion(spec, VOICE)
        assert "from the filters" in conversion.summary
        expected, actual = log_mel(sound, VOICE), conversion(log_mel(sound, spec))
        known = (expected > -3) & (VOICE.band_centers < 7000) & (VOICE.band_centers > 100)
        assert np.abs(actual - expected)[known].mean() < 0.1


def test_a_quieter_mel_is_converted_to_a_quieter_one(sound) -> None:
    for name in ("hifigan", "parallel_wavegan", "vocos"):
        loud, quiet = converted(name, sound), converted(name, sound / 10)
        heard = (quiet > -3) & (VOICE.band_centers < 6500)
        assert (loud - quiet)[heard].mean() == pytest.approx(1, abs=0.05)


def test_conversion_does_not_depend_on_the_other_frames(sound) -> None:
    source = SOURCES["whisper"].spec
    conversion = MelConversion(source, VOICE)
    mel = log_mel(resample(sound, 22050, 16000), source)
    full, context = conversion(mel), conversion.context
    assert context == 1 and len(full) == len(mel) - 2
    for start, end in pairwise((0, 1, 7, 8, 100)):
        part = conversion(mel[start : end + 2 * context])
        np.testing.assert_array_equal(part, full[start:end])


def test_statistics_are_undone(sound) -> None:
    source = SOURCES["parallel_wavegan"]
    mel = source.analyse(sound)
    normalized = replace(source, statistics=Statistics(mel.mean(axis=0), mel.std(axis=0)))
    values = normalized.analyse(sound)
    np.testing.assert_allclose(values.std(axis=0), 1, rtol=1e-9)
    np.testing.assert_allclose(normalized.to_log_mel(values), mel, rtol=0, atol=1e-9)
    wrong = replace(source, statistics=Statistics(np.zeros(40), np.ones(40)))
    assert_user_error(
        lambda: wrong.to_log_mel(values),
        "the statistics have 40 bands and the mel 80; give those of this mel",
    )


def test_each_error_is_one_clear_line() -> None:
    assert_user_error(
        lambda: MelConversion(MelSpec(16000, 400, 80, 80, 0.0, 8000.0), VOICE),
        "the mel has 200.0 frames a second, and the voice needs about 86.1; compute mels with "
        "another hop",
    )
    assert_user_error(
        lambda: mel_source("espnett"),
        "source: there is no mel convention 'espnett'; did you mean espnet?",
    )


def test_the_voices_own_convention_has_a_name() -> None:
    assert mel_source(VOICE) == MelSource(VOICE) == SOURCES["melgan"]
    assert MelConversion(VOICE, VOICE).summary == "as this voice reads them"
