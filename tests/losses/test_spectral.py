"""Spectral losses where a closed form or NumPy gives the value."""

import numpy as np
import pytest

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.losses.spectral import coherence_loss, envelope_loss, phase_loss


@pytest.mark.parametrize("hop", [100, 256])
def test_coherence_distinguishes_periodic_signals_from_noise(hop: int):
    """1 for a signal with a period of one hop, near 0 for noise, −1 if the sign flips every hop."""
    spec = MelSpec(hop=hop, n_fft=4 * hop, n_mels=8)
    rng = np.random.default_rng(hop)
    period = rng.normal(size=hop)
    silence, noise, repeated, flipped = (
        signal[None, :, None]
        for signal in (
            np.zeros(64 * hop),
            rng.normal(size=64 * hop),
            np.tile(period, 64),
            np.tile([*period, *-period], 32),
        )
    )
    assert float(coherence_loss(silence, repeated, spec)) == pytest.approx(1, abs=1e-6)
    assert float(coherence_loss(flipped, repeated, spec)) == pytest.approx(2, abs=1e-6)
    assert float(coherence_loss(noise, silence, spec)) < 0.2


def test_envelope_loss_is_in_nepers():
    noise = np.random.default_rng(0).normal(size=(2, 6400, 1))
    louder = noise * np.where(np.arange(6400) < 3200, 1, np.e**2)[None, :, None]
    assert float(envelope_loss(noise, louder)) == pytest.approx(1, abs=0.01)
    assert float(envelope_loss(0 * noise, 1e-5 * noise)) == 0
    # Shorter than a block: both are padded with zeros.
    short = float(envelope_loss(noise[:, :50], np.e * noise[:, :50]))
    assert short == pytest.approx(1, abs=1e-6)


def test_phase_loss_equals_the_angles_of_numpy():
    """A brute-force weighted mean over angles, utterance by utterance."""
    real, fake = np.random.default_rng(0).normal(size=(2, 3, 3000, 1))
    fake = 0.5 * fake + real  # not by chance

    def spectra(audio, n_fft):
        starts = range(0, 3000 - n_fft + 1, n_fft // 4)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        return np.fft.rfft([audio[i : i + n_fft, 0] * window for i in starts])

    terms = []
    for n_fft in (512, 1024):
        for axis in (0, 1):
            for a, b in zip(real, fake, strict=True):
                x, y = spectra(a, n_fft), spectra(b, n_fft)
                turned = np.diff(np.angle(x), axis=axis) - np.diff(np.angle(y), axis=axis)
                magnitude = np.log(np.abs(x))
                sums = magnitude[1:] + magnitude[:-1]
                if axis == 1:
                    sums = magnitude[:, 1:] + magnitude[:, :-1]
                terms.append(np.average(1 - np.cos(turned), weights=np.exp(0.3 * sums)))
    # JAX computes in float32.
    assert float(phase_loss(real, fake)) == pytest.approx(np.mean(terms), rel=1e-5)


def test_phase_loss_hears_time_and_frequency_but_no_gain_and_no_constant_phase():
    time = np.arange(16384)

    def tone(cycles: int) -> np.ndarray:
        return np.sin(2 * np.pi * cycles * time / 1024)[None, :, None]

    def click(sample: int) -> np.ndarray:
        return (time % 4096 == sample)[None, :, None].astype(float)

    noise = np.random.default_rng(0).normal(size=(1, 8192, 1))
    assert float(phase_loss(noise, -0.1 * noise)) == pytest.approx(0, abs=1e-6)
    # Half of the terms are steps in time: a hop of n_fft / 4 turns by 2π · n_fft / 4096 more.
    hops = np.mean([1 - np.cos(2 * np.pi * n_fft / 4096) for n_fft in (512, 1024)])
    assert float(phase_loss(tone(100), tone(101))) >= hops / 2
    assert float(phase_loss(click(2000), click(2008))) > 1e-3
