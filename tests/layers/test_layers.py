"""The layers against NumPy and closed forms; tests against torch are in their own file."""

import keras
import numpy as np
import pytest
from helpers.arrays import assert_close, normal
from keras import ops

from tf_melgan.layers.convolutions import GroupedConv1D, ReflectionPadding1D, Upsample1D
from tf_melgan.layers.filter_bank import FilterBank
from tf_melgan.layers.pqmf import PQMF
from tf_melgan.layers.residual_stack import ResidualStack
from tf_melgan.layers.weight_normalization import WeightNormalization


@pytest.mark.parametrize("time", [1, 2, 3, 8, 40])
@pytest.mark.parametrize("padding", [0, 1, 7, 39, 40, 90])
def test_reflection_equals_numpy(time: int, padding: int) -> None:
    x = normal(time, 2, time, 3)
    expected = np.pad(x, ((0, 0), (padding, padding), (0, 0)), mode="reflect")
    assert_close(ReflectionPadding1D(padding)(x), expected, 0)


def test_reflection_of_unknown_length_equals_numpy() -> None:
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("lengths are always known on this backend")
    layer = ReflectionPadding1D(9)
    reflect = tf.function(layer, input_signature=[tf.TensorSpec((None, None, 2))])
    for time in (1, 2, 9, 10, 31):
        x = normal(time, 1, time, 2)
        assert_close(reflect(x), np.pad(x, ((0, 0), (9, 9), (0, 0)), mode="reflect"), 0)


WRAPPED = {
    "dense": lambda: keras.layers.Dense(6, activation="relu"),
    "conv": lambda: keras.layers.Conv1D(6, 3, bias_initializer="random_normal"),
    "grouped": lambda: GroupedConv1D(8, 5, strides=2, groups=2),
    "transposed": lambda: keras.layers.Conv1DTranspose(7, 4, strides=2, padding="same"),
    "no bias": lambda: keras.layers.Conv1D(6, 3, use_bias=False),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_weight_normalization_keeps_the_initial_output_and_scales_with_g(kind: str) -> None:
    x = normal(1, 2, 20, 4)
    layer = WRAPPED[kind]()
    layer.build(x.shape)
    expected = ops.convert_to_numpy(layer(x))
    wrapped = WeightNormalization(layer, data_init=False)
    assert_close(wrapped(x), expected)

    wrapped.g.assign(3.0 * ops.convert_to_numpy(wrapped.g))
    wrapped.v.assign(0.5 * ops.convert_to_numpy(wrapped.v))
    tripled = ops.convert_to_numpy(wrapped(x))
    assert wrapped.remove() is layer
    assert_close(layer(x), tripled)
    if getattr(layer, "bias", None) is not None:
        expected = expected - ops.convert_to_numpy(layer.bias)
        tripled = tripled - ops.convert_to_numpy(layer.bias)
    if kind != "dense":
        assert_close(tripled, 3 * expected)


@pytest.mark.parametrize("kind", ["conv", "grouped", "transposed", "no bias"])
def test_data_init_gives_the_first_batch_unit_moments(kind: str) -> None:
    x = 3 + 2 * normal(2, 4, 60, 4)
    wrapped = WeightNormalization(WRAPPED[kind](), data_init=True)
    wrapped.build(x.shape)
    axes = tuple(range(len(wrapped.v.shape) - 1))
    wrapped.v.assign(wrapped.v / ops.norm(wrapped.v, axis=axes, keepdims=True))
    y = ops.convert_to_numpy(wrapped(x))
    if kind == "transposed":
        # With one g per input channel, the outputs cannot be scaled one by one.
        assert abs(y.mean()) < 0.05 and 0.5 < y.std() < 2
    elif kind == "no bias":
        np.testing.assert_allclose(y.std(axis=(0, 1)), 1, atol=1e-3)
    else:
        np.testing.assert_allclose(y.mean(axis=(0, 1)), 0, atol=1e-4)
        np.testing.assert_allclose(y.std(axis=(0, 1)), 1, atol=1e-3)
    again = ops.convert_to_numpy(wrapped(5 * x))
    assert np.abs(again).max() > 2 * np.abs(y).max()


def test_weight_normalization_refuses_a_layer_without_kernel() -> None:
    with pytest.raises(ValueError, match="ReLU has none"):
        WeightNormalization(keras.layers.ReLU())(np.zeros((1, 2, 3), "float32"))


LAYERS = {
    "weight norm": lambda: WeightNormalization(keras.layers.Conv1D(5, 3), data_init=False),
    "weight norm with data init": lambda: WeightNormalization(Upsample1D(5, 3)),
    "reflection": lambda: ReflectionPadding1D(4),
    "grouped": lambda: GroupedConv1D(8, 5, strides=2, groups=2),
    "upsampling": lambda: Upsample1D(6, 3),
    "stack": lambda: ResidualStack(4, (1, 2)),
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_layers_survive_saving_and_loading(kind: str, policy: str, tmp_path) -> None:
    x = normal(3, 2, 24, 4)
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((None, 4)), LAYERS[kind]()])
    finally:
        keras.config.set_dtype_policy("float32")
    expected = ops.convert_to_numpy(ops.cast(model(x), "float32"))
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    assert_close(ops.cast(loaded(x), "float32"), expected, 0)
    assert loaded.output_shape == model.output_shape
    assert {v.dtype for v in loaded.trainable_variables} <= {"float32"}


@pytest.mark.parametrize("bands", [2, 4, 8])
def test_pqmf_reconstructs_to_60_db(bands: int) -> None:
    x = normal(4, 1, 400 * bands, 1)
    bank = PQMF(bands)
    subbands = bank.analysis(ops.convert_to_tensor(x))
    assert subbands.shape == (1, 400, bands)
    y = ops.convert_to_numpy(bank.synthesis(subbands))
    edge = len(FilterBank().prototype(bands))
    error = (y - x)[:, edge:-edge]
    ratio = 10 * np.log10(np.mean(x[:, edge:-edge] ** 2) / np.mean(error**2))
    assert ratio >= 60, ratio


@pytest.mark.parametrize("band", range(4))
def test_pqmf_puts_a_tone_into_its_band(band: int) -> None:
    time = np.arange(2000)
    tone = np.sin(np.pi * (band + 0.5) / 4 * time)[None, :, None].astype(np.float32)
    energy = np.sum(
        ops.convert_to_numpy(PQMF(4).analysis(ops.convert_to_tensor(tone))) ** 2, (0, 1)
    )
    assert energy[band] / energy.sum() > 0.999
