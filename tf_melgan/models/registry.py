"""All types of generators and discriminators, by their name in a config's `type`.

To add a type, add a folder next to this file and a line below; CONTRIBUTING.md shows an example.
"""

from tf_melgan.models.fourier.config import FourierConfig
from tf_melgan.models.hifigan.config import HiFiGANConfig
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.mixture.config import MixtureConfig
from tf_melgan.models.multi_period.config import MultiPeriodConfig
from tf_melgan.models.multi_resolution.config import MultiResolutionConfig
from tf_melgan.models.multi_scale.config import MultiScaleConfig
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig
from tf_melgan.models.vocos.config import VocosConfig

GENERATORS: dict[str, type[GeneratorConfig]] = {
    "melgan": MelGANConfig,
    "fourier": FourierConfig,
    "hifigan": HiFiGANConfig,
    "vocos": VocosConfig,
}
DISCRIMINATORS: dict[str, type[DiscriminatorConfig]] = {
    "multi_scale": MultiScaleConfig,
    "multi_period": MultiPeriodConfig,
    "multi_resolution": MultiResolutionConfig,
    "mixture": MixtureConfig,
}
