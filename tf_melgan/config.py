"""One `Config` says everything about a vocoder and its training: dataclasses ↔ YAML, checked."""

import difflib
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from tf_melgan.config_checks import check
from tf_melgan.errors import BadInput
from tf_melgan.features import MelSpec
from tf_melgan.files import whole_file

# Windows of a fourier generator's inverse STFT that meet in a sample.
OVERLAP = 4


@dataclass(frozen=True)
class GeneratorConfig:
    """See `tf_melgan.generator.Generator`."""

    kind: str = "melgan"
    channels: int = 512
    upsampling: tuple[int, ...] = (8, 8, 2, 2)
    dilations: tuple[int, ...] = (1, 3, 9)
    bands: int = 1
    initializer: str = "normal"


@dataclass(frozen=True)
class FourierConfig:
    """See `tf_melgan.fourier.FourierGenerator`."""

    kind: str = "fourier"
    width: int = 256
    depth: int = 5
    lookahead: int = 6


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
    compressed_stft: float = 0.0
    mel: float = 0.0
    coherence: float = 0.0
    envelope: float = 0.0

    @property
    def spectral(self) -> float:
        """The weight of what needs no discriminator."""
        return self.stft + self.compressed_stft + self.mel + self.coherence + self.envelope


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
    silence: float = 0.0
    beginnings: float = 0.0
    seed: int = 0
    interval: int = 1000
    discriminator_start: int = 0
    ema: float = 0.0
    precision: str = "float32"


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes; a run's folder holds it as `config.yaml`."""

    mel: MelSpec = field(default_factory=MelSpec)
    generator: GeneratorConfig | FourierConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        check(self)

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
    if isinstance(hint, UnionType):
        hint = _kind(get_args(hint), value, key)
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


def _kind(known: tuple[type, ...], values: Any, key: str) -> type:
    """The one of several dataclasses that `kind` names; the first where it is left out."""
    kinds = {item.kind: item for item in known}
    kind = values.get("kind", known[0].kind) if isinstance(values, dict) else known[0].kind
    if kind not in kinds:
        raise BadInput(f"{key}.kind is {kind!r}; choose one of {', '.join(kinds)}")
    return kinds[kind]
