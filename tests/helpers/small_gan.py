"""A MelGAN that trains a step within milliseconds, and batches for it."""

from typing import Any

import keras
import numpy as np

from tf_melgan.config import Config
from tf_melgan.training.gan import MelGAN

BATCH, FRAMES = 4, 8
CONFIG = Config.from_dict(
    {
        "mel": {"hop": 16, "n_fft": 64, "n_mels": 4},
        "generator": {"channels": 4, "upsampling": [16], "dilations": [1], "initializer": "torch"},
        "discriminator": {
            "scales": 1,
            "channels": 4,
            "max_channels": 4,
            "downsampling": [4],
            "initializer": "torch",
        },
        "loss": {"weights": {"envelope": 1.0}},
        "training": {"segment": 128},
    }
)


def examples(count: int = BATCH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Log-mels (count, frames, n_mels) and waveforms (count, frames · hop, 1)."""
    random = np.random.default_rng(seed)
    mel = random.normal(size=(count, FRAMES, CONFIG.mel.n_mels))
    audio = random.normal(0, 0.1, size=(count, FRAMES * CONFIG.mel.hop, 1))
    return mel.astype("float32"), audio.astype("float32")


def compiled(config: Config = CONFIG, **settings: Any) -> MelGAN:
    """A MelGAN with the same weights each time, compiled with Adam for both models."""
    keras.utils.set_random_seed(1)
    model = MelGAN(config)
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), **settings)
    return model
