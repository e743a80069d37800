"""Which values a config may have, and what is said of others."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from tf_melgan.errors import BadInput

if TYPE_CHECKING:
    from tf_melgan.config import Config

ADVERSARIAL = ("hinge", "least_squares")
FEATURE_MATCHING_REDUCTIONS = ("sum", "mean_of_scales", "mean")
INITIALIZERS = ("normal", "torch")
DECAYS = ("constant", "exponential", "cosine")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def _require(holds: bool, line: str) -> None:
    if not holds:
        raise BadInput(line)


def _choice(key: str, value: str, known: tuple[str, ...]) -> None:
    _require(value in known, f"{key} is {value!r}; choose one of {', '.join(known)}")


def check(config: "Config") -> None:
    """Raises `BadInput` naming the first key whose value cannot be."""
    mel, generator, discriminator = config.mel, config.generator, config.discriminator
    training, optimizer, loss = config.training, config.optimizer, config.loss
    _choice("discriminator.initializer", discriminator.initializer, INITIALIZERS)
    _choice("loss.adversarial", loss.adversarial, ADVERSARIAL)
    _choice(
        "loss.feature_matching_reduction",
        loss.feature_matching_reduction,
        FEATURE_MATCHING_REDUCTIONS,
    )
    _choice("optimizer.decay", optimizer.decay, DECAYS)
    _choice("training.precision", training.precision, PRECISIONS)

    _check_generator(config)
    for section, values in (
        ("generator", asdict(generator)),
        ("discriminator", asdict(discriminator)),
    ):
        for key, value in values.items():
            numbers = value if isinstance(value, tuple) else (value,)
            _require(bool(numbers), f"{section}.{key} is empty; give at least one number")
            for number in numbers:
                if isinstance(number, int) and key != "lookahead":
                    _require(number >= 1, f"{section}.{key} is {number}; it must be at least 1")

    _require(
        discriminator.channels % 4 == 0,
        f"discriminator.channels is {discriminator.channels}; it must be a multiple of 4, "
        "the channels of a group",
    )
    _require(
        discriminator.max_channels % discriminator.channels == 0,
        f"discriminator.max_channels is {discriminator.max_channels}; it must be a multiple of "
        f"discriminator.channels {discriminator.channels}",
    )
    filters = discriminator.channels
    for stride in discriminator.downsampling:
        groups = filters // 4 if stride > 1 else 1
        filters = min(filters * stride, discriminator.max_channels)
        _require(
            filters % groups == 0,
            f"discriminator.downsampling is {list(discriminator.downsampling)}: after a stride of "
            f"{stride}, {filters} channels do not divide among {groups} groups; choose a "
            "discriminator.max_channels that the others divide",
        )
    for key in ("steps", "batch", "segment", "interval"):
        value = getattr(training, key)
        _require(value >= 1, f"training.{key} is {value}; it must be at least 1")
    _require(
        training.segment % mel.hop == 0,
        f"training.segment is {training.segment} samples; it must be a multiple of "
        f"mel.hop {mel.hop}",
    )
    _require(
        training.steps % training.interval == 0,
        f"training.steps is {training.steps}; it must be a multiple of "
        f"training.interval {training.interval}",
    )
    _require(
        training.discriminator_start >= 0 and training.discriminator_start % training.interval == 0,
        f"training.discriminator_start is {training.discriminator_start}; it must be 0 or a "
        f"multiple of training.interval {training.interval}",
    )
    weights = asdict(loss.weights)
    for key, value in weights.items():
        _require(value >= 0, f"loss.weights.{key} is {value}; it must be 0 or more")
    _require(
        mel.hop >= 16 or not loss.weights.coherence,
        f"loss.weights.coherence is {loss.weights.coherence}; with mel.hop {mel.hop}, under 16, a "
        "spectrum has no band for it; give 0",
    )
    _require(any(weights.values()), "loss.weights are all 0; give at least one term a weight")
    _require(
        training.discriminator_start == 0 or loss.weights.spectral > 0,
        f"training.discriminator_start is {training.discriminator_start}, but without the "
        "discriminator there is no loss; give loss.weights.stft, compressed_stft or mel a weight",
    )
    _require(
        len(training.gain) == 2 and 0 < training.gain[0] <= training.gain[1] <= 1,
        f"training.gain is {list(training.gain)}; give [lowest, highest] with "
        "0 < lowest <= highest <= 1",
    )
    for key in ("silence", "beginnings", "ema"):
        value = getattr(training, key)
        _require(0 <= value < 1, f"training.{key} is {value}; it must be in [0, 1)")
    _require(training.seed >= 0, f"training.seed is {training.seed}; it must be 0 or more")
    for key in ("learning_rate", "epsilon"):
        value = getattr(optimizer, key)
        _require(value > 0, f"optimizer.{key} is {value}; it must be more than 0")
    for key in ("beta_1", "beta_2"):
        value = getattr(optimizer, key)
        _require(0 <= value < 1, f"optimizer.{key} is {value}; it must be in [0, 1)")
    final = optimizer.final_learning_rate
    _require(
        final == 0 if optimizer.decay == "constant" else final > 0,
        f"optimizer.final_learning_rate is {final} and optimizer.decay is {optimizer.decay}; "
        "give exponential or cosine decay a rate above 0 to end at, and constant none",
    )


def _check_generator(config: "Config") -> None:
    mel, generator = config.mel, config.generator
    if generator.kind == "fourier":
        most = 3 * (generator.depth + 1)
        _require(
            0 <= generator.lookahead <= most,
            f"generator.lookahead is {generator.lookahead}; with generator.depth "
            f"{generator.depth} it must be in 0–{most}",
        )
        return
    _choice("generator.initializer", generator.initializer, INITIALIZERS)
    product = math.prod(generator.upsampling) * generator.bands
    _require(
        product == mel.hop,
        f"generator.upsampling {list(generator.upsampling)} × generator.bands {generator.bands} "
        f"= {product}, but mel.hop is {mel.hop}; they must be equal",
    )
    halvings = 2 ** len(generator.upsampling)
    _require(
        generator.channels % halvings == 0,
        f"generator.channels is {generator.channels}; {len(generator.upsampling)} stages halve it, "
        f"so it must be a multiple of {halvings}",
    )
