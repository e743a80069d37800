"""What a run says of its discriminators: gradients at the waveform, and who is winning."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from tf_melgan.audio.mel import log_mel
from tf_melgan.config import Config, TrainingConfig
from tf_melgan.data.prepared import Prepared
from tf_melgan.training import backends
from tf_melgan.training.adversarial_callbacks import DiscriminatorWatch, WaveformGradients
from tf_melgan.training.callbacks import Steps
from tf_melgan.training.gan import MelGAN

CONFIG = Config.from_dict(
    {
        "generator": {"channels": 16, "upsampling": [8, 8, 4], "initializer": "torch"},
        "discriminator": {"type": "multi_resolution", "sizes": [256], "channels": 4},
        "loss": {"weights": {"adversarial": 0.5, "feature_matching": 3.0, "mel": 2.0}},
    }
)


class Lines:
    """A progress bar that keeps its lines."""

    def __init__(self):
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


def test_gradients_of_each_scalar_come_by_name():
    x = np.array([1.0, -2.0, 3.0], np.float32)
    found = backends.gradients(lambda x: {"square": ops.sum(x**2), "line": 3 * ops.sum(x)}, x)
    assert found.keys() == {"square", "line"}
    np.testing.assert_allclose(found["square"], 2 * x)
    np.testing.assert_allclose(found["line"], [3, 3, 3])


@pytest.mark.parametrize("adversarial", [False, True])
def test_gradients_at_the_waveform_equal_finite_differences(prepared_folder, adversarial):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("finite differences need float64")
    samples = 4096
    prepared = Prepared.open(prepared_folder)
    keras.utils.set_random_seed(0)
    model = MelGAN(CONFIG, dtype="float64")
    model.compile(keras.optimizers.Adam(), keras.optimizers.Adam(), adversarial=adversarial)
    callback = WaveformGradients(prepared, samples)
    callback.set_model(model)
    logs: dict[str, float] = {}
    callback.on_epoch_end(0, logs)
    terms = CONFIG.loss.active_terms(adversarial)
    assert logs.keys() == {f"gradient_{name}" for name in terms}

    audio = prepared.audio(prepared.utterances("validation")[0])
    first = (len(audio) - samples) // 2 // 256
    mel = log_mel(audio, prepared.spec)[first : first + samples // 256]
    real = audio[first * 256 :][:samples][None, :, None].astype(np.float64)
    fake = ops.convert_to_numpy(model.generator(mel[None]))
    outputs = model.discriminate(real, fake)[0] if adversarial else None
    # Along random directions, the mean square of the slopes is the mean square of the gradient.
    rng, slopes = np.random.default_rng(0), {name: [] for name in terms}
    for _ in range(100):
        direction = rng.normal(0, 1e-5 * np.abs(fake).mean(), fake.shape)
        up, down = (
            model.generator_losses(real, fake + x, outputs) for x in (direction, -direction)
        )
        length = 2 * np.sqrt(np.sum(direction**2))
        for name, weight in terms.items():
            slopes[name].append(weight * float(up[name] - down[name]) / length)
    for name in terms:
        slope = np.sqrt(np.mean(np.square(slopes[name])))
        assert logs[f"gradient_{name}"] == pytest.approx(slope, rel=0.3), name


def test_segments_are_whole_frames_of_recordings_that_are_long_enough(prepared_folder):
    prepared = Prepared.open(prepared_folder)
    long = len(prepared.audio(prepared.utterances("validation")[0])) // 256 * 256
    assert WaveformGradients(prepared, long + 256).audio == []
    callback = WaveformGradients(prepared, 4096)
    assert [x.shape for x in callback.audio] == [(4096,)]
    assert [x.shape for x in callback.mels] == [(16, 80)]
    # The mel of the segment itself agrees away from its ends.
    own = log_mel(callback.audio[0], prepared.spec)
    assert np.abs(own - callback.mels[0])[2:-2].max() <= 1e-5
    logs: dict[str, float] = {}
    WaveformGradients(prepared, long + 256).on_epoch_end(0, logs)
    assert logs == {}


@pytest.mark.parametrize(
    ("accuracy", "done", "said"),
    [
        (None, 100, None),
        (0.52, 100, "only guess, and teach the generator nothing (right in 52.0% of their scores)"),
        (0.56, 100, None),
        (0.95, 100, None),
        (0.995, 100, "have won, and the generator learns little from them (right in 99.5%"),
        # The discriminators start at 10, warm up to 15, and are judged from an interval after it.
        (0.52, 20, None),
        (0.52, 30, "only guess"),
    ],
)
def test_dead_and_winning_discriminators_are_named(accuracy, done, said):
    progress = Lines()
    training = TrainingConfig(
        steps=100, checkpoint_interval=10, discriminator_start=10, discriminator_warmup=5
    )
    watch = DiscriminatorWatch(progress, Steps(done, math.inf), training)
    watch.on_epoch_end(0, {} if accuracy is None else {"discriminator_accuracy": accuracy})
    assert len(progress.lines) == (said is not None)
    if said:
        assert f"the discriminators {said}" in progress.lines[0]
        assert "optimizer.discriminator_learning_rate" in progress.lines[0]
