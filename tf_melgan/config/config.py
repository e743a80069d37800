"""`Config`: a vocoder and its training as dataclasses with validation, and as YAML."""

from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config.parsing import build, plain
from tf_melgan.config.sections import OptimizerConfig, TrainingConfig
from tf_melgan.config.strict_yaml import LONGEST_FILE, parse_yaml
from tf_melgan.errors import UserInputError, require, suggest
from tf_melgan.files import atomic_file
from tf_melgan.losses.config import LossConfig
from tf_melgan.models.cost import require_sensible
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.multi_scale.config import MultiScaleConfig
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig


@dataclass(frozen=True)
class Config:
    """All settings that determine the result of a run; its folder stores them as `config.yaml`.

    Each section validates itself, and the config validates that the sections fit together. The
    defaults are MelGAN as in the paper.

    Args:
        mel: the mel spectrogram.
        generator: the generator's type and size.
        discriminator: the discriminator's type and size.
        loss: the loss terms and their weights.
        optimizer: Adam and the learning rate.
        training: length, batches and precision of the run.

    Raises:
        UserInputError: a value is wrong; the message names the key.

    Examples:
        >>> config = tf_melgan.Config.load("configs/melgan.yaml")
        >>> shorter = config.with_values(**{"training.steps": 10_000})
        >>> shorter.save("shorter.yaml")
    """

    mel: MelSpec = field(default_factory=MelSpec)
    generator: GeneratorConfig = field(default_factory=MelGANConfig)
    discriminator: DiscriminatorConfig = field(default_factory=MultiScaleConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        self.mel.require_bands()
        self.generator.check_mel(self.mel)
        require_sensible("generator", self.generator.convolutions(self.mel))
        require_sensible("discriminator", self.discriminator.convolutions())
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
            f"loss.weights.coherence is {spectral.get('coherence')}; it needs a mel.hop of 16 or "
            f"more, not {self.mel.hop}; set it to 0",
        )

    @property
    def adversarial(self) -> bool:
        """Whether the discriminator is used at any step of the training."""
        return self.training.discriminator_start < self.training.steps

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "config") -> "Config":
        """Builds and validates a config; keys that are left out keep their defaults.

        Args:
            values: nested dicts of plain values, as `to_dict` returns them.
            source: the name of the values in error messages, such as their file.

        Raises:
            UserInputError: a key is unknown, a value has the wrong type, or values contradict each
                other; the message names `source` and the key.
        """
        try:
            return build(cls, values)
        except UserInputError as error:
            raise UserInputError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: str | Path) -> "Config":
        """Reads a config from a YAML file.

        Examples:
            >>> own = tf_melgan.Config.load("configs/melgan.yaml")
            >>> shipped = tf_melgan.Config.load("melgan")

        Args:
            path: a YAML file, or the name of a config that ships with the package.

        Raises:
            UserInputError: the file cannot be read, is empty or not YAML, or its values are wrong
                as in `from_dict`.
        """
        path = _named(path)
        try:
            with Path(path).open("rb") as file:
                values = parse_yaml(file.read(LONGEST_FILE + 1))
        except OSError as error:
            raise UserInputError(
                f"{path}: cannot be read ({error.strerror}); give a YAML config file"
            ) from None
        except UserInputError as error:
            raise UserInputError(f"{path}: {error}") from None
        require(values is not None, f"{path}: is empty; restore it, or give another config")
        return cls.from_dict(values, str(path))

    def save(self, path: str | Path) -> None:
        """Writes the config as YAML; `load` reads it back as an equal config.

        Raises:
            UserInputError: `path` cannot be written.
        """
        with atomic_file(path) as temporary:
            text = yaml.safe_dump(self.to_dict(), sort_keys=False)
            temporary.write_text(text, encoding="utf-8")

    def to_dict(self) -> dict[str, Any]:
        """Returns the config as nested dicts of lists, strings and numbers."""
        return plain(asdict(self))

    def with_values(self, **dotted: Any) -> "Config":
        """Returns a copy with some values changed.

        Args:
            **dotted: new values by dotted key, such as `**{"training.steps": 100}`. A new
                `generator.type` or `discriminator.type` begins with that type's defaults.

        Raises:
            UserInputError: a key is unknown, or the new values are wrong.
        """
        values = self.to_dict()
        # Types first: the keys of another type go with it, and new ones may follow.
        for key in sorted(dotted, key=lambda key: not key.endswith(".type")):
            node: Any = values
            parts = key.split(".")
            for part in parts[:-1]:
                if not isinstance(node.get(part), dict):
                    raise UserInputError(
                        f"{key}: no such key in the config; {suggest(part, list(node))}"
                    )
                node = node[part]
            if parts[-1] == "type" and node.get("type") != dotted[key]:
                node.clear()
            node[parts[-1]] = dotted[key]
        return Config.from_dict(values)


def _named(path: str | Path) -> Path:
    """The file of a config that is given by path or by name."""
    path, shipped = Path(path), resources.files("tf_melgan.configs")
    if path.is_file() or path.suffix or path.parent != Path():
        return path
    names = sorted(Path(x.name).stem for x in shipped.iterdir() if x.name.endswith(".yaml"))
    if path.name not in names:
        raise UserInputError(
            f"{path}: no such config; give a YAML file or the name of one; "
            f"{suggest(path.name, names)}"
        )
    return Path(str(shipped / f"{path.name}.yaml"))
