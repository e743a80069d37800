"""WeightNormalization against that of tensorflow-addons, whose results `make tfa` writes."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_melgan.layers.convolutions import GroupedConv1D, Upsample1D
from tf_melgan.layers.weight_normalization import WeightNormalization

REFERENCE = Path(
    os.environ.get("TF_MELGAN_TFA_REFERENCE") or Path(__file__).parent / "tfa" / "reference.npz"
)
FILE = dict(np.load(REFERENCE, allow_pickle=False))
CASES = json.loads(str(FILE["cases"]))


def upsample(filters: int, kernel_size: int, strides: int, padding: str, dtype: str) -> Upsample1D:
    """The `Upsample1D` that equals a Keras transposed convolution with these arguments."""
    assert (kernel_size, padding) == (2 * strides, "same")
    return Upsample1D(filters, strides, dtype=dtype)


LAYERS = [
    *((name, getattr(keras.layers, layer)) for name, (layer, _, _) in CASES.items()),
    ("grouped", GroupedConv1D),
    ("grouped_data_init", GroupedConv1D),
    ("transposed", upsample),
]


def actual_and_expected(
    name: str, layer: type
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The results of our wrapper for a case, and those of tensorflow-addons."""
    prefix = f"{name}/"
    expected = {key.removeprefix(prefix): x for key, x in FILE.items() if key.startswith(prefix)}
    _, arguments, data_init = CASES[name]
    is_rnn = "kernel" in expected
    # An RNN amplifies rounding; in float64 only that of the reference remains.
    dtype = "float64" if is_rnn else "float32"
    wrapped = WeightNormalization(layer(**arguments, dtype=dtype), data_init=data_init)
    inputs = tf.constant(expected["inputs"], dtype)
    wrapped.layer.build(inputs.shape)
    inner = wrapped.layer.cell if is_rnn else wrapped.layer
    if is_rnn:
        inner.kernel.assign(expected["kernel"])
    (inner.recurrent_kernel if is_rnn else inner.kernel).assign(expected["v"])

    arrays = {"first_outputs": wrapped(inputs).numpy()}
    arrays |= {"first_g": wrapped.g.numpy(), "first_bias": inner.bias.numpy()}
    wrapped.g.assign(expected["g"])
    inner.bias.assign(expected["bias"])
    watched = {"inputs": inputs, "v": wrapped.v, "g": wrapped.g, "bias": inner.bias}
    if is_rnn:
        watched["kernel"] = inner.kernel
    watched = {key: getattr(variable, "value", variable) for key, variable in watched.items()}
    upstream = tf.constant(expected["upstream"], dtype)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = wrapped(inputs)
    gradients = tape.gradient(outputs, watched, output_gradients=upstream)
    arrays["outputs"] = outputs.numpy()
    arrays |= {f"gradient_{key}": value.numpy() for key, value in gradients.items()}
    return arrays, {key: expected[key] for key in arrays}


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_equals_tensorflow_addons(name: str, layer: type) -> None:
    arrays, expected = actual_and_expected(name, layer)
    for key, array in arrays.items():
        error = np.abs(array - expected[key]).max() / max(np.abs(expected[key]).max(), 1e-30)
        identical = np.count_nonzero(array == expected[key]) / array.size
        print(f"{name:<21}{key:<16} max |a − b| / max |b| = {error:.1e}, same bits {identical:.0%}")
        assert error <= 1e-6, key


def test_data_init_of_a_transposed_convolution_works_unlike_in_tensorflow_addons() -> None:
    assert FILE["transposed_data_init_error"]
    layer, arguments, _ = CASES["transposed"]
    wrapped = WeightNormalization(getattr(keras.layers, layer)(**arguments), data_init=True)
    inputs, v = tf.constant(FILE["transposed/inputs"]), FILE["transposed/v"]
    wrapped.build(inputs.shape)
    wrapped.v.assign(v / np.linalg.norm(v, axis=(0, 1)))
    outputs = wrapped(inputs).numpy()
    np.testing.assert_allclose(outputs.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.var(), 1, atol=0.1)
    np.testing.assert_array_equal(wrapped(inputs).numpy(), outputs)
