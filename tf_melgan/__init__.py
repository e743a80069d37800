"""From recordings to a MelGAN vocoder: log-mel spectrograms in, waveforms out.

Names are imported when they are first used, so that a device with NumPy and ai-edge-litert alone
can import the package; what needs more says what to install.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tf_melgan.extras import require_extra

__version__ = "0.2.0"

# Keras takes TensorFlow unless it is told otherwise.
if not find_spec("tensorflow") and find_spec("jax"):
    os.environ.setdefault("KERAS_BACKEND", "jax")

if TYPE_CHECKING:
    from tf_melgan.audio.conventions import convert_mel
    from tf_melgan.audio.griffin_lim import griffin_lim
    from tf_melgan.audio.mel import log_mel
    from tf_melgan.audio.mel_spec import MelSpec
    from tf_melgan.audio.sound_files import load_audio, write_audio
    from tf_melgan.config import Config
    from tf_melgan.data.batches import segments
    from tf_melgan.data.prepare import prepare
    from tf_melgan.data.prepared import Prepared
    from tf_melgan.errors import UserInputError
    from tf_melgan.evaluation.comparison import evaluate
    from tf_melgan.inference.vocoder import Vocoder
    from tf_melgan.layers.weight_normalization import WeightNormalization
    from tf_melgan.models.fourier.generator import FourierGenerator
    from tf_melgan.models.hifigan.generator import HiFiGANGenerator
    from tf_melgan.models.melgan.generator import MelGANGenerator
    from tf_melgan.models.multi_scale.discriminator import MultiScaleDiscriminator
    from tf_melgan.models.vocos.generator import VocosGenerator
    from tf_melgan.training.finetuning import finetune
    from tf_melgan.training.gan import MelGAN
    from tf_melgan.training.loop import train

_MODULES = {
    "Config": "config",
    "FourierGenerator": "models.fourier.generator",
    "HiFiGANGenerator": "models.hifigan.generator",
    "MelGAN": "training.gan",
    "MelGANGenerator": "models.melgan.generator",
    "MelSpec": "audio.mel_spec",
    "MultiScaleDiscriminator": "models.multi_scale.discriminator",
    "Prepared": "data.prepared",
    "UserInputError": "errors",
    "Vocoder": "inference.vocoder",
    "VocosGenerator": "models.vocos.generator",
    "WeightNormalization": "layers.weight_normalization",
    "convert_mel": "audio.conventions",
    "evaluate": "evaluation.comparison",
    "finetune": "training.finetuning",
    "griffin_lim": "audio.griffin_lim",
    "load_audio": "audio.sound_files",
    "log_mel": "audio.mel",
    "prepare": "data.prepare",
    "segments": "data.batches",
    "train": "training.loop",
    "write_audio": "audio.sound_files",
}
__all__ = [
    "Config",
    "FourierGenerator",
    "HiFiGANGenerator",
    "MelGAN",
    "MelGANGenerator",
    "MelSpec",
    "MultiScaleDiscriminator",
    "Prepared",
    "UserInputError",
    "Vocoder",
    "VocosGenerator",
    "WeightNormalization",
    "convert_mel",
    "evaluate",
    "finetune",
    "griffin_lim",
    "load_audio",
    "log_mel",
    "prepare",
    "segments",
    "train",
    "write_audio",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'tf_melgan' has no attribute {name!r}")
    with require_extra(f"tf_melgan.{name}"):
        return getattr(import_module(f"tf_melgan.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
