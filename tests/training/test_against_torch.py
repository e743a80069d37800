"""Models, losses, gradients and whole steps against PyTorch primitives with the same weights."""

import math
from collections.abc import Iterator
from dataclasses import asdict, replace

import keras
import numpy as np
import pytest
import torch
from helpers import oracle_weights, torch_oracle

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.config.sections import TrainingConfig
from tf_melgan.layers.pqmf import prototype
from tf_melgan.losses.config import LossConfig
from tf_melgan.losses.spectral import (
    coherence_loss,
    compressed_stft_loss,
    envelope_loss,
    log_mel_l1_loss,
    multi_resolution_stft_loss,
)
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.multi_scale.config import MultiScaleConfig
from tf_melgan.training.gan import MelGAN

tf = pytest.importorskip("tensorflow")

# Two libraries' threads on the same cores wait for each other.
torch.set_num_threads(1)

# Powers of two and their sums, since Keras rounds what it raises to powers to float32.
BETAS = (0.5, 0.875)
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
PAPER = Config(
    generator=MelGANConfig(channels=32),
    discriminator=MultiScaleConfig(channels=8, max_channels=64),
)


def random_config(seed: int) -> Config:
    """Any geometry: odd strides, several bands, other dilations, losses and reductions."""
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
            },
        ),
        training=TrainingConfig(segment=hop, checkpoint_interval=1, steps=1),
    )


class Pair:
    """The same MelGAN twice, ours and torch's, and a batch."""

    def __init__(self, config: Config, dtype: str, frames: int, batch: int = 2, seed: int = 0):
        torch.manual_seed(seed)
        kind = getattr(torch, dtype)
        generator = asdict(config.generator)
        for key in ("type", "initializer"):
            del generator[key]
        discriminator = asdict(config.discriminator)
        for key in ("type", "initializer"):
            del discriminator[key]
        bands = config.generator.bands
        self.generator = torch_oracle.Generator(
            config.mel.n_mels, **generator, prototype=prototype(bands) if bands > 1 else None
        ).to(kind)
        self.discriminator = torch_oracle.MultiScaleDiscriminator(**discriminator).to(kind)
        # Lengths other than those of v; scores well beyond ±1, where the hinge bends.
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

    def our_batch(self) -> tuple[np.ndarray, np.ndarray]:
        return channels_last(self.mel), channels_last(self.real)

    def compile(self, kind: str, rate: float) -> list[torch.optim.Optimizer]:
        """Compiles ours and returns torch's optimizers."""
        if kind == "sgd":
            self.model.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
            make = torch.optim.SGD
            settings = {}
        else:
            ours = [keras.optimizers.Adam(rate, *BETAS, epsilon=1e-8) for _ in range(2)]
            self.model.compile(*ours)
            make = torch.optim.Adam
            settings = {"betas": BETAS, "eps": 1e-8}
        return [
            make(m.parameters(), rate, **settings) for m in (self.generator, self.discriminator)
        ]


def channels_last(signal: torch.Tensor) -> np.ndarray:
    return signal.detach().numpy().swapaxes(1, 2)


def agree(ours, theirs: np.ndarray, tolerance: float) -> None:
    """max |a − b| ≤ tolerance × max |b|."""
    ours = keras.ops.convert_to_numpy(ours)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


CASES = [
    pytest.param(PAPER, 4, id="paper"),
    pytest.param(PAPER, 1, id="paper, one frame"),
    *(pytest.param(random_config(seed), 1 + seed % 9, id=f"random {seed}") for seed in range(8)),
]


@pytest.fixture
def float64() -> Iterator[None]:
    """Optimizers and metrics in float64 too."""
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("config, frames", CASES)
def test_outputs_losses_and_gradients(config: Config, frames: int, dtype: str):
    if dtype == "float32":
        # The logarithm of a nearly empty bin magnifies float32's own rounding without bound; the
        # spectral terms have a test of their own.
        config = replace(config, loss=replace(config.loss, weights={}))
    pair, tolerance = Pair(config, dtype, frames, seed=frames), TOLERANCE[dtype]
    pair.compile("sgd", 0.1)
    mel, real = (tf.constant(x) for x in pair.our_batch())
    model = pair.model
    with tf.GradientTape(persistent=True) as tape:
        fake = model.generator(mel)
        real_outputs, fake_outputs = model.discriminator(real), model.discriminator(fake)
        discriminator_losses = model.discriminator_losses(real_outputs, fake_outputs)
        generator_losses = model.generator_losses(real, fake, real_outputs)

    their_fake = pair.generator(pair.mel)
    their_real_outputs = pair.discriminator(pair.real)
    their_fake_outputs = pair.discriminator(their_fake)
    their_discriminator_loss = pair.losses.discriminator(their_real_outputs, their_fake_outputs)
    total, terms = pair.losses.generator(
        pair.real, their_fake, their_real_outputs, their_fake_outputs
    )

    agree(fake, channels_last(their_fake), tolerance)
    for ours, theirs in ((real_outputs, their_real_outputs), (fake_outputs, their_fake_outputs)):
        for our_scale, their_scale in zip(ours, theirs, strict=True):
            for a, b in zip(our_scale, their_scale, strict=True):
                agree(a, channels_last(b), tolerance)
    agree(
        discriminator_losses["discriminator"], their_discriminator_loss.detach().numpy(), tolerance
    )
    assert generator_losses.keys() == terms.keys() | {"generator"}
    for name, theirs in {**terms, "generator": total}.items():
        agree(generator_losses[name], theirs.detach().numpy(), tolerance)

    for ours, theirs, our_loss, their_loss in (
        (
            model.discriminator,
            pair.discriminator,
            discriminator_losses["discriminator"],
            their_discriminator_loss,
        ),
        (model.generator, pair.generator, generator_losses["generator"], total),
    ):
        parameters, variables = zip(*oracle_weights.pairs(theirs, ours), strict=True)
        assert len(variables) == len(ours.trainable_variables)
        our_gradients = tape.gradient(our_loss, [variable.value for variable in variables])
        their_gradients = torch.autograd.grad(their_loss, parameters, retain_graph=True)
        for variable, a, b in zip(variables, our_gradients, their_gradients, strict=True):
            agree(a, oracle_weights.as_ours(b.numpy(), variable), tolerance)


