"""Models, losses, gradients and training steps against PyTorch with the same weights."""

import math
from collections.abc import Iterator
from dataclasses import replace

import keras
import numpy as np
import pytest
import torch
from helpers import oracle_weights, torch_oracle
from helpers.torch_arrays import TOLERANCE, assert_close, channels_last

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.config.sections import TrainingConfig
from tf_melgan.layers.filter_bank import FilterBank
from tf_melgan.losses.config import LossConfig
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.multi_scale.config import MultiScaleConfig
from tf_melgan.training.gan import MelGAN

tf = pytest.importorskip("tensorflow")

# The threads of the two libraries would compete for the same cores.
torch.set_num_threads(1)

# Exact in float32, to which Keras rounds a beta before it raises it to a power.
BETAS = (0.5, 0.875)
PAPER = Config(
    generator=MelGANConfig(channels=32),
    discriminator=MultiScaleConfig(channels=8, max_channels=64),
)


def random_config(seed: int) -> Config:
    """A random geometry: odd strides, several bands, other dilations, losses and reductions."""
    rng = np.random.default_rng(seed)
    upsampling = tuple(rng.choice([2, 3, 4, 5, 7], rng.integers(1, 4)).tolist())
    bands = int(rng.choice([1, 2, 4]))
    n_mels = int(rng.integers(4, 20))
    hop = math.prod(upsampling) * bands
    return Config(
        mel=MelSpec(n_fft=hop + 2 * max(hop, 256), hop=hop, n_mels=n_mels),
        generator=MelGANConfig(
            channels=2 ** len(upsampling) * int(rng.integers(2, 5)),
            upsampling=upsampling,
            dilations=tuple(rng.integers(1, 10, rng.integers(1, 4)).tolist()),
            bands=bands,
        ),
        discriminator=MultiScaleConfig(
            scales=int(rng.integers(1, 4)),
            channels=4 * int(rng.integers(1, 4)),
            max_channels=96,
            downsampling=tuple(rng.choice([2, 4], rng.integers(1, 4)).tolist()),
        ),
        loss=LossConfig(
            adversarial=str(rng.choice(["hinge", "least_squares"])),
            feature_matching_reduction=str(rng.choice(["sum", "mean_of_scales", "mean"])),
            weights={
                "stft": 0.7,
                "compressed_stft": 0.4,
                "mel": 3.0,
                "coherence": 2.0 * (hop >= 16),
                "envelope": 0.5,
                "phase": 1.5,
            },
        ),
        training=TrainingConfig(segment=hop, checkpoint_interval=1, steps=1),
    )


class Pair:
    """The same MelGAN in Keras and in torch, and a batch."""

    def __init__(self, config: Config, dtype: str, frames: int, batch: int = 2, seed: int = 0):
        torch.manual_seed(seed)
        kind = getattr(torch, dtype)
        generator, discriminator = config.generator, config.discriminator
        bands = generator.bands
        self.generator = torch_oracle.Generator(
            config.mel.n_mels,
            generator.channels,
            generator.upsampling,
            generator.dilations,
            bands,
            FilterBank().prototype(bands) if bands > 1 else None,
        ).to(kind)
        self.discriminator = torch_oracle.MultiScaleDiscriminator(
            discriminator.scales,
            discriminator.channels,
            discriminator.max_channels,
            discriminator.downsampling,
        ).to(kind)
        # g differs from the norm of v, and scores lie well beyond ±1, where the hinge bends.
        for module, most in ((self.generator, 2.0), (self.discriminator, 4.0)):
            for name, parameter in module.named_parameters():
                if name.endswith("original0"):
                    parameter.data.mul_(torch.empty_like(parameter).uniform_(0.5, most))
        weights = {name: value for name, value in config.loss.weights.items() if value}
        mel = config.mel
        self.losses = torch_oracle.Losses(
            config.loss.adversarial,
            config.loss.feature_matching_reduction,
            weights,
            (mel.sample_rate, mel.n_fft, mel.hop, mel.n_mels),
        )

        self.model = MelGAN(config, dtype=dtype)
        oracle_weights.copy(self.generator, self.model.generator)
        oracle_weights.copy(self.discriminator, self.model.discriminator)

        self.mel = torch.randn(batch, mel.n_mels, frames, dtype=kind)
        self.real = torch.empty(batch, 1, frames * mel.hop, dtype=kind).uniform_(-0.9, 0.9)

    def keras_batch(self) -> tuple[np.ndarray, np.ndarray]:
        return channels_last(self.mel), channels_last(self.real)

    def compile(self, kind: str, rate: float) -> list[torch.optim.Optimizer]:
        """Compiles the Keras model and returns the torch optimizers."""
        if kind == "sgd":
            self.model.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
            make = torch.optim.SGD
            settings = {}
        else:
            optimizers = [keras.optimizers.Adam(rate, *BETAS, epsilon=1e-8) for _ in range(2)]
            self.model.compile(*optimizers)
            make = torch.optim.Adam
            settings = {"betas": BETAS, "eps": 1e-8}
        return [
            make(m.parameters(), rate, **settings) for m in (self.generator, self.discriminator)
        ]


