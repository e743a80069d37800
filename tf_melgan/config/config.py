"""`Config`: a vocoder and its training, as dataclasses that check themselves, and as YAML."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config.parsing import build, plain
from tf_melgan.config.sections import OptimizerConfig, TrainingConfig
from tf_melgan.errors import UserInputError, require
from tf_melgan.files import atomic_file
from tf_melgan.losses.config import LossConfig
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.multi_scale.config import MultiScaleConfig
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes; a run's folder holds it as `config.yaml`.

    Each section checks itself, and the config checks that they fit together.

    Example:
        config = Config.load("configs/melgan.yaml")
        shorter = config.with_values(**{"training.steps": 10_000})
        shorter.save("mine.yaml")

    Raises:
        UserInputError: naming the key that is wrong.
    """

    mel: MelSpec = field(default_factory=MelSpec)
    generator: GeneratorConfig = field(default_factory=MelGANConfig)
    discriminator: DiscriminatorConfig = field(default_factory=MultiScaleConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        self.generator.check_mel(self.mel)
        training, spectral = self.training, self.loss.active_terms(adversarial=False)
        require(
            training.segment % self.mel.hop == 0,
            f"training.segment is {training.segment} samples; it must be a multiple of "
            f"mel.hop {self.mel.hop}",
        )
        require(
            training.discriminator_start == 0 or bool(spectral),
            f"training.discriminator_start is {training.discriminator_start}, but without the "
            "discriminator there is no loss; give loss.weights.stft, compressed_stft or mel a "
            "weight",
        )
        require(
            self.mel.hop >= 16 or "coherence" not in spectral,
            f"loss.weights.coherence is {spectral.get('coherence')}; with mel.hop {self.mel.hop}, "
            "under 16, a spectrum has no band for it; give 0",
        )

    @property
    def adversarial(self) -> bool:
        """Whether discriminators take part in the training at all."""
        return self.training.discriminator_start < self.training.steps

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "config") -> "Config":
        """Builds a checked config; keys left out keep their defaults.

        Raises:
            UserInputError: unknown key, wrong type or contradiction, named with `source` and the
                key.
        """
        try:
            return build(cls, values)
        except UserInputError as error:
            raise UserInputError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: str | Path) -> "Config":
        """Reads a YAML file.

        Raises:
            UserInputError: as `from_dict`, or the file cannot be read or is not YAML.
        """
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise UserInputError(
                f"{path}: cannot be read ({reason}); give a YAML config file"
            ) from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" at line {mark.line + 1}" if mark else ""
            raise UserInputError(
                f"{path}: not YAML{where}; write it as `key: value` lines"
            ) from None
        return cls.from_dict({} if values is None else values, str(path))

    def save(self, path: str | Path) -> None:
        """Writes YAML that `load` reads back as an equal config."""
        with atomic_file(path) as temporary:
            text = yaml.safe_dump(self.to_dict(), sort_keys=False)
            temporary.write_text(text, encoding="utf-8")

    def to_dict(self) -> dict[str, Any]:
        """The config as plain dicts, lists, strings and numbers."""
        return plain(asdict(self))

    def with_values(self, **dotted: Any) -> "Config":
        """A copy with some values changed: `config.with_values(**{"training.steps": 100})`."""
        values = self.to_dict()
        for key, value in dotted.items():
            node, parts = values, key.split(".")
            for part in parts[:-1]:
                node = node.get(part)
                if not isinstance(node, dict):
                    raise UserInputError(f"{key}: no such key in the config")
            node[parts[-1]] = value
        return Config.from_dict(values)
