"""Writes what the WeightNormalization of tensorflow-addons computes: python write_reference.py OUT.

Runs in an environment of its own, with TensorFlow 2.15.1 and tensorflow-addons 0.23.0. Each case
wraps a layer, calls it once on fresh weights (which initializes g, and with data_init the bias
too), then gives g and the bias seeded values and takes outputs and gradients. The file holds the
arrays as "case/array", and under "cases" a JSON table of how to build each layer.
"""

import json
import sys

import numpy as np
import tensorflow as tf
from tensorflow_addons.layers import WeightNormalization

CONV = {"filters": 12, "kernel_size": 3, "dilation_rate": 2}
GROUPED = {"filters": 16, "kernel_size": 5, "strides": 2, "groups": 4}
TRANSPOSED = {"filters": 4, "kernel_size": 8, "strides": 4, "padding": "same"}
DENSE = {"units": 6}
CASES = {
    "conv": ("Conv1D", CONV, False),
    "conv_data_init": ("Conv1D", CONV, True),
    "grouped": ("Conv1D", GROUPED, False),
    "grouped_data_init": ("Conv1D", GROUPED, True),
    "transposed": ("Conv1DTranspose", TRANSPOSED, False),
    "dense": ("Dense", DENSE, False),
    "dense_data_init": ("Dense", DENSE, True),
}
INPUT_SHAPE = (3, 14, 8)


def build(layer_name, arguments, data_init):
    """The wrapped layer, built."""
    layer = getattr(tf.keras.layers, layer_name)(**arguments)
    wrapped = WeightNormalization(layer, data_init=data_init)
    wrapped.build(INPUT_SHAPE)
    return wrapped


def arrays_of(case, rng):
    """Everything that the comparison needs of one case, as NumPy arrays in float32."""

    def normal(shape):
        return rng.normal(size=tuple(shape)).astype("float32")

    wrapped = build(*case)
    arrays = {"inputs": normal(INPUT_SHAPE), "v": normal(wrapped.v.shape)}
    wrapped.v.assign(arrays["v"])
    if wrapped.data_init:
        naked = wrapped._naked_clone_layer
        naked.set_weights([arrays["v"], *naked.get_weights()[1:]])
    inputs = tf.constant(arrays["inputs"])
    arrays["first_outputs"] = wrapped(inputs).numpy()
    arrays["first_g"] = wrapped.g.numpy()
    arrays["first_bias"] = wrapped.layer.bias.numpy()

    for name, variable in (("g", wrapped.g), ("bias", wrapped.layer.bias)):
        arrays[name] = normal(variable.shape)
        variable.assign(arrays[name])
    arrays["upstream"] = normal(arrays["first_outputs"].shape)
    watched = {"inputs": inputs, "v": wrapped.v, "g": wrapped.g, "bias": wrapped.layer.bias}
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = wrapped(inputs)
    gradients = tape.gradient(outputs, watched, output_gradients=arrays["upstream"])
    arrays["outputs"] = outputs.numpy()
    arrays |= {f"gradient_{name}": value.numpy() for name, value in gradients.items()}
    return arrays


def crash_of_transposed_data_init():
    """The name of the error that data_init gives for a transposed convolution with in ≠ out."""
    try:
        build("Conv1DTranspose", TRANSPOSED, True)(tf.zeros(INPUT_SHAPE))
    except Exception as error:
        return type(error).__name__
    return ""


def main():
    rng = np.random.default_rng(20)
    file = {}
    for name, case in CASES.items():
        file |= {f"{name}/{key}": value for key, value in arrays_of(case, rng).items()}
    file["cases"] = json.dumps(CASES)
    file["transposed_data_init_error"] = crash_of_transposed_data_init()
    np.savez_compressed(sys.argv[1], **file)


if __name__ == "__main__":
    main()
