"""A synthetic sentence, and the same with noise, at the rate of wideband PESQ."""

from functools import cache

import numpy as np

from helpers.espeak import speak
from tf_melgan.audio.sound_files import resample

RATE = 16_000  # Hz


@cache
def clean_speech() -> np.ndarray:
    """A sentence, float32 (samples,)."""
    return resample(*speak("Seven ships sailed slowly over the southern sea."), RATE)


@cache
def noisy_speech() -> np.ndarray:
    """The same sentence with white noise."""
    speech = clean_speech()
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    return speech + 0.01 * noise
