"""MelGAN in PyTorch primitives: the oracle of the tests and a peer in the benchmarks.

Signals are (batch, channels, samples), as in torch. Imports nothing from tf_melgan.
"""

from dataclasses import dataclass

import librosa
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from helpers.torch_filter_bank import join_bands

# TensorFlow's kernel stores 0.2 in float32, whatever the dtype of its input.
SLOPE = float(np.float32(0.2))


class Reflect(nn.Module):
    """Reflection padding that, like numpy.pad, reflects repeatedly where the signal is short."""

    def __init__(self, amount: int):
        super().__init__()
        self.amount = amount

    def forward(self, x: Tensor) -> Tensor:
        if self.amount < x.shape[-1]:
            return F.pad(x, (self.amount, self.amount), "reflect")
        return x[..., torch.from_numpy(np.pad(np.arange(x.shape[-1]), self.amount, "reflect"))]


def conv(*args, **kwargs) -> nn.Module:
    return weight_norm(nn.Conv1d(*args, **kwargs))


class ResidualBlock(nn.Module):
    def __init__(self, channels: int, dilation: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            Reflect(dilation),
            conv(channels, channels, 3, dilation=dilation),
            nn.LeakyReLU(SLOPE),
            conv(channels, channels, 1),
        )
        self.shortcut = conv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.block(x)


