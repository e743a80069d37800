"""Memory and compute that training a config needs, estimated without building the models."""

from tf_melgan.config import Config
from tf_melgan.models.cost import gmacs, parameters

_FLOAT_BYTES = 4
# Each convolution keeps its output and its activation for the backward pass.
_KEPT = 2
_FRAMEWORK_GB = 1.6


def memory(config: Config) -> float:
    """Estimates the memory of training, within 10 % of measurements on the CPU in float32.

    Counts the framework itself, five copies of every parameter (value, gradient, two Adam moments
    and one temporary), and the activations kept for the backward pass: once for the generator,
    twice for the discriminators (real and generated audio).

    Args:
        config: the run's config.

    Returns:
        Memory in GB (10⁹ bytes).
    """
    generator = config.generator.convolutions(config.mel)
    discriminator = config.discriminator.convolutions()
    per_sample = sum(x.rate * x.outputs for x in generator)
    per_sample += 2 * sum(x.rate * x.outputs for x in discriminator)
    samples = config.training.batch * config.training.segment
    numbers: float = 5 * (parameters(generator) + parameters(discriminator))
    numbers += _KEPT * per_sample * samples
    return _FRAMEWORK_GB + numbers * _FLOAT_BYTES / 1e9


def summary(config: Config) -> str:
    """The lines that `tf-melgan train --dry-run` prints: parameters, GMACs and memory."""
    networks = {
        "generator": config.generator.convolutions(config.mel),
        "discriminators": config.discriminator.convolutions(),
    }
    training = config.training
    start = training.discriminator_start
    part = {
        "generator": "",
        "discriminators": f"; from step {start}" if config.adversarial else "; not in this run",
    }
    lines = [
        f"{name:<15}{parameters(layers):>12,} parameters (weight normalization folded), "
        f"{gmacs(layers, config.mel.sample_rate):.2f} GMAC per second of audio{part[name]}"
        for name, layers in networks.items()
    ]
    lines.append(
        f"{'memory':<15}about {memory(config):.1f} GB for batches of {training.batch} × "
        f"{training.segment} samples"
    )
    return "\n".join(lines)
