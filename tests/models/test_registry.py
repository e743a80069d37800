"""A new type of network needs its folder and one line in the registry, as CONTRIBUTING.md says."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.losses import registry as losses
from tf_melgan.models.base import Discriminator, Generator
from tf_melgan.models.cost import Convolution
from tf_melgan.models.registry import DISCRIMINATORS, GENERATORS
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig, require_sizes
from tf_melgan.training.cost import summary
from tf_melgan.training.gan import MelGAN


class ToyDiscriminator(Discriminator):
    """One convolution and a score."""

    def __init__(self, channels: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.first = keras.layers.Conv1D(channels, 15, strides=4, dtype=self.dtype_policy)
        self.score = keras.layers.Conv1D(1, 3, dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        self.first.build(input_shape)
        self.score.build((None, None, self.first.filters))
        self.built = True

    def call(self, audio: Any) -> list[list[Any]]:
        features = ops.leaky_relu(self.first(audio), 0.2)
        return [[features, self.score(features)]]


@dataclass(frozen=True)
class ToyDiscriminatorConfig(DiscriminatorConfig):
    type: str = "toy"
    channels: int = 4

    def __post_init__(self) -> None:
        require_sizes("discriminator", self)

    @property
    def outputs(self) -> int:
        return 1

    def convolutions(self) -> list[Convolution]:
        return [
            Convolution(15, 1, self.channels, 1 / 4),
            Convolution(3, self.channels, 1, 1 / 4),
        ]

    def build_discriminator(self, **kwargs: Any) -> ToyDiscriminator:
        discriminator = ToyDiscriminator(self.channels, **kwargs)
        discriminator.build((None, None, 1))
        return discriminator


class ToyGenerator(Generator):
    """One convolution of kernel 3 from frames to their samples."""

    context = 1

    def __init__(self, n_mels: int, hop: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_mels, self.hop = n_mels, hop
        self.conv = keras.layers.Conv1D(hop, 3, padding="same", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        self.conv.build((None, None, self.n_mels))
        self.built = True

    def call(self, mel: Any) -> Any:
        return ops.reshape(self.conv(mel), (-1, ops.shape(mel)[1] * self.hop, 1))

    def folded(self) -> "ToyGenerator":
        return self

    def graph_builder(self, observe: Any) -> Any:
        import tensorflow as tf

        from tf_melgan.graph.builder import GraphBuilder, depth_to_time
        from tf_melgan.graph.stage import StreamingStage

        toy = self

        class ToyGraphBuilder(GraphBuilder):
            def stages(self) -> Any:
                kernel, bias = toy.conv.kernel.numpy(), toy.conv.bias.numpy()
                convolve = self.convolution("conv", kernel, bias)

                def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
                    return depth_to_time(convolve(padded), toy.hop)

                # A frame on either side, zeros beyond the ends, two frames of state.
                pad, state_length = (1, 1), 2
                yield StreamingStage(
                    "conv", tf.identity, toy.n_mels, pad, False, state_length, apply, toy.hop
                )

        return ToyGraphBuilder(observe)


@dataclass(frozen=True)
class ToyGeneratorConfig(GeneratorConfig):
    type: str = "toy"

    def convolutions(self, mel: MelSpec) -> list[Convolution]:
        return [Convolution(3, mel.n_mels, mel.hop, 1 / mel.hop)]

    def build_generator(self, mel: MelSpec, **kwargs: Any) -> ToyGenerator:
        generator = ToyGenerator(mel.n_mels, mel.hop, **kwargs)
        generator.build((None, None, mel.n_mels))
        return generator


MEL = {"hop": 16, "n_fft": 64, "n_mels": 8}


@pytest.fixture
def toys(monkeypatch):
    monkeypatch.setitem(GENERATORS, "toy", ToyGeneratorConfig)
    monkeypatch.setitem(DISCRIMINATORS, "toy", ToyDiscriminatorConfig)


def test_a_toy_discriminator_is_configured_counted_and_trained(toys):
    config = Config.from_dict(
        {
            "mel": MEL,
            "generator": {"type": "toy"},
            "discriminator": {"type": "toy", "channels": 6},
            "training": {"segment": 256},
        }
    )
    assert Config.from_dict(config.to_dict()) == config
    parameters = 15 * 6 + 6 + 3 * 6 + 1
    assert f"discriminators {parameters:>12,} parameters" in summary(config)
    model = MelGAN(config)
    assert model.discriminator.count_params() == parameters
    model.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2))
    before = model.discriminator.get_weights()
    rng = np.random.default_rng(0)
    batch = (
        rng.normal(size=(2, 16, 8)).astype("float32"),
        rng.uniform(-1, 1, (2, 256, 1)).astype("float32"),
    )
    history = model.fit((x for x in [batch]), steps_per_epoch=1, verbose=0).history
    assert {"adversarial", "feature_matching", "discriminator", "score_real_1"} <= history.keys()
    after = model.discriminator.get_weights()
    assert all(np.abs(a - b).max() > 0 for a, b in zip(after, before, strict=True))


def test_a_toy_generator_is_exported_and_streams(toys, tmp_path):
    pytest.importorskip("tensorflow")
    from tf_melgan.export import export_tflite
    from tf_melgan.inference.vocoder import Vocoder

    spec = MelSpec(**MEL)
    keras.utils.set_random_seed(0)
    generator = ToyGeneratorConfig().build_generator(spec)
    path = tmp_path / "toy.tflite"
    export_tflite(generator, spec, path)
    vocoder = Vocoder.load(path)
    mel = np.random.default_rng(0).uniform(-4, -2, (50, 8)).astype("float32")
    audio = vocoder.vocode(mel)
    expected = ops.convert_to_numpy(generator(mel[None]))[0, :, 0]
    assert np.abs(audio - expected).max() <= 1e-5 * np.abs(expected).max()
    stream = vocoder.stream()
    parts = [stream.push(mel[:7]), stream.push(mel[7:8]), stream.push(mel[8:]), stream.finish()]
    np.testing.assert_array_equal(np.concatenate(parts), audio)


def test_a_toy_loss_takes_part_in_training(toys, monkeypatch):
    # The registry's line, and what names depend on it.
    monkeypatch.setitem(losses.SPECTRAL_LOSSES, "toy", f"{__name__}:toy_loss")
    config = Config.from_dict(
        {
            "mel": MEL,
            "generator": {"type": "toy"},
            "loss": {"weights": {"adversarial": 0, "feature_matching": 0, "toy": 2.0}},
            "training": {"segment": 256},
        }
    )
    assert config.loss.active_terms() == {"toy": 2.0}
    model = MelGAN(config)
    real, fake = np.ones((1, 8, 1), "float32"), np.zeros((1, 8, 1), "float32")
    terms = model.generator_losses(real, fake, None)
    assert float(terms["toy"]) == 1.0 and float(terms["generator"]) == 2.0


def toy_loss(real: Any, fake: Any, mel: MelSpec) -> Any:
    return ops.mean(ops.abs(real - fake))


@pytest.mark.parametrize("section", ["generator", "discriminator"])
def test_an_unknown_type_is_refused(section):
    with pytest.raises(UserInputError, match=rf"^config: {section}.type is 'toy'; choose one of "):
        Config.from_dict({section: {"type": "toy"}})
