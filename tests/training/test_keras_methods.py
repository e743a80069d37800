"""The methods and callbacks of Keras on `MelGAN`, against plain Keras on its generator."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from helpers.arrays import normal
from helpers.bad_input import assert_user_error
from helpers.small_gan import BATCH, CONFIG, FRAMES, compiled, examples
from keras import callbacks, ops

from tf_melgan.errors import UserInputError
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.losses.spectral import envelope_loss
from tf_melgan.training.gan import MelGAN

RATE = 1e-2


def adam(**settings: Any) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(RATE, **settings)


def plain_and_gan(optimizer: Callable = adam, **settings: Any) -> tuple[keras.Model, MelGAN]:
    """A generator that plain Keras trains, and the same as part of a MelGAN in pre-training."""
    gan = MelGAN(CONFIG)
    gan.compile(optimizer(), optimizer(), adversarial=False, **settings)
    plain = CONFIG.generator.build_generator(CONFIG.mel)
    plain.set_weights(gan.generator.get_weights())
    plain.compile(optimizer(), loss=lambda real, fake: envelope_loss(real, fake), **settings)
    return plain, gan


def assert_equal(gan: MelGAN, plain: keras.Model) -> None:
    for ours, theirs in zip(gan.generator.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


# Nothing is an improvement by as much as 1e9.
CASES: dict[str, tuple[Callable, Callable, dict]] = {
    "validation": (adam, list, {}),
    "schedule": (adam, lambda: [callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)], {}),
    "plateau": (
        adam,
        lambda: [callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=1e9)],
        {},
    ),
    "early stopping": (
        adam,
        lambda: [callbacks.EarlyStopping(min_delta=1e9, patience=1, restore_best_weights=True)],
        {},
    ),
    "averages": (lambda: adam(use_ema=True, ema_momentum=0.7), list, {}),
    "swapped averages": (
        lambda: adam(use_ema=True, ema_momentum=0.7),
        lambda: [callbacks.SwapEMAWeights(swap_on_epoch=True)],
        {},
    ),
    "several steps at once": (adam, list, {"steps_per_execution": 2}),
    "eager": (adam, list, {"run_eagerly": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_pretraining_equals_plain_keras(case: str) -> None:
    optimizer, made, settings = CASES[case]
    models = plain_and_gan(optimizer, **settings)
    # The last batch is incomplete, so that means over batches are weighted by their sizes.
    mel, audio = examples(BATCH + 1)
    fitted = {"validation_data": examples(3, seed=1), "batch_size": BATCH, "epochs": 3}
    plain, gan = (
        model.fit(mel, audio, callbacks=made(), shuffle=False, verbose=0, **fitted).history
        for model in models
    )
    assert set(plain) <= set(gan)
    for name, values in plain.items():
        assert gan[name] == pytest.approx(values, rel=1e-4), name
    assert_equal(models[1], models[0])
    expected, (loss, *_) = (model.evaluate(mel, audio, BATCH, verbose=0) for model in models)
    assert loss == pytest.approx(expected, rel=1e-4)


def test_a_batch_at_a_time_equals_plain_keras() -> None:
    plain, gan = plain_and_gan()
    batch = examples()
    for _ in range(2):
        loss = gan.train_on_batch(*batch, return_dict=True)["loss"]
        assert loss == pytest.approx(plain.train_on_batch(*batch), rel=1e-4)
    assert gan.test_on_batch(*batch)[0] == pytest.approx(plain.test_on_batch(*batch), rel=1e-4)
    assert_equal(gan, plain)


def test_other_numbers_of_mels_than_of_waveforms_are_refused() -> None:
    model, (mel, audio) = compiled(), examples(4)
    line = "there are 4 log-mels, but 3 waveforms; give as many of each"
    for use in (
        lambda: model.fit(mel, audio[:3]),
        lambda: model.fit(mel, audio, validation_data=(mel, audio[:3])),
        lambda: model.evaluate(mel, audio[:3]),
        lambda: model.train_on_batch(mel, audio[:3]),
    ):
        assert_user_error(use, line)


def test_training_ends_at_the_first_nan() -> None:
    mel, audio = examples()
    mel[-1] = np.nan
    for model in plain_and_gan():
        stop = callbacks.TerminateOnNaN()
        history = model.fit(mel, audio, BATCH, epochs=3, callbacks=[stop], verbose=0).history
        assert len(history["loss"]) == 1


def test_evaluation_reports_every_loss_and_changes_nothing() -> None:
    model = compiled()
    mel, audio = examples()
    before = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    values = model.evaluate(mel, audio, BATCH, return_dict=True, verbose=0)
    # The weights are those before the first step, whose losses of the generator come after an
    # update of the discriminators.
    trained = model.train_on_batch(mel, audio, return_dict=True)
    assert values.keys() == trained.keys()
    for name in ("discriminator", "score_real_1", "score_fake_1", "envelope"):
        assert values[name] == pytest.approx(trained[name], rel=1e-5), name
    assert (
        values["loss"]
        == values["generator"]
        == pytest.approx(
            values["adversarial"] + 10 * values["feature_matching"] + values["envelope"], rel=1e-5
        )
    )
    model = compiled()
    model.evaluate(mel, audio, BATCH, verbose=0)
    after = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    assert all(map(np.array_equal, before, after))


def test_both_learning_rates_change_in_proportion() -> None:
    model = MelGAN(CONFIG)
    model.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(4e-3))
    halved = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = model.fit(*examples(), epochs=2, callbacks=[halved], verbose=0).history
    assert history["learning_rate"] == pytest.approx([5e-4, 2.5e-4])
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(2.5e-4)
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(1e-3)
    model.optimizer.learning_rate = 0.0
    model.optimizer.learning_rate = 1e-2
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(4e-2)
    with pytest.raises(TypeError, match="set it on generator_optimizer"):
        model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(1e-3, 10)


def test_an_optimizer_without_a_step_leaves_its_model_alone() -> None:
    model = MelGAN(CONFIG)
    model.compile(adam(use_ema=True), adam(use_ema=True), adversarial=False)
    before = model.discriminator.get_weights()
    model.fit(*examples(), verbose=0)
    assert all(map(np.array_equal, before, model.discriminator.get_weights()))


def test_names_of_optimizers_are_taken() -> None:
    model = MelGAN(CONFIG)
    model.compile("adam", "adam")
    assert isinstance(model.generator_optimizer, keras.optimizers.Adam)
    assert model.generator_optimizer is not model.discriminator_optimizer
    model.compile("sgd", "adam")
    model.fit(*examples(), verbose=0)
    assert isinstance(model.generator_optimizer, keras.optimizers.SGD)


def test_files_of_callbacks(tmp_path) -> None:
    kept = tmp_path / "best.keras"
    made = [
        callbacks.ModelCheckpoint(kept, save_best_only=True),
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False),
    ]
    model = compiled(steps_per_execution=2)
    data = {"x": examples()[0], "y": examples()[1], "validation_data": examples(seed=1)}
    history = model.fit(**data, batch_size=2, epochs=2, callbacks=made, verbose=0).history
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert {"loss", "val_loss", "discriminator"} < set(header.split(","))
    loaded = keras.saving.load_model(kept)
    assert loaded.steps_per_execution == 2 and loaded.adversarial
    best = loaded.evaluate(*examples(seed=1), verbose=0)[0]
    assert best == pytest.approx(min(history["val_loss"]), rel=1e-4)
    # All epochs are done: the backup is restored, and nothing is left to train.
    restored = compiled()
    restored.fit(**data, batch_size=2, epochs=2, callbacks=made[-1:], verbose=0)
    assert all(map(np.array_equal, restored.get_weights(), model.get_weights()))


def test_export_writes_the_generator_as_a_saved_model(tmp_path) -> None:
    model = compiled()
    if keras.backend.backend() == "jax":
        with pytest.raises(UserInputError, match="export needs Keras on TensorFlow"):
            model.export(tmp_path / "voice")
        return
    mel = normal(1, FRAMES, CONFIG.mel.n_mels) / 10 - 3
    model.export(tmp_path / "voice")
    expected = ops.convert_to_numpy(model.inference_generator(mel[None]))[0, :, 0]
    vocoded = Vocoder.load(tmp_path / "voice").vocode(mel)
    np.testing.assert_allclose(vocoded, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_evaluates_and_predicts(policy: str) -> None:
    model = MelGAN(CONFIG, dtype=policy)
    model.compile("adam", "adam")
    mel, audio = examples()
    history = model.fit(mel, audio, validation_data=(mel, audio), verbose=0).history
    assert np.isfinite(history["val_loss"])
    assert model.predict(mel, verbose=0).dtype == np.float32
