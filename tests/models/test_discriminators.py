"""Discriminators of periods and spectrograms, and mixtures: what they cost, return and refuse."""

import keras
import numpy as np
import pytest
from keras import ops

from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.models.cost import parameters
from tf_melgan.models.registry import DISCRIMINATORS

SMALL = {
    "multi_scale": {"channels": 4, "max_channels": 16, "downsampling": [4]},
    "multi_period": {"periods": [2, 3], "channels": 4, "max_channels": 16},
    "multi_resolution": {"sizes": [256, 512], "channels": 4},
}
PARTS = [{"type": name, **settings} for name, settings in SMALL.items()]
MIXTURE = {"discriminator": {"type": "mixture", "parts": PARTS}}


def norms(model: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in model.variables if v.name == "g")


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_counted_parameters_equal_those_of_the_keras_model(name):
    config = DISCRIMINATORS[name]()
    model = config.build_discriminator()
    assert model.count_params() - norms(model) == parameters(config.convolutions())


def test_counted_arithmetic_equals_the_positions_of_every_layer():
    for name in ("multi_period", "multi_resolution"):
        config = Config.from_dict({"discriminator": {"type": name, **SMALL[name]}}).discriminator
        samples = 2**14
        outputs = config.build_discriminator()(np.zeros((1, samples, 1), np.float32))
        layers = iter(config.convolutions())
        for network in outputs:
            for output in network:
                positions = np.prod(output.shape[:-1])
                # Frames at the ends are missing, or padded.
                assert next(layers).rate * samples == pytest.approx(positions, rel=0.06)


def test_a_mixture_gives_the_outputs_of_its_parts_in_order():
    config = Config.from_dict(MIXTURE)
    assert Config.from_dict(config.to_dict()) == config
    mixture = config.discriminator.build_discriminator()
    audio = np.random.default_rng(0).normal(size=(2, 2000, 1)).astype(np.float32)
    outputs = mixture(audio)
    assert len(outputs) == config.discriminator.outputs == 3 + 2 + 2
    expected = [network for part in mixture.parts for network in part(audio)]
    for a, b in zip(outputs, expected, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(x), ops.convert_to_numpy(y))


def test_a_mixture_is_written_to_yaml_and_read_back(tmp_path):
    config = Config.from_dict(MIXTURE)
    config.save(tmp_path / "config.yaml")
    assert Config.load(tmp_path / "config.yaml") == config


def test_a_mixture_is_saved_and_loaded_by_keras(tmp_path):
    mixture = Config.from_dict(MIXTURE).discriminator.build_discriminator()
    audio = np.random.default_rng(0).normal(size=(1, 2000, 1)).astype(np.float32)
    expected = mixture(audio)
    mixture.save(tmp_path / "mixture.keras")
    outputs = keras.saving.load_model(tmp_path / "mixture.keras")(audio)
    for a, b in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(a[-1], b[-1], rtol=1e-5, atol=1e-6)


def test_spectra_are_computed_in_float32_under_half_precision():
    """In bfloat16 itself, an FFT would fail or lose the quiet bins."""
    config = DISCRIMINATORS["multi_resolution"](sizes=(256,), channels=4)
    full, half = (config.build_discriminator(dtype=x) for x in ("float32", "mixed_bfloat16"))
    half.set_weights(full.get_weights())
    # bfloat16 holds these samples exactly.
    audio = np.random.default_rng(0).integers(-100, 100, (1, 2000, 1)).astype(np.float32) / 128
    a, b = (ops.convert_to_numpy(ops.cast(m(audio)[0][0], "float32")) for m in (full, half))
    assert "bfloat16" in str(half(audio)[0][0].dtype)
    assert np.abs(a - b).max() <= 0.02 * np.abs(a).max()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"type": "mixture", "parts": []}, "parts is empty; give at least one discriminator"),
        (
            {"type": "mixture", "parts": [{"type": "waves"}]},
            f"parts.type is 'waves'; choose one of {', '.join(DISCRIMINATORS)}",
        ),
        ({"type": "mixture", "parts": 3}, "parts is 3; give a list"),
        (
            {"type": "multi_resolution", "sizes": [510]},
            "sizes has 510; an n_fft must be a multiple of 4 and at least 16",
        ),
        ({"type": "multi_resolution", "sizes": []}, "sizes is empty; give at least one number"),
        ({"type": "multi_period", "periods": [0]}, "periods is 0; it must be at least 1"),
    ],
)
def test_wrong_values_are_refused(values, line):
    with pytest.raises(UserInputError) as error:
        Config.from_dict({"discriminator": values})
    assert str(error.value) == f"config: discriminator.{line}"


@pytest.mark.parametrize("samples", [100, 2001])
def test_a_length_that_is_unknown_until_the_step_runs_gives_the_same(samples):
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("JAX always knows the length")
    model = Config.from_dict(MIXTURE).discriminator.build_discriminator()
    audio = np.random.default_rng(0).normal(size=(2, samples, 1)).astype(np.float32)
    traced = tf.function(model, input_signature=[tf.TensorSpec((None, None, 1))])
    for network, expected in zip(traced(audio), model(audio), strict=True):
        for a, b in zip(network, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
