"""The metrics of pitch and voicing, on tones whose pitch is known."""

import numpy as np
import pytest

from tf_melgan.evaluation.pitch import log_f0_rmse, voicing_error

RATE = 22050


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * k * hertz * time) / k for k in (1, 2, 3, 4)) / 4


def test_a_semitone_is_a_hundred_cents():
    semitone = tone(200), tone(200 * 2 ** (1 / 12))
    assert log_f0_rmse(*semitone, RATE) == pytest.approx(100, abs=10)
    assert voicing_error(*semitone, RATE) == pytest.approx(0, abs=3)


def test_a_voice_that_falls_silent_halfway_has_half_its_frames_wrong():
    whole = tone(200, seconds=2)
    half = np.where(np.arange(2 * RATE) < RATE, whole, 0)
    # A window of eight hops holds part of the tone for four of the 173 frames after its end.
    assert voicing_error(whole, half, RATE) == pytest.approx(50, abs=100 * 4 / 173)
    # Only the frames in which both are voiced have a pitch error.
    assert log_f0_rmse(whole, half, RATE) < 20
    assert log_f0_rmse(whole, 0 * whole, RATE) == "never voiced together"
    assert voicing_error(whole, 0 * whole, RATE) == pytest.approx(100, abs=3)
