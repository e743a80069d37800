"""Every type of generator and discriminator, by the name that a config's `type` gives it.

To add one, write its folder beside this file and its line below; CONTRIBUTING.md shows how.
"""

from tf_melgan.models.fourier.config import FourierConfig
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.multi_scale.config import MultiScaleConfig
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig

GENERATORS: dict[str, type[GeneratorConfig]] = {
    "melgan": MelGANConfig,
    "fourier": FourierConfig,
}
DISCRIMINATORS: dict[str, type[DiscriminatorConfig]] = {
    "multi_scale": MultiScaleConfig,
}