CASES = [
    pytest.param(PAPER, 4, id="paper"),
    pytest.param(PAPER, 1, id="paper, one frame"),
    *(pytest.param(random_config(seed), 1 + seed % 9, id=f"random {seed}") for seed in range(8)),
]


@pytest.fixture
def float64() -> Iterator[None]:
    """Optimizers and metrics in float64, too."""
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("config, frames", CASES)
def test_outputs_losses_and_gradients_equal_torch(config: Config, frames: int, dtype: str):
    if dtype == "float32":
        # The logarithm of a nearly empty bin magnifies float32 rounding without bound; the
        # spectral terms have their own test.
        config = replace(config, loss=replace(config.loss, weights={}))
    pair, tolerance = Pair(config, dtype, frames, seed=frames), TOLERANCE[dtype]
    pair.compile("sgd", 0.1)
    mel, real = (tf.constant(x) for x in pair.keras_batch())
    model = pair.model
    with tf.GradientTape(persistent=True) as tape:
        fake = model.generator(mel)
        real_outputs, fake_outputs = model.discriminator(real), model.discriminator(fake)
        discriminator_losses = model.discriminator_losses(real_outputs, fake_outputs)
        generator_losses = model.generator_losses(real, fake, real_outputs)

    torch_fake = pair.generator(pair.mel)
    torch_real_outputs = pair.discriminator(pair.real)
    torch_fake_outputs = pair.discriminator(torch_fake)
    torch_discriminator_loss = pair.losses.discriminator(torch_real_outputs, torch_fake_outputs)
    total, terms = pair.losses.generator(
        pair.real, torch_fake, torch_real_outputs, torch_fake_outputs
    )

    assert_close(fake, channels_last(torch_fake), tolerance)
    for actual, expected in (
        (real_outputs, torch_real_outputs),
        (fake_outputs, torch_fake_outputs),
    ):
        for actual_scale, expected_scale in zip(actual, expected, strict=True):
            for a, b in zip(actual_scale, expected_scale, strict=True):
                assert_close(a, channels_last(b), tolerance)
    assert_close(
        discriminator_losses["discriminator"], torch_discriminator_loss.detach().numpy(), tolerance
    )
    assert generator_losses.keys() == terms.keys() | {"generator"}
    for name, expected in {**terms, "generator": total}.items():
        assert_close(generator_losses[name], expected.detach().numpy(), tolerance)

    for keras_model, torch_model, keras_loss, torch_loss in (
        (
            model.discriminator,
            pair.discriminator,
            discriminator_losses["discriminator"],
            torch_discriminator_loss,
        ),
        (model.generator, pair.generator, generator_losses["generator"], total),
    ):
        parameters, variables = zip(*oracle_weights.pairs(torch_model, keras_model), strict=True)
        assert len(variables) == len(keras_model.trainable_variables)
        keras_gradients = tape.gradient(keras_loss, [variable.value for variable in variables])
        torch_gradients = torch.autograd.grad(torch_loss, parameters, retain_graph=True)
        for variable, a, b in zip(variables, keras_gradients, torch_gradients, strict=True):
            assert_close(a, oracle_weights.as_keras(b.numpy(), variable), tolerance)


@pytest.mark.parametrize("optimizer, rate", [("sgd", 1e-2), ("adam", 1e-4)])
@pytest.mark.parametrize("config, frames", CASES[2:5])
def test_three_training_steps_equal_torch(
    config: Config, frames: int, optimizer: str, rate: float, float64: None
):
    """Compares the losses and all weights after each step."""
    pair = Pair(config, "float64", frames)
    optimizers = pair.compile(optimizer, rate)
    batch = [tf.constant(x) for x in pair.keras_batch()]
    for step in range(1, 4):
        for group in (group for each in optimizers for group in each.param_groups):
            # Keras adds ε to the root of the biased second moment, torch to the corrected one's.
            if "eps" in group:
                group["eps"] = 1e-8 / math.sqrt(1 - BETAS[1] ** step)
        expected = torch_oracle.train_step(
            pair.generator, pair.discriminator, optimizers, pair.losses, pair.mel, pair.real
        )
        pair.model.reset_metrics()
        actual = pair.model.train_step(batch)
        for name, value in expected.items():
            assert_close(actual[name], value.numpy(), 1e-9)
        for torch_model, keras_model in (
            (pair.generator, pair.model.generator),
            (pair.discriminator, pair.model.discriminator),
        ):
            for parameter, variable in oracle_weights.pairs(torch_model, keras_model):
                assert_close(
                    variable, oracle_weights.as_keras(parameter.detach().numpy(), variable), 1e-9
                )
