"""One `Config` says everything about a vocoder and its training: dataclasses ↔ YAML, checked."""

import difflib
import math
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from tf_melgan.errors import BadInput
from tf_melgan.features import MelSpec
from tf_melgan.files import whole_file

ADVERSARIAL = ("hinge", "least_squares")
FEATURE_MATCHING_REDUCTIONS = ("sum", "mean_of_scales", "mean")
INITIALIZERS = ("normal", "torch")
DECAYS = ("constant", "exponential", "cosine")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class GeneratorConfig:
    """See `tf_melgan.generator.Generator`."""

    channels: int = 512
    upsampling: tuple[int, ...] = (8, 8, 2, 2)
    dilations: tuple[int, ...] = (1, 3, 9)
    bands: int = 1
    initializer: str = "normal"


@dataclass(frozen=True)
class DiscriminatorConfig:
    """See `tf_melgan.discriminator.MultiScaleDiscriminator`."""

    scales: int = 3
    channels: int = 16
    max_channels: int = 1024
    downsampling: tuple[int, ...] = (4, 4, 4, 4)
    initializer: str = "normal"


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms of the generator's loss; a term of weight 0 is not computed."""

    adversarial: float = 1.0
    feature_matching: float = 10.0
    stft: float = 0.0
    mel: float = 0.0


@dataclass(frozen=True)
class LossConfig:
    """See `tf_melgan.losses`."""

    adversarial: str = "hinge"
    feature_matching_reduction: str = "mean_of_scales"
    weights: LossWeights = field(default_factory=LossWeights)


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam, for the generator and for the discriminator alike."""

    learning_rate: float = 1e-4
    final_learning_rate: float = 0.0
    decay: str = "constant"
    beta_1: float = 0.5
    beta_2: float = 0.9
    epsilon: float = 1e-8


@dataclass(frozen=True)
class TrainingConfig:
    """See `tf_melgan.training.train`. `segment` is in samples; the rest that counts is in steps."""

    steps: int = 400_000
    batch: int = 16
    segment: int = 8192
    gain: tuple[float, ...] = (0.3, 1.0)
    seed: int = 0
    interval: int = 1000
    discriminator_start: int = 0
    ema: float = 0.0
    precision: str = "float32"


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes; a run's folder holds it as `config.yaml`."""

    mel: MelSpec = field(default_factory=MelSpec)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "config") -> "Config":
        """Builds a checked config; keys left out keep their defaults.

        Raises:
            BadInput: unknown key, wrong type or contradiction, named with `source` and the key.
        """
        try:
            return _build(cls, values, "")
        except BadInput as error:
            raise BadInput(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: str | Path) -> "Config":
        """Reads a YAML file. Raises `BadInput` as `from_dict` does, or if it is no YAML."""
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise BadInput(f"{path}: cannot be read ({reason}); give a YAML config file") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" at line {mark.line + 1}" if mark else ""
            raise BadInput(f"{path}: not YAML{where}; write it as `key: value` lines") from None
        return cls.from_dict({} if values is None else values, str(path))

    def save(self, path: str | Path) -> None:
        """Writes YAML that `load` reads back as an equal config."""
        with whole_file(path) as aside:
            aside.write_text(yaml.safe_dump(self.to_dict(), sort_keys=False), encoding="utf-8")

    def to_dict(self) -> dict[str, Any]:
        """The config as plain dicts, lists, strings and numbers."""
        return _plain(asdict(self))

    def with_values(self, **dotted: Any) -> "Config":
        """A copy with some values changed: `config.with_values(**{"training.steps": 100})`."""
        values = self.to_dict()
        for key, value in dotted.items():
            node, parts = values, key.split(".")
            for part in parts[:-1]:
                node = node.get(part)
                if not isinstance(node, dict):
                    raise BadInput(f"{key}: no such key in the config")
            node[parts[-1]] = value
        return Config.from_dict(values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _build(kind: type, values: Any, prefix: str) -> Any:
    if not isinstance(values, dict):
        raise BadInput(f"{prefix.rstrip('.') or 'the file'} is not a table of keys and values")
    hints = get_type_hints(kind)
    names = [item.name for item in fields(kind)]
    for key in values:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(names)}"
            raise BadInput(f"{prefix}{key} is not a known key; {hint}")
    return kind(**{key: _cast(hints[key], value, prefix + key) for key, value in values.items()})


def _cast(hint: Any, value: Any, key: str) -> Any:
    if is_dataclass(hint):
        return _build(hint, value, key + ".")
    if get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise BadInput(f"{key} is {value!r}; give a list")
        return tuple(_cast(get_args(hint)[0], item, key) for item in value)
    if hint is float and isinstance(value, str):
        # YAML 1.1 reads 1e-4, without a dot, as text.
        try:
            value = float(value)
        except ValueError:
            raise BadInput(f"{key} is {value!r}; give a number") from None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        kind = {int: "a whole number", float: "a number", str: "a word"}[hint]
        raise BadInput(f"{key} is {value!r}; give {kind}")
    return value


