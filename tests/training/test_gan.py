"""`MelGAN` as a Keras model: saving, cloning, precisions, phases, averages and errors."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.melgan.generator import MelGANGenerator
from tf_melgan.training.gan import MelGAN

SMALL = {
    "mel": {"n_mels": 12},
    "generator": {"channels": 8, "upsampling": [16, 16], "dilations": [1, 3]},
    "discriminator": {"scales": 2, "channels": 4, "max_channels": 16, "downsampling": [4, 4]},
    "loss": {"weights": {"stft": 1.0, "mel": 2.0}},
    "training": {"ema_decay": 0.75},
}


def small(**changes: object) -> Config:
    return Config.from_dict(SMALL).with_values(**changes)


def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    while True:
        mel, audio = random.normal(size=(2, 8, 12)), random.normal(0, 0.1, size=(2, 2048, 1))
        yield mel.astype("float32"), audio.astype("float32")


def compiled(config: Config, **kwargs: object) -> MelGAN:
    keras.utils.set_random_seed(1)
    model = MelGAN(config, **{key: kwargs.pop(key) for key in ("dtype",) if key in kwargs})
    model.compile(adam(), adam(), **kwargs)
    return model


def adam() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(1e-3, beta_1=0.5, beta_2=0.9, epsilon=1e-8)


def train(model: MelGAN, steps: int) -> dict[str, list[float]]:
    return model.fit(batches(), steps_per_epoch=steps, shuffle=False, verbose=0).history


def bits(model: MelGAN) -> list[bytes]:
    variables = (*model.variables, *model.optimizer.variables)
    return [ops.convert_to_numpy(variable).tobytes() for variable in variables]


def test_folding_keeps_the_output_and_the_papers_size() -> None:
    generator = MelGANConfig().build_generator(MelSpec())
    for variable in generator.trainable_variables:
        variable.assign(variable + 0.1 * keras.random.normal(variable.shape, seed=3))
    mel = next(batches())[0].repeat(7, axis=2)[:, :, :80]
    folded = generator.folded()
    assert folded.count_params() == 4_260_257
    a, b = (ops.convert_to_numpy(model(mel)) for model in (folded, generator))
    assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


@pytest.mark.parametrize(
    "upsampling,bands", [((8, 8, 2, 2), 1), ((5, 3), 1), ((4, 2), 4), ((7,), 2)]
)
def test_any_length_gives_frames_times_hop_samples(upsampling: tuple, bands: int) -> None:
    generator = MelGANGenerator(6, 2 ** len(upsampling) * 2, upsampling, (1, 3), bands)
    hop = int(np.prod(upsampling)) * bands
    for frames in (1, 2, 5, 11):
        mel = np.random.default_rng(frames).normal(size=(1, frames, 6)).astype("float32")
        assert generator(mel).shape == (1, frames * hop, 1)
    assert generator.compute_output_shape((1, 5, 6)) == (1, 5 * hop, 1)


def test_a_saved_model_resumes_bit_identically(tmp_path) -> None:
    keras.utils.set_random_seed(1)
    model = compiled(small())
    train(model, 2)
    model.save(tmp_path / "melgan.keras")
    model.save_weights(tmp_path / "melgan.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "melgan.keras")
    restored = compiled(small())
    restored.load_weights(tmp_path / "melgan.weights.h5")
    for other in (loaded, restored):
        assert bits(other) == bits(model)
    for one in (model, loaded, restored):
        train(one, 2)
    assert bits(loaded) == bits(restored) == bits(model)


def test_an_uncompiled_model_can_be_saved(tmp_path) -> None:
    model = MelGAN(small())
    model.save(tmp_path / "melgan.keras")
    loaded = keras.saving.load_model(tmp_path / "melgan.keras")
    assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))
    assert not loaded.compiled


def test_the_seed_determines_the_weights() -> None:
    runs = [compiled(small()), compiled(small())]
    for model in runs:
        train(model, 2)
    assert bits(runs[0]) == bits(runs[1])
    keras.utils.set_random_seed(2)
    assert bits(_with_current_seed()) != bits(compiled(small()))


def _with_current_seed() -> MelGAN:
    model = MelGAN(small())
    model.compile(adam(), adam())
    return model


def test_clones_have_the_same_structure() -> None:
    model = compiled(small())
    generator = keras.models.clone_model(model.generator)
    assert [v.shape for v in generator.variables] == [v.shape for v in model.generator.variables]
    assert keras.models.clone_model(model).config == model.config


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_weights_and_losses_in_float32(policy: str) -> None:
    exact, mixed = compiled(small()), compiled(small(), dtype=policy)
    history, expected = train(mixed, 1), train(exact, 1)
    assert {variable.dtype for variable in mixed.trainable_variables} == {"float32"}
    assert keras.backend.standardize_dtype(mixed(next(batches())[0]).dtype) == "float32"
    for name in ("generator", "discriminator", "stft", "mel"):
        assert history[name][0] == pytest.approx(expected[name][0], rel=0.02), name


def test_pretraining_leaves_the_discriminators_unchanged() -> None:
    model = compiled(small(), adversarial=False)
    before = model.discriminator.get_weights()
    history = train(model, 2)
    assert set(history) == {"loss", "generator", "stft", "mel"}
    assert all(map(np.array_equal, before, model.discriminator.get_weights()))
    model.compile(model.generator_optimizer, model.discriminator_optimizer)
    assert {"adversarial", "feature_matching", "discriminator"} < set(train(model, 1))
    assert not all(map(np.array_equal, before, model.discriminator.get_weights()))


def test_averaged_weights_follow_ema_decay() -> None:
    model, steps = compiled(small()), []
    for _ in range(3):
        train(model, 1)
        steps.append(model.generator.get_weights())
    for first, second, third, mean in zip(*steps, model.average.get_weights(), strict=True):
        # Of the random weights before the first step nothing is left.
        expected = (0.75**2 * first + 0.75 * second + third) / (0.75**2 + 0.75 + 1)
        np.testing.assert_allclose(mean, expected, rtol=1e-5, atol=1e-7)
    assert model.inference_generator is model.average


def test_the_generator_loss_is_the_weighted_sum_of_its_terms() -> None:
    history = {name: values[0] for name, values in train(compiled(small()), 1).items()}
    expected = (
        history["adversarial"]
        + 10 * history["feature_matching"]
        + history["stft"]
        + 2 * history["mel"]
    )
    assert history["generator"] == pytest.approx(expected, rel=1e-5)


def test_a_shared_optimizer_is_refused() -> None:
    optimizer = adam()
    with pytest.raises(ValueError, match="give each its own optimizer"):
        MelGAN(small()).compile(optimizer, optimizer)


def test_pretraining_without_a_loss_is_refused() -> None:
    config = small(**{"loss.weights.stft": 0.0, "loss.weights.mel": 0.0})
    with pytest.raises(ValueError, match="leaves no loss"):
        MelGAN(config).compile(adam(), adam(), adversarial=False)
