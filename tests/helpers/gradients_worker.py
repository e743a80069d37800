"""Prints whether gradients are finite at clamps, on the backend that KERAS_BACKEND names."""

import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.losses.registry import SPECTRAL_LOSSES, spectral_loss
from tf_melgan.models.fourier.spectrum import spectrum


def value_and_gradient(function: Callable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A scalar function's value and its gradient at `x`."""
    if keras.backend.backend() == "jax":
        import jax

        value, gradient = jax.value_and_grad(function)(jax.numpy.asarray(x))
    else:
        import tensorflow as tf

        tensor = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            value = function(tensor)
        gradient = tape.gradient(value, tensor)
    return ops.convert_to_numpy(value), ops.convert_to_numpy(gradient)


def report(name: str, function: Callable, x: np.ndarray) -> None:
    value, gradient = value_and_gradient(function, x)
    finite = np.isfinite(value).all() and np.isfinite(gradient).all()
    print(name, "finite" if finite else "not finite")


def main(precision: str) -> None:
    spec, rng = MelSpec(), np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (2, 4096, 1)).astype("float32")
    silence = np.zeros_like(noise)
    pairs = {
        "silence": (silence, silence),
        "noise for silence": (silence, noise),
        "silence for noise": (noise, silence),
    }

    def cast(x: Any) -> Any:
        # Through the precision that generators compute in; losses compute in float32.
        return ops.cast(ops.cast(x, precision), "float32")

    for name in SPECTRAL_LOSSES:
        for label, (real, fake) in pairs.items():
            loss = spectral_loss(name)
            report(
                f"{name}, {label}:", lambda x, r=real, f=loss: f(ops.array(r), cast(x), spec), fake
            )
    for level in (0.0, 88.0, 1e4):
        x = np.concatenate([np.full((1, 3, 5), level), rng.normal(size=(1, 3, 5))], -1)
        rough = np.zeros((1, 3, 5), "float32")
        report(
            f"spectrum at {level}:",
            lambda x, r=rough: ops.sum(spectrum(cast(x), ops.array(r)) ** 2),
            x.astype("float32"),
        )


if __name__ == "__main__":
    main(sys.argv[1])