def _check(config: Config) -> None:
    mel, generator, discriminator = config.mel, config.generator, config.discriminator
    training, optimizer, loss = config.training, config.optimizer, config.loss

    def require(holds: bool, line: str) -> None:
        if not holds:
            raise BadInput(line)

    def choice(key: str, value: str, known: tuple[str, ...]) -> None:
        require(value in known, f"{key} is {value!r}; choose one of {', '.join(known)}")

    choice("generator.initializer", generator.initializer, INITIALIZERS)
    choice("discriminator.initializer", discriminator.initializer, INITIALIZERS)
    choice("loss.adversarial", loss.adversarial, ADVERSARIAL)
    choice(
        "loss.feature_matching_reduction",
        loss.feature_matching_reduction,
        FEATURE_MATCHING_REDUCTIONS,
    )
    choice("optimizer.decay", optimizer.decay, DECAYS)
    choice("training.precision", training.precision, PRECISIONS)

    for section, values in (
        ("generator", asdict(generator)),
        ("discriminator", asdict(discriminator)),
    ):
        for key, value in values.items():
            numbers = value if isinstance(value, tuple) else (value,)
            require(bool(numbers), f"{section}.{key} is empty; give at least one number")
            for number in numbers:
                if isinstance(number, int):
                    require(number >= 1, f"{section}.{key} is {number}; it must be at least 1")

    product = math.prod(generator.upsampling) * generator.bands
    require(
        product == mel.hop,
        f"generator.upsampling {list(generator.upsampling)} × generator.bands {generator.bands} "
        f"= {product}, but mel.hop is {mel.hop}; they must be equal",
    )
    halvings = 2 ** len(generator.upsampling)
    require(
        generator.channels % halvings == 0,
        f"generator.channels is {generator.channels}; {len(generator.upsampling)} stages halve it, "
        f"so it must be a multiple of {halvings}",
    )
    require(
        discriminator.channels % 4 == 0,
        f"discriminator.channels is {discriminator.channels}; it must be a multiple of 4, "
        "the channels of a group",
    )
    require(
        discriminator.max_channels % discriminator.channels == 0,
        f"discriminator.max_channels is {discriminator.max_channels}; it must be a multiple of "
        f"discriminator.channels {discriminator.channels}",
    )
    for key in ("steps", "batch", "segment", "interval"):
        value = getattr(training, key)
        require(value >= 1, f"training.{key} is {value}; it must be at least 1")
    require(
        training.segment % mel.hop == 0,
        f"training.segment is {training.segment} samples; it must be a multiple of "
        f"mel.hop {mel.hop}",
    )
    require(
        training.steps % training.interval == 0,
        f"training.steps is {training.steps}; it must be a multiple of "
        f"training.interval {training.interval}",
    )
    require(
        training.discriminator_start >= 0 and training.discriminator_start % training.interval == 0,
        f"training.discriminator_start is {training.discriminator_start}; it must be 0 or a "
        f"multiple of training.interval {training.interval}",
    )
    weights = asdict(loss.weights)
    for key, value in weights.items():
        require(value >= 0, f"loss.weights.{key} is {value}; it must be 0 or more")
    require(any(weights.values()), "loss.weights are all 0; give at least one term a weight")
    require(
        training.discriminator_start == 0 or loss.weights.stft > 0 or loss.weights.mel > 0,
        f"training.discriminator_start is {training.discriminator_start}, but without the "
        "discriminator there is no loss; give loss.weights.stft or loss.weights.mel a weight",
    )
    require(
        len(training.gain) == 2 and 0 < training.gain[0] <= training.gain[1] <= 1,
        f"training.gain is {list(training.gain)}; give [lowest, highest] with "
        "0 < lowest <= highest <= 1",
    )
    require(0 <= training.ema < 1, f"training.ema is {training.ema}; it must be in [0, 1)")
    require(training.seed >= 0, f"training.seed is {training.seed}; it must be 0 or more")
    for key in ("learning_rate", "epsilon"):
        value = getattr(optimizer, key)
        require(value > 0, f"optimizer.{key} is {value}; it must be more than 0")
    for key in ("beta_1", "beta_2"):
        value = getattr(optimizer, key)
        require(0 <= value < 1, f"optimizer.{key} is {value}; it must be in [0, 1)")
    final = optimizer.final_learning_rate
    require(
        final == 0 if optimizer.decay == "constant" else final > 0,
        f"optimizer.final_learning_rate is {final} and optimizer.decay is {optimizer.decay}; "
        "give exponential or cosine decay a rate above 0 to end at, and constant none",
    )
