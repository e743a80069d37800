"""What a config costs before anything is built: parameters, arithmetic, memory, from its geometry.

Counts are of the folded networks (weight normalization folded into the kernels), since these are
what runs after training; a multiply and an add count as one MAC.
"""

from dataclasses import dataclass

from tf_melgan.config import (
    OVERLAP,
    Config,
    DiscriminatorConfig,
    FourierConfig,
    GeneratorConfig,
)
from tf_melgan.features import MelSpec

_FLOAT = 4
# Each convolution leaves its output and its activation for the backward pass.
_KEPT = 2
_FRAMEWORK_GB = 1.6


@dataclass(frozen=True)
class Convolution:
    """One convolution; `rate` is how often it is evaluated per sample of the waveform.

    A `fixed` one is no parameter: nothing in it is learned.
    """

    kernel: int
    inputs: int
    outputs: int
    rate: float
    groups: int = 1
    fixed: bool = False

    @property
    def parameters(self) -> int:
        if self.fixed:
            return 0
        return self.kernel * (self.inputs // self.groups) * self.outputs + self.outputs

    @property
    def macs(self) -> float:
        """Multiply-adds per sample of the waveform."""
        return self.rate * self.kernel * (self.inputs // self.groups) * self.outputs


def generator(config: GeneratorConfig | FourierConfig, mel: MelSpec) -> list[Convolution]:
    """The generator's convolutions, in order."""
    if isinstance(config, FourierConfig):
        return _fourier(config, mel)
    rate, channels = 1.0 / config.bands, config.channels
    for factor in config.upsampling:
        rate /= factor
    layers = [Convolution(7, mel.n_mels, channels, rate)]
    for factor in config.upsampling:
        # A transposed convolution meets its whole kernel once per sample that comes in.
        layers.append(Convolution(2 * factor, channels, channels // 2, rate))
        rate, channels = rate * factor, channels // 2
        for _ in config.dilations:
            layers += [Convolution(kernel, channels, channels, rate) for kernel in (3, 1, 1)]
    return [*layers, Convolution(7, channels, config.bands, rate)]


def _fourier(config: FourierConfig, mel: MelSpec) -> list[Convolution]:
    """With the gains of norms and blocks folded into kernels, as they are after training."""
    rate, width, spectrum = 1.0 / mel.hop, config.width, OVERLAP * mel.hop + 2
    layers = [Convolution(7, mel.n_mels, width, rate)]
    for _ in range(config.depth):
        layers.append(Convolution(7, width, width, rate, width))
        layers += [Convolution(1, width, 3 * width, rate), Convolution(1, 3 * width, width, rate)]
    layers.append(Convolution(1, width, spectrum, rate))
    # The mel's own magnitudes.
    layers.append(Convolution(1, mel.n_mels, spectrum // 2, rate, fixed=True))
    # The inverse STFT as it is exported: bins by their remainder modulo 4, then overlap-add.
    even, twice = mel.hop // 2 + 1, (mel.hop + 1) // 2
    for bins, outputs in ((even, mel.hop), (twice, mel.hop), (mel.hop, 2 * mel.hop)):
        layers.append(Convolution(1, 2 * bins, outputs, rate, fixed=True))
    whole = OVERLAP * mel.hop
    return [*layers, Convolution(OVERLAP, whole, whole, rate, whole, fixed=True)]


def discriminator(config: DiscriminatorConfig) -> list[Convolution]:
    """The convolutions of all scales of the discriminator."""
    layers = []
    for scale in range(config.scales):
        rate, channels = 0.5**scale, config.channels
        layers.append(Convolution(15, 1, channels, rate))
        for stride in config.downsampling:
            rate, wider = rate / stride, min(channels * stride, config.max_channels)
            groups = channels // 4 if stride > 1 else 1
            layers.append(Convolution(10 * stride + 1, channels, wider, rate, groups))
            channels = wider
        layers.append(Convolution(5, channels, channels, rate))
        layers.append(Convolution(3, channels, 1, rate))
    return layers


def parameters(layers: list[Convolution]) -> int:
    """How many numbers the folded layers hold."""
    return sum(layer.parameters for layer in layers)


def gmacs(layers: list[Convolution], sample_rate: int) -> float:
    """Billions of multiply-adds per second of audio."""
    return sum(layer.macs for layer in layers) * sample_rate / 1e9


def memory(config: Config) -> float:
    """GB that training takes: within a tenth of what was measured, on the CPU in float32.

    The framework itself, five copies of every parameter (value, gradient, two moments of Adam,
    one in flight), and the activations that the backward pass keeps: of the generator once, of
    the discriminators for the real and for the generated sound.
    """
    one, other = generator(config.generator, config.mel), discriminator(config.discriminator)
    per_sample = sum(x.rate * x.outputs for x in one) + 2 * sum(x.rate * x.outputs for x in other)
    samples = config.training.batch * config.training.segment
    numbers = 5 * (parameters(one) + parameters(other)) + _KEPT * per_sample * samples
    return _FRAMEWORK_GB + numbers * _FLOAT / 1e9


def summary(config: Config) -> str:
    """What `tf-melgan train --dry-run` prints about a config, a line for each thing."""
    one, other = generator(config.generator, config.mel), discriminator(config.discriminator)
    lines = [
        f"{name:<15}{parameters(layers):>12,} parameters (weight normalization folded), "
        f"{gmacs(layers, config.mel.sample_rate):.2f} GMAC per second of audio"
        for name, layers in (("generator", one), ("discriminators", other))
    ]
    training = config.training
    lines.append(
        f"{'memory':<15}about {memory(config):.1f} GB for batches of {training.batch} × "
        f"{training.segment} samples"
    )
    return "\n".join(lines)
