"""WeightNormalization of RNN layers, layers of one's own and kernels that do not end in outputs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from helpers.arrays import assert_close, normal
from keras import layers, ops

from tf_melgan.layers.weight_normalization import WeightNormalization

RNN_LAYERS = [layers.LSTM, layers.GRU, layers.SimpleRNN]


@keras.saving.register_keras_serializable("tests")
class OwnDense(keras.layers.Layer):
    """A layer with nothing but what WeightNormalization asks for: kernel, and perhaps a bias."""

    def __init__(self, units: int, use_bias: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.has_bias = units, use_bias

    def build(self, input_shape: tuple) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        if self.has_bias:
            self.bias = self.add_weight(shape=(self.units,), name="bias", initializer="ones")

    def call(self, inputs: Any) -> Any:
        outputs = ops.matmul(inputs, self.kernel)
        return outputs + self.bias if self.has_bias else outputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "use_bias": self.has_bias}


def array(x: Any) -> np.ndarray:
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("data_init", [True, False])
def test_a_layer_of_ones_own_equals_the_layer_of_keras(use_bias: bool, data_init: bool) -> None:
    x = normal(1, 5, 7, 4)
    own = WeightNormalization(OwnDense(3, use_bias), data_init=data_init)
    dense = WeightNormalization(
        layers.Dense(3, use_bias=use_bias, bias_initializer="ones"), data_init=data_init
    )
    own.build(x.shape)
    dense.build(x.shape)
    dense.set_weights(own.get_weights())
    for _ in range(2):
        assert_close(own(x), array(dense(x)), 0)
    assert_close(own.g, array(dense.g), 0)


def test_a_layer_of_ones_own_survives_saving(tmp_path) -> None:
    model = keras.Sequential([keras.Input((7, 4)), WeightNormalization(OwnDense(3))])
    assert model.output_shape == (None, 7, 3)
    x = normal(1, 5, 7, 4)
    model.layers[0](x)
    expected = array(model(x))
    model.save(tmp_path / "own.keras")
    assert_close(keras.saving.load_model(tmp_path / "own.keras")(x), expected, 0)


EINSUM = {"equation": "abc,cd->abd", "output_shape": (None, 6), "bias_axes": "d"}


def test_data_init_of_an_einsum_dense_equals_that_of_a_dense() -> None:
    x = normal(2, 5, 7, 4)
    einsum, dense = (
        WeightNormalization(layers.EinsumDense(**EINSUM)),
        WeightNormalization(layers.Dense(6)),
    )
    einsum.build(x.shape)
    dense.build(x.shape)
    dense.set_weights(einsum.get_weights())
    assert_close(einsum(x), array(dense(x)))
    assert_close(einsum.g, array(dense.g))


# The last axis of these kernels is that of the inputs, of the same size as the outputs.
NOT_PER_OUTPUT = {
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(4, 4, 2, padding="same"), (3, 20, 4)),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(4, 4, 2), (3, 6, 6, 4)),
    "EinsumDense": (lambda: layers.EinsumDense("abc,dc->abd", (None, 4), bias_axes="d"), (3, 9, 4)),
}


@pytest.mark.parametrize("kind", NOT_PER_OUTPUT)
def test_data_init_without_a_g_per_output_gives_all_the_mean_scale(kind: str) -> None:
    make, shape = NOT_PER_OUTPUT[kind]
    x = 1 + 3 * normal(3, *shape)
    plain = make()
    outputs = array(plain(x))
    axes = tuple(range(outputs.ndim - 1))
    scale = (1 / outputs.std(axes)).mean()
    wrapped = WeightNormalization(make())
    wrapped.build(shape)
    wrapped.layer.set_weights(plain.get_weights())
    wrapped(x)
    assert_close(wrapped.g, np.full(4, scale))
    assert_close(wrapped.layer.bias, -outputs.mean(axes) * scale)


@pytest.mark.parametrize("layer", RNN_LAYERS)
def test_an_rnn_keeps_its_output_and_scales_its_recurrent_kernel(layer: Callable) -> None:
    x = normal(4, 2, 5, 4)
    plain = layer(3)
    expected = array(plain(x))
    wrapped = WeightNormalization(plain, data_init=False)
    assert_close(wrapped(x), expected)
    assert wrapped.v is plain.cell.recurrent_kernel
    kernel = array(wrapped.v)
    wrapped.g.assign(3 * array(wrapped.g))
    wrapped.v.assign(0.5 * kernel)
    scaled = array(wrapped(x))
    assert np.abs(scaled - expected).max() > 1e-3
    assert wrapped.remove() is plain
    assert_close(plain.cell.recurrent_kernel, 3 * kernel)
    assert_close(plain(x), scaled)


@pytest.mark.parametrize(
    ("layer", "return_sequences"),
    [(layers.LSTM, True), (layers.LSTM, False), (layers.GRU, True), (layers.SimpleRNN, False)],
)
def test_a_bidirectional_of_wrapped_layers_equals_that_of_plain_ones(
    layer: Callable, return_sequences: bool, tmp_path
) -> None:
    x, mask = normal(5, 2, 6, 4), np.array([[True] * 6, [True] * 3 + [False] * 3])
    plain = layers.Bidirectional(layer(3, return_sequences=return_sequences))
    wrapped = layers.Bidirectional(
        WeightNormalization(layer(3, return_sequences=return_sequences), data_init=False)
    )
    expected = array(plain(x, mask=mask))
    wrapped.build(x.shape)
    for direction in ("forward_layer", "backward_layer"):
        source, target = getattr(plain, direction), getattr(wrapped, direction)
        target.layer.set_weights(source.get_weights())
        norms = np.linalg.norm(array(target.v), axis=0)
        target.g.assign(norms)
    assert_close(wrapped(x, mask=mask), expected)

    model = keras.Sequential([keras.Input((6, 4)), wrapped])
    assert model.output_shape == ((None, 6, 6) if return_sequences else (None, 6))
    expected = array(model(x))
    model.save(tmp_path / "bidirectional.keras")
    assert_close(keras.saving.load_model(tmp_path / "bidirectional.keras")(x), expected, 0)


def test_an_rnn_takes_and_returns_states_and_masks() -> None:
    x, states = normal(6, 2, 5, 4), [normal(7, 2, 3), normal(8, 2, 3)]
    plain = layers.LSTM(3, return_sequences=True, return_state=True)
    mask = np.array([[True] * 5, [True, True, False, False, False]])
    expected = plain(x, initial_state=states, mask=mask)
    wrapped = WeightNormalization(plain, data_init=False)
    outputs = wrapped(x, initial_state=states, mask=mask)
    for a, b in zip(outputs, expected, strict=True):
        assert_close(a, array(b))
    masked = keras.Sequential([layers.Masking(), WeightNormalization(plain, data_init=False)])
    padded = x * mask[..., None]
    for a, b in zip(masked(padded), plain(padded, mask=mask), strict=True):
        assert_close(a, array(b))


@pytest.mark.parametrize(
    ("layer", "policy"),
    [
        (layers.LSTM, "mixed_bfloat16"),
        (layers.GRU, "mixed_float16"),
        (OwnDense, "mixed_bfloat16"),
    ],
)
def test_mixed_precision_keeps_g_in_float32(layer: Callable, policy: str) -> None:
    x = normal(9, 8, 5, 4)
    exact = WeightNormalization(layer(3))
    mixed = WeightNormalization(layer(3, dtype=policy))
    exact.build(x.shape)
    mixed.build(x.shape)
    mixed.set_weights(exact.get_weights())
    outputs = mixed(x)
    assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
    assert mixed.g.dtype == "float32"
    exact(x)
    assert_close(mixed.g, array(exact.g), 0.05)
