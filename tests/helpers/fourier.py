"""Small Fourier generators with random weights, and mels for them."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.models.fourier.generator import FourierGenerator

GEOMETRIES = [
    {"width": 8, "depth": 2, "lookahead": 4},
    {"width": 12, "depth": 1, "lookahead": 0, "hop": 6},
    {"width": 6, "depth": 3, "lookahead": 12, "hop": 10},
]


def fourier_spec(hop: int) -> MelSpec:
    """Five bands, from frames whose length is no multiple of the generator's."""
    return MelSpec(hop=hop, n_fft=64 + hop, n_mels=5)


def fourier_generator(geometry: dict, dtype: str = "float32") -> FourierGenerator:
    """A generator with random weights, none of them at its initial value."""
    sizes = dict(geometry)
    generator = FourierGenerator(fourier_spec(sizes.pop("hop", 8)), **sizes, dtype=dtype)
    generator.build((None, None, 5))
    rng = np.random.default_rng(0)
    for weight in generator.weights:
        weight.assign(rng.normal(0.1, 0.4, tuple(weight.shape)))
    return generator


def random_mels(frames: int, dtype: str = "float32") -> np.ndarray:
    """Two mels (2, frames, 5), within the range of `MelSpec`."""
    return np.random.default_rng(frames).uniform(-5, 0, (2, frames, 5)).astype(dtype)
