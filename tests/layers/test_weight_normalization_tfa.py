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


def upsample(filters: int, kernel_size: int, strides: int, padding: str) -> Upsample1D:
    """The `Upsample1D` that equals a Keras transposed convolution with these arguments."""
    assert (kernel_size, padding) == (2 * strides, "same")
    return Upsample1D(filters, strides)


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
    wrapped = WeightNormalization(layer(**arguments), data_init=data_init)
    inputs = tf.constant(expected["inputs"])
    wrapped.layer.build(inputs.shape)
    wrapped.layer.kernel.assign(expected["v"])

    arrays = {"first_outputs": wrapped(inputs).numpy()}
    arrays |= {"first_g": wrapped.g.numpy(), "first_bias": wrapped.layer.bias.numpy()}
    wrapped.g.assign(expected["g"])
    wrapped.layer.bias.assign(expected["bias"])
    watched = {
        "inputs": inputs,
        "v": wrapped.v.value,
        "g": wrapped.g.value,
        "bias": wrapped.layer.bias.value,
    }
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = wrapped(inputs)
    gradients = tape.gradient(outputs, watched, output_gradients=expected["upstream"])
    arrays["outputs"] = outputs.numpy()
    arrays |= {f"gradient_{key}": value.numpy() for key, value in gradients.items()}
    return arrays, {key: expected[key] for key in arrays}


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_equals_tensorflow_addons(name: str, layer: type) -> None:
    arrays, expected = actual_and_expected(name, layer)
    for key, array in arrays.items():
        error = np.abs(array - expected[key]).max() / max(np.abs(expected[key]).max(), 1e-30)
        identical = np.count_nonzero(array == expected[key]) / array.size
        print(f"{name:<18}{key:<16} max |a − b| / max |b| = {error:.1e}, same bits {identical:.0%}")
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
