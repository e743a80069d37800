"""The kinds of generators, by the config that describes them."""

from typing import Any

from tf_melgan.config import Config, FourierConfig
from tf_melgan.fourier import FourierGenerator
from tf_melgan.generator import Generator

AnyGenerator = Generator | FourierGenerator


def made(config: Config, **kwargs: Any) -> AnyGenerator:
    """The generator that a `Config` describes, with its variables made."""
    kind = FourierGenerator if isinstance(config.generator, FourierConfig) else Generator
    return kind.from_settings(config, **kwargs)
