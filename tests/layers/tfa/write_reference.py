"""Writes what the WeightNormalization of tensorflow-addons computes: python write_reference.py OUT.

Runs in an environment of its own, with TensorFlow 2.15.1 and tensorflow-addons 0.23.0. Each case
wraps a layer, calls it once on fresh weights (which initializes g, and with data_init the bias
too), then gives g and the bias seeded values and takes outputs and gradients. The file holds the
arrays as "case/array", and under "cases" a JSON table of how to build each layer. Of RNN layers, v
is the recurrent kernel, and the kernel of the inputs is seeded as well.
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
EINSUM = {"equation": "abc,cd->abd", "output_shape": [None, 6], "bias_axes": "d"}
RNN = {"units": 5}
SEQUENCES = {"units": 5, "return_sequences": True}
CASES = {
    "conv": ("Conv1D", CONV, False),
    "conv_data_init": ("Conv1D", CONV, True),
    "grouped": ("Conv1D", GROUPED, False),
    "grouped_data_init": ("Conv1D", GROUPED, True),
    "transposed": ("Conv1DTranspose", TRANSPOSED, False),
    "dense": ("Dense", DENSE, False),
    "dense_data_init": ("Dense", DENSE, True),
    "einsum": ("EinsumDense", EINSUM, False),
    "einsum_data_init": ("EinsumDense", EINSUM, True),
    "lstm": ("LSTM", RNN, False),
    "lstm_data_init": ("LSTM", RNN, True),
    "gru": ("GRU", SEQUENCES, False),
    "gru_data_init": ("GRU", SEQUENCES, True),
    "simple_rnn": ("SimpleRNN", SEQUENCES, False),
    "simple_rnn_data_init": ("SimpleRNN", SEQUENCES, True),
}
INPUT_SHAPE = (3, 14, 8)
# Short and with small weights, since an RNN amplifies rounding at each step.
RNN_INPUT_SHAPE = (3, 4, 8)
RNN_WEIGHTS = 0.3


def build(layer_name, arguments, data_init):
    """The wrapped layer, built."""
    layer = getattr(tf.keras.layers, layer_name)(**arguments)
    wrapped = WeightNormalization(layer, data_init=data_init)
    wrapped.build(input_shape(wrapped))
    return wrapped


def input_shape(wrapped):
    return RNN_INPUT_SHAPE if wrapped.is_rnn else INPUT_SHAPE


def arrays_of(case, rng):
    """Everything that the comparison needs of one case, as NumPy arrays in float32."""
    wrapped = build(*case)

    def normal(shape):
        return rng.normal(size=tuple(shape)).astype("float32")

    def weights(shape):
        return normal(shape) * np.float32(RNN_WEIGHTS if wrapped.is_rnn else 1)

    inner = wrapped.layer.cell if wrapped.is_rnn else wrapped.layer
    variables = {"v": wrapped.v, "g": wrapped.g, "bias": inner.bias}
    arrays = {"inputs": normal(input_shape(wrapped)), "v": weights(wrapped.v.shape)}
    if wrapped.is_rnn:
        variables["kernel"] = inner.kernel
        arrays["kernel"] = weights(inner.kernel.shape)
        inner.kernel.assign(arrays["kernel"])
    wrapped.v.assign(arrays["v"])
    if wrapped.data_init:
        wrapped._naked_clone_layer.set_weights(wrapped.layer.get_weights())
    inputs = tf.constant(arrays["inputs"])
    arrays["first_outputs"] = wrapped(inputs).numpy()
    arrays["first_g"] = wrapped.g.numpy()
    arrays["first_bias"] = inner.bias.numpy()

    for name in ("g", "bias"):
        arrays[name] = weights(variables[name].shape)
        variables[name].assign(arrays[name])
    arrays["upstream"] = normal(arrays["first_outputs"].shape)
    watched = {"inputs": inputs, **variables}
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
