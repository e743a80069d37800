"""Batches of every shape that `MelGAN` takes, and the lines that refuse others."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from helpers.small_gan import BATCH, CONFIG, compiled, examples

from tf_melgan.errors import UserInputError
from tf_melgan.losses.registry import SPECTRAL_LOSSES

EVERY_LOSS = CONFIG.with_values(**{f"loss.weights.{name}": 1.0 for name in SPECTRAL_LOSSES})
MEL, AUDIO = examples()


def test_waveforms_need_no_channel() -> None:
    histories = [
        compiled().fit(MEL, audio, epochs=2, validation_data=(MEL, audio), verbose=0).history
        for audio in (AUDIO, AUDIO[:, :, 0])
    ]
    assert histories[0] == histories[1]


REFUSED = {
    "waveforms have 100 samples, but 8 frames of hop 16 are 128; give frames · hop samples": (
        MEL,
        AUDIO[:, :100],
    ),
    "log-mels have the shape (4, 4, 8); give (batch, frames, 4)": (MEL.swapaxes(1, 2), AUDIO),
    "log-mels have the shape (4, 8); give (batch, frames, 4)": (MEL[:, :, 0], AUDIO),
    "waveforms have the shape (4, 128, 2); give (batch, samples, 1) or (batch, samples)": (
        MEL,
        AUDIO.repeat(2, axis=-1),
    ),
    "waveforms are int16; give floating-point values": (MEL, (AUDIO * 32767).astype("int16")),
    "a batch is not (log-mel, waveform); give both, each as one array": (MEL,),
    "sample weights do not apply to the losses of a GAN; leave them out": (
        MEL,
        AUDIO,
        np.ones(BATCH),
    ),
}


@pytest.mark.parametrize("line", REFUSED)
@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
def test_another_batch_is_refused(line: str, method: str) -> None:
    with pytest.raises(UserInputError) as error:
        getattr(compiled(), method)(*REFUSED[line])
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("line", "call"),
    {
        "the waveforms have no classes; leave class_weight out": lambda model, folder: model.fit(
            MEL, AUDIO, class_weight={0: 2.0}
        ),
        "sample weights do not apply to the losses of a GAN; leave them out": (
            lambda model, folder: model.evaluate(MEL, AUDIO, sample_weight=np.ones(BATCH))
        ),
        "{folder}/gan.h5: HDF5 does not hold a whole MelGAN; save a .keras file, or weights alone "
        "with save_weights": lambda model, folder: model.save(folder / "gan.h5"),
        "export to onnx: MelGAN exports a SavedModel; for a .tflite file use "
        "tf_melgan.export.export_tflite": (
            lambda model, folder: model.export(folder / "voice", format="onnx")
        ),
        "input_signature: an exported voice has fixed signatures; leave it out": (
            lambda model, folder: model.export(folder / "voice", input_signature=[])
        ),
    }.items(),
)
def test_what_does_not_apply_is_refused(line: str, call: Callable, tmp_path) -> None:
    with pytest.raises(UserInputError) as error:
        call(compiled(), tmp_path)
    assert str(error.value) == line.format(folder=tmp_path)
    assert not any(tmp_path.iterdir())


def dataset(shapes: tuple, audio: np.ndarray = AUDIO) -> Any:
    """Two batches, of which TensorFlow knows no more than these shapes."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("shapes are always known on this backend")

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for _ in range(2):
            yield MEL, audio

    specs = tuple(tf.TensorSpec(shape) for shape in shapes)
    return tf.data.Dataset.from_generator(batches, output_signature=specs)


@pytest.fixture(scope="module")
def expected() -> dict[str, list[float]]:
    """The losses of an epoch whose shapes are known."""
    return compiled(EVERY_LOSS).fit(dataset((MEL.shape, AUDIO.shape)), verbose=0).history


UNKNOWN = {
    "lengths": ((None, None, 4), (None, None, 1)),
    "lengths, without channel": ((None, None, 4), (None, None)),
    "ranks": (None, None),
}


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_a_dataset_of_unknown_shapes_equals_one_of_known_shapes(
    unknown: str, expected: dict[str, list[float]]
) -> None:
    audio = AUDIO[:, :, 0] if "without channel" in unknown else AUDIO
    history = compiled(EVERY_LOSS).fit(dataset(UNKNOWN[unknown], audio), verbose=0).history
    for name, values in expected.items():
        assert history[name] == pytest.approx(values, rel=1e-5), name


def test_the_end_of_a_dataset_is_no_step() -> None:
    model = compiled(CONFIG.with_values(**{"training.ema_decay": 0.5}))
    model.fit(dataset((MEL.shape, AUDIO.shape)), verbose=0)
    assert int(model.generator_optimizer.iterations) == 2
    assert int(model.discriminator_optimizer.iterations) == 2
    endless = compiled(CONFIG.with_values(**{"training.ema_decay": 0.5}))
    repeated = dataset((MEL.shape, AUDIO.shape)).repeat()
    expected = endless.fit(repeated, steps_per_epoch=2, verbose=0).history["loss"]
    assert model.history.history["loss"] == pytest.approx(expected, rel=1e-5)
    for mean, other in zip(model.get_weights(), endless.get_weights(), strict=True):
        np.testing.assert_allclose(mean, other, rtol=1e-4, atol=1e-6)


def test_another_length_is_refused_when_the_step_runs() -> None:
    with pytest.raises(Exception, match="do not have as many samples as their log-mels have"):
        compiled().fit(dataset(UNKNOWN["lengths"], AUDIO[:, :100]), verbose=0)
