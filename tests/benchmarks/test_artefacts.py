"""The measurements of benchmarks.quality find artefacts of known level, place and frequency."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from scipy import stats

from benchmarks import quality_measures, quality_page
from benchmarks.artefacts import (
    active_level,
    edge_excess,
    frame_lines,
    level,
    noise_frames,
    silence_depth,
)
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.evaluation import pictures
from tf_melgan.evaluation.comparison import Evaluation, UtteranceMetrics
from tf_melgan.evaluation.metrics import METRICS

RATE, HOP = 22050, 256


def noise(seconds, amplitude=0.1, seed=0):
    return amplitude * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def sine(hertz, seconds, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def test_level_of_known_signals():
    assert level(np.full(100, -1.0)) == 0
    assert level(sine(100, 1)) == pytest.approx(-3.01, abs=0.01)
    assert level(np.zeros(100)) == -120


def test_active_level_ignores_pauses():
    speech = sine(441, 1, 0.1 * np.sqrt(2))
    pauses = np.concatenate([speech, 1e-3 * speech, speech, np.zeros(RATE)])
    assert level(pauses) == pytest.approx(-23.01, abs=0.01)
    assert active_level(pauses, RATE) == pytest.approx(-20, abs=0.01)


def test_silence_depth_of_known_levels():
    speech = np.concatenate([noise(2), np.zeros(RATE)])
    assert silence_depth(noise(2, 1e-4, seed=1), speech, RATE) == pytest.approx(60, abs=0.1)
    assert silence_depth(np.zeros(RATE), speech, RATE) == pytest.approx(100, abs=0.1)


def test_a_click_is_found_at_its_end_only():
    recording = np.full(RATE, 0.01)
    clicked = recording.copy()
    # 220 samples are 10 ms; this one adds 99 times the power of all of them.
    clicked[3] = 0.01 * np.sqrt(99 * 220 + 1)
    assert edge_excess(recording, clicked, RATE) == pytest.approx((20, 0), abs=1e-9)
    assert edge_excess(recording, clicked[::-1], RATE) == pytest.approx((0, 20), abs=1e-9)
    clicked[:] = recording
    clicked[221] = 1
    assert edge_excess(recording, clicked, RATE) == pytest.approx((0, 0), abs=1e-9)


def test_edges_of_digital_silence_are_finite():
    silence = np.zeros(RATE)
    assert edge_excess(silence, np.full(RATE, 1e-3), RATE) == pytest.approx((20, 20))
    assert edge_excess(np.full(RATE, 1e-5), silence, RATE) == (0, 0)


def test_noise_frames_exclude_harmonics_and_silence():
    voiced = sum(sine(k * 180, 2, 0.1 / k) for k in range(1, 40)) + noise(2, 1e-3)
    coloured = np.diff(noise(2), prepend=0)
    parts = np.concatenate([noise(2), voiced, coloured, np.zeros(2 * RATE), noise(2, 3e-3)])
    starts = np.arange(0, len(parts) - 8 * HOP + 1, 2 * HOP) / RATE
    noisy = noise_frames(parts, RATE, HOP)
    assert noisy.shape == starts.shape
    inside = starts % 2 < 2 - 8 * HOP / RATE
    shares = [noisy[inside & (starts // 2 == part)].mean() for part in range(5)]
    assert shares[1] == 0 and shares[3] == 0
    assert min(shares[0], shares[2], shares[4]) > 0.9


def test_a_line_of_known_frequency_and_level_is_found():
    recording = noise(20)
    # With a Hann window of n samples, noise of variance v has a power of 1.5 v in each bin, and a
    # sine of amplitude a has a² n / 4 in its own.
    multiple, excess = 35, 12.0
    power = 0.1**2 * 1.5 * (10 ** (excess / 10) - 1)
    line = sine(multiple * RATE / HOP, 20, np.sqrt(power * 4 / (8 * HOP)))
    lines = frame_lines([recording], [recording + line], RATE, HOP)
    assert lines.frames > 700 and lines.excess.shape == (127,)
    assert lines.hertz == pytest.approx(multiple * RATE / HOP)
    assert lines.largest == pytest.approx(excess, abs=0.7)
    others = np.delete(lines.excess, multiple - 1)
    assert np.abs(others).max() < 1
    assert abs(np.mean(others)) < 0.2


def test_a_line_between_the_multiples_does_not_count():
    recording = noise(20)
    tone = recording + sine(35.5 * RATE / HOP, 20, 0.03)
    assert frame_lines([recording], [tone], RATE, HOP).largest < 1


def test_a_line_in_voiced_frames_only_does_not_count():
    voiced = sum(sine(k * 180, 3, 0.1 / k) for k in range(1, 40))
    recording = np.concatenate([noise(10), voiced])
    sound = np.concatenate([noise(10), sine(20 * RATE / HOP, 3)])
    assert frame_lines([recording], [sound], RATE, HOP).largest < 2
    assert frame_lines([voiced], [voiced], RATE, HOP) is None


def test_differences_are_paired():
    a, b = np.array([2.0, 3.0, 4.0, 5.0]), np.array([2.5, 3.6, 4.4, 5.5])
    utterances = [
        UtteranceMetrics("", RATE, Path(), {}, {"a": {"pesq": float(x)}, "b": {"pesq": float(y)}})
        for x, y in zip(a, b, strict=True)
    ]
    utterances.append(
        UtteranceMetrics("", RATE, Path(), {}, {"a": {"pesq": "silent"}, "b": {"pesq": 9.0}})
    )
    difference = quality_measures.differences(Evaluation(["a", "b"], utterances), "a")
    mean, half, count = quality_measures.means(difference, "b")["pesq"]
    interval = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert (mean - half, mean + half, count) == (*map(pytest.approx, interval), 4)


@pytest.mark.parametrize(
    ("key", "mean", "word"),
    [
        ("pesq", 0.2, "better"),
        ("pesq", -0.2, "worse"),
        ("mel", 0.2, "worse"),
        ("mel", 0.05, "level"),
    ],
)
def test_better_and_worse_need_an_interval_without_zero(key, mean, word):
    metric = next(metric for metric in METRICS if metric.key == key)
    assert quality_page.verdict(metric, (mean, 0.1, 20)) == word


def test_the_worst_second_is_where_the_level_differs():
    spec = MelSpec()
    length = 3 * RATE // HOP * HOP
    recordings = [noise(4, seed=seed)[:length] for seed in (1, 2)]
    sounds = [recording.copy() for recording in recordings]
    sounds[1][RATE : 2 * RATE] *= 10
    speech = quality_measures.Speech(["x", "y"], {"recordings": recordings, "voice": sounds}, spec)
    index, start, distance = quality_measures.worst_second(speech, "voice")
    assert index == 1 and start / RATE == pytest.approx(1, abs=0.03)
    # Ten times the amplitude is 1 in log10, except at the ends.
    assert distance == pytest.approx(1, abs=0.03)


def test_spectra_have_the_level_and_the_frequency_of_a_tone(tmp_path):
    tone = sine(200 * RATE / 1024, 1, 0.1)
    decibels = pictures._decibels(tone)
    assert decibels.shape == (RATE // 64 + 1, 513)
    assert (decibels[10:-10].argmax(axis=1) == 200).all()
    assert decibels[170, 200] == pytest.approx(-20, abs=0.01)
    pictures.spectra(tmp_path / "spectra.png", {"a": tone, "b": 0.1 * tone}, RATE, start=2)
    assert image.imread(tmp_path / "spectra.png").shape[:2] == (408, 720)