class Generator(nn.Module):
    """(batch, n_mels, frames) → (batch, 1, samples); `prototype` has the taps of several bands."""

    def __init__(self, n_mels, channels, upsampling, dilations, bands=1, prototype=None):
        super().__init__()
        self.prototype = prototype
        layers = [Reflect(3), conv(n_mels, channels, 7)]
        for factor in upsampling:
            odd = factor % 2
            up = nn.ConvTranspose1d(
                channels, channels // 2, 2 * factor, factor, factor // 2 + odd, output_padding=odd
            )
            layers += [nn.LeakyReLU(SLOPE), weight_norm(up)]
            channels //= 2
            layers += [ResidualBlock(channels, dilation) for dilation in dilations]
        layers += [nn.LeakyReLU(SLOPE), Reflect(3), conv(channels, bands, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, mel: Tensor) -> Tensor:
        outputs = self.layers(mel)
        return outputs if self.prototype is None else join_bands(outputs, self.prototype)


class Discriminator(nn.Module):
    """(batch, 1, samples) → the activations of each layer, the score last."""

    def __init__(self, channels, max_channels, downsampling):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(Reflect(7), conv(1, channels, 15))])
        for factor in downsampling:
            wider, kernel = min(channels * factor, max_channels), 10 * factor + 1
            self.layers.append(
                conv(channels, wider, kernel, factor, 5 * factor, groups=channels // 4)
            )
            channels = wider
        self.layers.append(conv(channels, channels, 5, padding=2))
        self.score = conv(channels, 1, 3, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        activations = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            activations.append(x)
        return [*activations, self.score(x)]


class MultiScaleDiscriminator(nn.Module):
    """One discriminator per scale; each scale has half the rate of the previous one."""

    def __init__(self, scales, channels, max_channels, downsampling, pooling_padding=1):
        super().__init__()
        self.pooling_padding = pooling_padding
        self.scales = nn.ModuleList(
            Discriminator(channels, max_channels, downsampling) for _ in range(scales)
        )

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        outputs = []
        for scale, discriminator in enumerate(self.scales):
            if scale:
                x = F.avg_pool1d(x, 4, 2, self.pooling_padding, count_include_pad=False)
            outputs.append(discriminator(x))
        return outputs


def discriminator_loss(kind: str, real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    pairs = [(r[-1], f[-1]) for r, f in zip(real, fake, strict=True)]
    if kind == "hinge":
        return sum(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in pairs)
    return sum(((1 - r) ** 2).mean() + (f**2).mean() for r, f in pairs)


def adversarial_loss(kind: str, fake: list[list[Tensor]]) -> Tensor:
    if kind == "hinge":
        return sum(-f[-1].mean() for f in fake)
    return sum(((1 - f[-1]) ** 2).mean() for f in fake)


def feature_matching_loss(
    reduction: str, real: list[list[Tensor]], fake: list[list[Tensor]]
) -> Tensor:
    terms = [
        F.l1_loss(f, r.detach())
        for real_scale, fake_scale in zip(real, fake, strict=True)
        for r, f in zip(real_scale[:-1], fake_scale[:-1], strict=True)
    ]
    return sum(terms) / {"sum": 1, "mean_of_scales": len(real), "mean": len(terms)}[reduction]


def magnitude(audio: Tensor, n_fft: int, hop: int) -> Tensor:
    """(batch, 1, samples) → (batch, bins, frames), without padding."""
    window = torch.hann_window(n_fft, dtype=audio.dtype)
    spectrum = torch.stft(audio[:, 0], n_fft, hop, window=window, center=False, return_complex=True)
    return torch.sqrt(spectrum.real**2 + spectrum.imag**2)


def stft_loss(real: Tensor, fake: Tensor) -> Tensor:
    losses = []
    for n_fft in (512, 1024, 2048):
        short = max(n_fft - real.shape[-1], 0)
        a, b = (magnitude(F.pad(x, (0, short)), n_fft, n_fft // 4) for x in (real, fake))
        a, b = a.clamp(min=1e-5), b.clamp(min=1e-5)
        losses.append((a - b).norm() / a.norm() + F.l1_loss(b.log(), a.log()))
    return sum(losses) / len(losses)


def compressed_stft_loss(real: Tensor, fake: Tensor) -> Tensor:
    losses = []
    for n_fft in (128, 256, 512, 1024, 2048):
        short = max(n_fft - real.shape[-1], 0)
        a, b = (magnitude(F.pad(x, (0, short)), n_fft, n_fft // 4) for x in (real, fake))
        a, b = a.clamp(min=1e-5), b.clamp(min=1e-5)
        losses.append((a - b).norm() / a.norm() + 3 * F.l1_loss(b**0.3, a**0.3))
    return sum(losses) / len(losses)


def coherence_loss(real: Tensor, fake: Tensor, hop: int) -> Tensor:
    """Compares, in bands of 32 bins, the coherence of frames of four hops that are a hop apart."""

    def coherence(audio: Tensor) -> Tensor:
        size = 4 * hop
        audio = F.pad(audio[:, 0], (0, max(size + hop - audio.shape[-1], 0)))
        frames = audio.unfold(-1, size, hop) * torch.hann_window(size, dtype=audio.dtype)
        spectra = torch.fft.rfft(frames)[..., : size // 64 * 32].unflatten(-1, (-1, 32))
        current, following = spectra[:, :-1], spectra[:, 1:]
        cross = (current * following.conj()).real.sum(-1)
        power = (current.abs().square() + following.abs().square()).sum(-1) / 2
        return cross / (power + 1e-8)

    return F.l1_loss(coherence(fake), coherence(real))


def envelope_loss(real: Tensor, fake: Tensor) -> Tensor:
    def levels(audio: Tensor) -> Tensor:
        blocks = F.pad(audio[:, 0], (0, max(64 - audio.shape[-1], 0))).unfold(-1, 64, 32)
        return blocks.square().mean(-1).clamp(min=1e-8).sqrt().log()

    return F.l1_loss(levels(fake), levels(real))


def phase_loss(real: Tensor, fake: Tensor) -> Tensor:
    """1 − cos of the difference of the phases' steps along time and along frequency."""
    losses = []
    for n_fft in (512, 1024):
        hop = n_fft // 4
        short = max(n_fft + hop - real.shape[-1], 0)
        window = torch.hann_window(n_fft, dtype=real.dtype)
        a, b = (
            torch.fft.rfft(F.pad(x[:, 0], (0, short)).unfold(-1, n_fft, hop) * window)
            for x in (real, fake)
        )
        for dim in (1, 2):
            steps, fake_steps = (
                x.narrow(dim, 1, x.shape[dim] - 1) * x.narrow(dim, 0, x.shape[dim] - 1).conj()
                for x in (a, b)
            )
            weight = steps.abs().clamp(min=1e-9) ** 0.3
            # Where a signal is padded, angles would have no gradient.
            turned = steps * fake_steps.conj()
            cosine = turned.real / (turned.abs() ** 2 + 1e-12).sqrt()
            losses.append(((weight * (1 - cosine)).sum((1, 2)) / weight.sum((1, 2))).mean())
    return sum(losses) / len(losses)


def log_mel_loss(real: Tensor, fake: Tensor, rate: int, n_fft: int, hop: int, n_mels: int):
    bank = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmax=rate / 2, dtype=np.float64)
    bank = torch.from_numpy(bank).to(real.dtype)

    def log_mel(audio: Tensor) -> Tensor:
        padded = Reflect((n_fft - hop) // 2)(audio)
        return (bank @ magnitude(padded, n_fft, hop)).clamp(min=1e-5).log10()

    return F.l1_loss(log_mel(fake), log_mel(real))


@dataclass(frozen=True)
class Losses:
    """The losses to minimise; a term without a weight is not computed.

    Attributes:
        kind: "hinge" or "least_squares".
        weights: weights of the terms, by their names in `generator`.
        mel: arguments of `log_mel_loss`.
    """

    kind: str
    reduction: str
    weights: dict[str, float]
    mel: tuple[int, int, int, int] = (22050, 1024, 256, 80)

    def discriminator(self, real, fake) -> Tensor:
        return discriminator_loss(self.kind, real, fake)

    def generator(self, real, fake, real_outputs, fake_outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of the terms, and each term by name."""
        terms = {
            "adversarial": lambda: adversarial_loss(self.kind, fake_outputs),
            "feature_matching": lambda: feature_matching_loss(
                self.reduction, real_outputs, fake_outputs
            ),
            "stft": lambda: stft_loss(real, fake),
            "compressed_stft": lambda: compressed_stft_loss(real, fake),
            "mel": lambda: log_mel_loss(real, fake, *self.mel),
            "coherence": lambda: coherence_loss(real, fake, self.mel[2]),
            "envelope": lambda: envelope_loss(real, fake),
            "phase": lambda: phase_loss(real, fake),
        }
        values = {name: terms[name]() for name in self.weights}
        return sum(self.weights[name] * value for name, value in values.items()), values


def train_step(generator, discriminator, optimizers, losses, mel, real) -> dict[str, Tensor]:
    """One step on (batch, n_mels, frames) and (batch, 1, samples).

    Updates the discriminator, then the generator against the updated discriminator. `optimizers`
    are those of the generator and of the discriminator. Returns the losses by name.
    """
    generator_optimizer, discriminator_optimizer = optimizers
    fake = generator(mel)

    real_outputs = discriminator(real)
    discriminator_loss = losses.discriminator(real_outputs, discriminator(fake.detach()))
    discriminator_optimizer.zero_grad()
    discriminator_loss.backward()
    discriminator_optimizer.step()

    # The updated discriminator passes gradients on, but needs none for its own weights.
    discriminator.requires_grad_(False)
    generator_loss, terms = losses.generator(real, fake, real_outputs, discriminator(fake))
    generator_optimizer.zero_grad()
    generator_loss.backward()
    generator_optimizer.step()
    discriminator.requires_grad_(True)
    values = {"discriminator": discriminator_loss, "generator": generator_loss, **terms}
    return {name: value.detach() for name, value in values.items()}
