"""From recordings to a MelGAN vocoder: log-mel spectrograms in, sound out.

Names are imported when they are first used, so that a device with NumPy and soundfile alone can
import the package; what needs more says what to install.
"""

from importlib import import_module
from typing import Any

from tf_melgan.extras import needed_for

_ROOMS = {
    "BadInput": "errors",
    "Config": "config",
    "Generator": "generator",
    "MelGAN": "melgan",
    "MelSpec": "features",
    "MultiScaleDiscriminator": "discriminator",
    "Prepared": "data",
    "Vocoder": "vocoder",
    "WeightNormalization": "weight_normalization",
    "evaluate": "evaluation",
    "griffin_lim": "baseline",
    "log_mel": "features",
    "prepare": "preparation",
    "segments": "data",
    "train": "training",
}
__all__ = list(_ROOMS)


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'tf_melgan' has no attribute {name!r}")
    with needed_for(f"tf_melgan.{name}"):
        return getattr(import_module(f"tf_melgan.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS])
