"""Training learns: the generator's loss falls, and discriminators tell real from generated."""

import itertools

import keras
import numpy as np
import pytest

from tf_melgan.audio.mel import log_mel
from tf_melgan.config import Config
from tf_melgan.training.gan import MelGAN

CONFIG = Config.from_dict(
    {
        "mel": {"hop": 64, "n_fft": 256, "n_mels": 20},
        "generator": {
            "channels": 32,
            "upsampling": [8, 8],
            "dilations": [1, 3],
            "initializer": "torch",
        },
        "discriminator": {
            "scales": 2,
            "channels": 8,
            "max_channels": 32,
            "downsampling": [4, 4],
            "initializer": "torch",
        },
        "loss": {"weights": {"compressed_stft": 1.0, "mel": 5.0}},
        "training": {"segment": 2048},
    }
)


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Four decaying harmonic tones and their log-mels."""
    time = np.arange(2048) / CONFIG.mel.sample_rate
    tones = [
        np.exp(-8 * time) * sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 6))
        for pitch in (110, 180, 260, 330)
    ]
    audio = (0.4 * np.stack(tones)).astype(np.float32)
    return log_mel(audio, CONFIG.mel), audio[:, :, None]


def losses(model: MelGAN, name: str, steps: int) -> list[float]:
    """One loss over so many steps on one batch."""
    data = (item for item in itertools.repeat(batch()))
    return model.fit(data, steps_per_epoch=1, epochs=steps, verbose=0).history[name]


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return MelGAN(CONFIG)


def test_the_spectral_losses_fall(model):
    optimizers = keras.optimizers.Adam(3e-3), keras.optimizers.Adam(1e-3)
    model.compile(*optimizers, adversarial=False)
    values = losses(model, "generator", 40)
    assert values[-1] < 0.5 * values[0]


def test_discriminators_learn_to_tell_a_frozen_generator(model):
    # At a rate of 0, the generator stays as it is.
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.Adam(2e-3, beta_1=0.5))
    before = model.generator.get_weights()
    values = losses(model, "discriminator", 40)
    # The hinge loss of two discriminators that know nothing is 4; of those that know all, 0.
    assert values[0] > 3 and values[-1] < 1.5
    for a, b in zip(model.generator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_adversarial_term_moves_the_generator_towards_a_higher_score(model):
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.Adam(2e-3, beta_1=0.5))
    losses(model, "discriminator", 15)
    mel, _ = batch()
    score = float(np.mean(model.discriminator(model.generator(mel))[0][-1]))
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.SGD(0.0))
    losses(model, "adversarial", 10)
    assert float(np.mean(model.discriminator(model.generator(mel))[0][-1])) > score