@pytest.mark.parametrize("optimizer, rate", [("sgd", 1e-2), ("adam", 1e-4)])
@pytest.mark.parametrize("config, frames", CASES[2:5])
def test_three_steps(config: Config, frames: int, optimizer: str, rate: float, float64: None):
    """After each step: its losses, and all weights so far."""
    pair = Pair(config, "float64", frames)
    optimizers = pair.compile(optimizer, rate)
    batch = [tf.constant(x) for x in pair.our_batch()]
    for step in range(1, 4):
        for group in (group for each in optimizers for group in each.param_groups):
            # Keras adds ε to the root of the biased second moment, torch to that of the corrected.
            if "eps" in group:
                group["eps"] = 1e-8 / math.sqrt(1 - BETAS[1] ** step)
        theirs = torch_oracle.train_step(
            pair.generator, pair.discriminator, optimizers, pair.losses, pair.mel, pair.real
        )
        pair.model.reset_metrics()
        ours = pair.model.train_step(batch)
        for name, value in theirs.items():
            agree(ours[name], value.numpy(), 1e-9)
        for theirs, ours in (
            (pair.generator, pair.model.generator),
            (pair.discriminator, pair.model.discriminator),
        ):
            for parameter, variable in oracle_weights.pairs(theirs, ours):
                agree(variable, oracle_weights.as_ours(parameter.detach().numpy(), variable), 1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("samples", [300, 1000, 2000])
def test_spectral_losses(samples: int, dtype: str):
    """Values, and gradients with respect to the audio, on noise.

    A bin of the noise that is nearly empty makes any float32 gradient wrong, so float32 is held to
    the float64 oracle, as near to it as torch's own float32 comes, or nearer.
    """
    torch.manual_seed(samples)
    spec = MelSpec(n_fft=512, hop=100, n_mels=20)
    real, fake = torch.randn(2, 1, 1, samples, dtype=getattr(torch, dtype)).clamp(-3, 3) / 4
    ours = tf.constant(channels_last(fake))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(ours)
        values = [
            multi_resolution_stft_loss(tf.constant(channels_last(real)), ours),
            compressed_stft_loss(tf.constant(channels_last(real)), ours),
            log_mel_l1_loss(tf.constant(channels_last(real)), ours, spec),
            coherence_loss(tf.constant(channels_last(real)), ours, spec),
            envelope_loss(tf.constant(channels_last(real)), ours),
        ]
    exact = oracle_losses(real.double(), fake.double(), spec)
    for value, same, truth in zip(values, oracle_losses(real, fake, spec), exact, strict=True):
        agree(value, same[0], TOLERANCE[dtype])
        scale = np.abs(truth[1]).max()
        torchs_error = np.abs(same[1] - truth[1]).max() / scale
        error = np.abs(tape.gradient(value, ours).numpy() - truth[1]).max() / scale
        assert error <= max(TOLERANCE[dtype], 2 * torchs_error)


@pytest.mark.parametrize("hop", [100, 256])
def test_coherence_tells_what_repeats_every_hop_from_noise(hop: int):
    """1 for what repeats, near 0 for noise, −1 for what turns over each hop."""
    spec = MelSpec(hop=hop, n_fft=4 * hop, n_mels=8)
    rng = np.random.default_rng(hop)
    period = rng.normal(size=hop)
    silence, noise, repeated, turned = (
        signal[None, :, None]
        for signal in (
            np.zeros(64 * hop),
            rng.normal(size=64 * hop),
            np.tile(period, 64),
            np.tile([*period, *-period], 32),
        )
    )
    assert float(coherence_loss(silence, repeated, spec)) == pytest.approx(1, abs=1e-6)
    assert float(coherence_loss(turned, repeated, spec)) == pytest.approx(2, abs=1e-6)
    assert float(coherence_loss(noise, silence, spec)) < 0.2


def test_envelope_is_in_nepers():
    noise = np.random.default_rng(0).normal(size=(2, 6400, 1))
    louder = noise * np.where(np.arange(6400) < 3200, 1, np.e**2)[None, :, None]
    assert float(envelope_loss(noise, louder)) == pytest.approx(1, abs=0.01)
    assert float(envelope_loss(0 * noise, 1e-5 * noise)) == 0
    # Too short for a block: zeros behind both.
    short = float(envelope_loss(noise[:, :50], np.e * noise[:, :50]))
    assert short == pytest.approx(1, abs=1e-6)


def oracle_losses(real: torch.Tensor, fake: torch.Tensor, spec: MelSpec) -> list[tuple]:
    """The losses by torch, each with its gradient with respect to `fake`."""
    fake.requires_grad_(True)
    mel = (spec.sample_rate, spec.n_fft, spec.hop, spec.n_mels)
    values = [
        torch_oracle.stft_loss(real, fake),
        torch_oracle.compressed_stft_loss(real, fake),
        torch_oracle.log_mel_loss(real, fake, *mel),
        torch_oracle.coherence_loss(real, fake, spec.hop),
        torch_oracle.envelope_loss(real, fake),
    ]
    gradients = [torch.autograd.grad(value, fake, retain_graph=True)[0] for value in values]
    return [(v.detach().numpy(), channels_last(g)) for v, g in zip(values, gradients, strict=True)]
