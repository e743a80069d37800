"""Puts an imported voice together: its networks with a config to train them further."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig
from tf_melgan.voices.weights_file import VoiceWeights

if TYPE_CHECKING:
    import keras

_RECIPE = "lj"
_SHORTEST_SEGMENT = 8192
_LEAST_HOP_OF_COHERENCE = 16


def voice_config(
    mel: MelSpec, generator: GeneratorConfig, discriminator: DiscriminatorConfig | None = None
) -> Config:
    """The config of an imported voice: fine-tuning uses the losses that made the voice `lj`.

    Args:
        mel: the mel that the generator reads.
        generator: the generator's section.
        discriminator: the discriminators' section; None where they are not imported.

    Raises:
        UserInputError: the generator does not support the mel.
    """
    recipe = Config.load(_RECIPE)
    weights = dict(recipe.loss.weights)
    if mel.hop < _LEAST_HOP_OF_COHERENCE:
        weights["coherence"] = 0.0
    training = replace(
        recipe.training,
        segment=-(-_SHORTEST_SEGMENT // mel.hop) * mel.hop,
        discriminator_start=0 if discriminator else recipe.training.steps,
    )
    return Config(
        mel,
        generator,
        discriminator or recipe.discriminator,
        replace(recipe.loss, weights=weights),
        recipe.optimizer,
        training,
    )


def voice(
    path: Path, config: Config, generator: keras.Model, discriminator: Any = None
) -> VoiceWeights:
    """The voice of Keras models that hold the imported weights."""
    discriminators = None if discriminator is None else discriminator.get_weights()
    return VoiceWeights(path, config, generator.get_weights(), discriminators)
