"""The kinds of generators, by the config that describes them."""

from typing import Any

from tf_melgan.config import Config
from tf_melgan.models.fourier.config import FourierConfig
from tf_melgan.models.fourier.generator import FourierGenerator
from tf_melgan.models.melgan.generator import MelGANGenerator

AnyGenerator = MelGANGenerator | FourierGenerator


def made(config: Config, **kwargs: Any) -> AnyGenerator:
    """The generator that a `Config` describes, with its variables made."""
    kind = FourierGenerator if isinstance(config.generator, FourierConfig) else MelGANGenerator
    return kind.from_settings(config, **kwargs)
