"""The layers against NumPy, PyTorch primitives and Keras's own slower ones."""

import keras
import numpy as np
import pytest
import torch
from keras import ops

from tf_melgan.layers.backends.unfolded import unfolded_grouped_conv1d
from tf_melgan.layers.convolutions import GroupedConv1D, ReflectionPadding1D, Upsample1D
from tf_melgan.layers.pqmf import PQMF, prototype
from tf_melgan.layers.residual_stack import ResidualStack
from tf_melgan.layers.weight_normalization import WeightNormalization


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def close(a: object, b: np.ndarray, tolerance: float = 1e-5) -> None:
    a = ops.convert_to_numpy(a)
    assert a.shape == b.shape
    assert np.abs(a - b).max() <= tolerance * np.abs(b).max()


@pytest.mark.parametrize("time", [1, 2, 3, 8, 40])
@pytest.mark.parametrize("padding", [0, 1, 7, 39, 40, 90])
def test_reflection_is_numpys(time: int, padding: int) -> None:
    x = normal(time, 2, time, 3)
    expected = np.pad(x, ((0, 0), (padding, padding), (0, 0)), mode="reflect")
    close(ReflectionPadding1D(padding)(x), expected, 0)


def test_reflection_of_unknown_length_is_numpys() -> None:
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("lengths are always known on this backend")
    layer = ReflectionPadding1D(9)
    reflect = tf.function(layer, input_signature=[tf.TensorSpec((None, None, 2))])
    for time in (1, 2, 9, 10, 31):
        x = normal(time, 1, time, 2)
        close(reflect(x), np.pad(x, ((0, 0), (9, 9), (0, 0)), mode="reflect"), 0)


@pytest.mark.parametrize("stride", range(2, 10))
@pytest.mark.parametrize("time", [1, 2, 11])
def test_upsampling_is_torchs_transposed_convolution(stride: int, time: int) -> None:
    layer = Upsample1D(3, stride, bias_initializer="random_normal")
    x = normal(stride, 2, time, 5)
    y = layer(x)
    theirs = torch.nn.ConvTranspose1d(
        5, 3, 2 * stride, stride, stride // 2 + stride % 2, stride % 2
    )
    kernel, bias = (np.array(weight) for weight in layer.get_weights())
    with torch.no_grad():
        theirs.weight[:] = torch.from_numpy(kernel.transpose(2, 1, 0).copy())
        theirs.bias[:] = torch.from_numpy(bias)
        expected = theirs(torch.from_numpy(x.transpose(0, 2, 1).copy())).numpy()
    assert y.shape == (2, time * stride, 3)
    close(y, expected.transpose(0, 2, 1))


@pytest.mark.parametrize("groups,inputs,filters,stride", [(4, 16, 64, 4), (8, 32, 32, 2)])
def test_grouped_convolution_is_torchs(groups: int, inputs: int, filters: int, stride: int) -> None:
    size = 10 * stride + 1
    layer = GroupedConv1D(filters, size, strides=stride, groups=groups)
    x = normal(0, 2, 200, inputs)
    y = layer(x)
    kernel = np.array(layer.get_weights()[0])
    expected = torch.nn.functional.conv1d(
        torch.from_numpy(x.transpose(0, 2, 1).copy()),
        torch.from_numpy(kernel.transpose(2, 1, 0).copy()),
        stride=stride,
        groups=groups,
    )
    expected = expected.numpy().transpose(0, 2, 1)
    close(y, expected)
    close(unfolded_grouped_conv1d(ops.convert_to_tensor(x), kernel, stride), expected)


WRAPPED = {
    "dense": lambda: keras.layers.Dense(6, activation="relu"),
    "conv": lambda: keras.layers.Conv1D(6, 3, bias_initializer="random_normal"),
    "grouped": lambda: GroupedConv1D(8, 5, strides=2, groups=2),
    "transposed": lambda: keras.layers.Conv1DTranspose(7, 4, strides=2, padding="same"),
    "no bias": lambda: keras.layers.Conv1D(6, 3, use_bias=False),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_weight_normalization_changes_nothing_at_first_then_scales_by_g(kind: str) -> None:
    x = normal(1, 2, 20, 4)
    layer = WRAPPED[kind]()
    layer.build(x.shape)
    expected = ops.convert_to_numpy(layer(x))
    wrapped = WeightNormalization(layer, data_init=False)
    close(wrapped(x), expected)

    wrapped.g.assign(3.0 * ops.convert_to_numpy(wrapped.g))
    wrapped.v.assign(0.5 * ops.convert_to_numpy(wrapped.v))
    tripled = ops.convert_to_numpy(wrapped(x))
    assert wrapped.remove() is layer
    close(layer(x), tripled)
    if getattr(layer, "bias", None) is not None:
        expected = expected - ops.convert_to_numpy(layer.bias)
        tripled = tripled - ops.convert_to_numpy(layer.bias)
    if kind != "dense":
        close(tripled, 3 * expected)


@pytest.mark.parametrize("kind", ["conv", "grouped", "transposed", "no bias"])
def test_data_init_gives_the_first_batch_unit_moments(kind: str) -> None:
    x = 3 + 2 * normal(2, 4, 60, 4)
    wrapped = WeightNormalization(WRAPPED[kind](), data_init=True)
    wrapped.build(x.shape)
    axes = tuple(range(len(wrapped.v.shape) - 1))
    wrapped.v.assign(wrapped.v / ops.norm(wrapped.v, axis=axes, keepdims=True))
    y = ops.convert_to_numpy(wrapped(x))
    if kind == "transposed":
        # One g per input channel cannot give each output its own scale: all share one.
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
def test_a_layer_comes_back_from_its_file(kind: str, policy: str, tmp_path) -> None:
    x = normal(3, 2, 24, 4)
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((None, 4)), LAYERS[kind]()])
    finally:
        keras.config.set_dtype_policy("float32")
    expected = ops.convert_to_numpy(ops.cast(model(x), "float32"))
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    close(ops.cast(loaded(x), "float32"), expected, 0)
    assert loaded.output_shape == model.output_shape
    assert {v.dtype for v in loaded.trainable_variables} <= {"float32"}


@pytest.mark.parametrize("bands", [2, 4, 8])
def test_pqmf_reconstructs_to_60_db(bands: int) -> None:
    x = normal(4, 1, 400 * bands, 1)
    bank = PQMF(bands)
    subbands = bank.analysis(ops.convert_to_tensor(x))
    assert subbands.shape == (1, 400, bands)
    y = ops.convert_to_numpy(bank.synthesis(subbands))
    edge = len(prototype(bands))
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
