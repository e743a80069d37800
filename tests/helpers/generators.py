"""Generators of many geometries with random weights, and mels for them."""

import math
from typing import Any

import keras
import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.models.base import Generator
from tf_melgan.models.melgan.generator import MelGANGenerator
from tf_melgan.models.registry import GENERATORS

SPEC = MelSpec()
PAPER = {"channels": 32, "upsampling": (8, 8, 2, 2), "dilations": (1, 3, 9)}
GEOMETRIES = {
    "paper": PAPER,
    "lite": {"channels": 24, "upsampling": (2, 4, 8), "dilations": (1, 3, 9, 27), "bands": 4},
    "odd": {"channels": 16, "upsampling": (5, 3), "dilations": (2,)},
    "two bands": {"channels": 8, "upsampling": (3, 1), "dilations": (4, 1), "bands": 2},
    "one stage": {"channels": 4, "upsampling": (7,), "dilations": (1,)},
    "imported": {
        "channels": 8,
        "upsampling": (3, 5),
        "dilations": (1,),
        "bands": 2,
        "crop_rounding": "down",
        "filter_bank": {"design": "coqui", "taps": 21, "cutoff": 0.3},
    },
    "wide": {"channels": 256, "upsampling": (2,), "dilations": (1,)},
    "fourier": {"type": "fourier", "width": 64, "depth": 2, "lookahead": 3, "hop": 8},
    "fourier, no lookahead": {"type": "fourier", "width": 12, "depth": 3, "lookahead": 0, "hop": 7},
    "hifigan": {
        "type": "hifigan",
        "channels": 8,
        "upsampling": (4, 3),
        "upsampling_kernels": (11, 6),
        "kernels": (3, 5),
        "dilations": ((1, 3), (2, 1)),
    },
    "hifigan, not paired": {
        "type": "hifigan",
        "channels": 4,
        "upsampling": (2,),
        "upsampling_kernels": (2,),
        "kernels": (5, 3, 7),
        "dilations": ((1,), (4,), (2,)),
        "paired": False,
    },
    "vocos": {"type": "vocos", "width": 16, "hidden": 24, "depth": 2, "hop": 8},
    "vocos, centered": {
        "type": "vocos",
        "width": 8,
        "hidden": 8,
        "depth": 1,
        "hop": 6,
        "center": True,
    },
}
_OF_MEL = ("hop", "center")


def random_geometry(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    upsampling = tuple(rng.choice([1, 2, 3, 4, 5, 8], rng.integers(1, 5)).tolist())
    return {
        "channels": 2 ** len(upsampling) * int(rng.integers(1, 4)),
        "upsampling": upsampling,
        "dilations": tuple(rng.integers(1, 13, rng.integers(1, 5)).tolist()),
        "bands": int(rng.choice([1, 2, 4])),
    }


def random_fourier(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    width, depth, hop = rng.integers((4, 1, 2), (65, 5, 65)).tolist()
    lookahead = int(rng.integers(3 * (depth + 1) + 1))
    return {"type": "fourier", "width": width, "depth": depth, "lookahead": lookahead, "hop": hop}


def generator(geometry: dict, n_mels: int = 10, seed: int = 0) -> Generator:
    """A generator with random weights under which no layer's output vanishes."""
    keras.utils.set_random_seed(seed)
    sizes = {key: value for key, value in geometry.items() if key not in _OF_MEL}
    kind = sizes.get("type", "melgan")
    if kind == "melgan":
        sizes["initializer"] = "torch"
    model = GENERATORS[kind](**sizes).build_generator(spec(geometry, n_mels))
    if kind != "melgan":
        _randomize(model, seed)
    return model


def loud_generator(spec: MelSpec, **options: Any) -> MelGANGenerator:
    """A generator with random weights: no layer is silent, and the output is as loud as speech."""
    keras.utils.set_random_seed(3)
    generator = MelGANGenerator(**{"channels": 32} | options)
    generator.build((None, None, spec.n_mels))
    random = np.random.default_rng(3)
    for variable in generator.trainable_variables:
        if variable.path.endswith("/g"):
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    (last,) = (v for v in generator.last.trainable_variables if v.path.endswith("/g"))
    last.assign(last * 1e-3)  # where tanh is linear
    mel = random.normal(-3, 1, (1, 50, spec.n_mels)).astype(np.float32)
    last.assign(last * (0.2 / np.std(generator(mel))))
    return generator


def _randomize(model: Generator, seed: int) -> None:
    """Assigns varied gains and biases, and kernels that keep the scale of a signal."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if len(shape) > 1:
            value = rng.normal(0, 1 / math.sqrt(shape[0] * max(shape[1:-1], default=1)), shape)
        else:
            value = weight.numpy() + rng.normal(0, 0.2, shape)
        weight.assign(value)


def spec(geometry: dict, n_mels: int = 10) -> MelSpec:
    """The mel spec whose hop is that of the geometry."""
    hop = geometry.get("hop") or math.prod(geometry["upsampling"]) * geometry.get("bands", 1)
    center = geometry.get("center", False)
    return MelSpec(hop=hop, n_fft=hop + 2 * max(hop, 256), n_mels=n_mels, center=center)


def mels(frames: int, n_mels: int = 10, seed: int = 0) -> np.ndarray:
    """A random log-mel, float32 (frames, n_mels), within the range of `MelSpec`."""
    return np.random.default_rng(seed).uniform(-5, 0, (frames, n_mels)).astype(np.float32)


def synthesize(generator: Generator, mel: np.ndarray) -> np.ndarray:
    """The output (samples,) of the Keras model for one mel."""
    return keras.ops.convert_to_numpy(generator(mel[None]))[0, :, 0]


def random_cuts(frames: int, rng: np.random.Generator, after: int = 0) -> list[int]:
    """From none to all of the positions in `frames` frames, each plus `after`, drawn at random."""
    share = rng.choice([0.02, 0.2, 1.0]) * rng.random()
    return (after + np.flatnonzero(rng.random(frames) < share)).tolist()
