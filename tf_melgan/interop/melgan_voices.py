"""Makes voices of MelGAN's networks: what the modules of the PyTorch projects share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.statistics import Statistics
from tf_melgan.errors import require
from tf_melgan.interop import melgan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.state_dict import StateDict
from tf_melgan.interop.statistics import fold_into
from tf_melgan.interop.voices import voice, voice_config
from tf_melgan.voices.weights_file import VoiceWeights


@dataclass(frozen=True)
class Network:
    """A network in a checkpoint.

    Attributes:
        state: its tensors.
        prefix: what their names begin with.
        keys: keys of its config section that shapes do not show.
        bands: the channels that the config says a generator gives.
    """

    state: StateDict
    prefix: str
    keys: dict[str, Any] = field(default_factory=dict)
    bands: int = 1


def melgan_voice(
    checkpoint: Checkpoint,
    generator: Network,
    block: networks.BlockNames,
    mel: MelSpec,
    statistics: Statistics | None = None,
    discriminator: Network | None = None,
) -> VoiceWeights:
    """Makes a voice of a generator and, if there are any, its discriminators.

    Args:
        checkpoint: the checkpoint.
        generator: the generator, one sequence.
        block: the names in its residual blocks.
        mel: the mel that the voice will read.
        statistics: those that the generator's input is normalized with; they are folded in.
        discriminator: the multi-scale discriminators.

    Raises:
        UserInputError: a tensor is missing, is left over, or has a wrong shape or values.
    """
    names = networks.generator_names(generator.state, generator.prefix, block)
    config = networks.generator_config(generator.state, names, **generator.keys)
    require(
        config.bands == generator.bands,
        f"{names.last} gives {config.bands} channels, but the config says {generator.bands}",
    )
    scales, section = [], None
    if discriminator:
        scales = networks.discriminator_names(discriminator.state, discriminator.prefix)
        section = networks.discriminator_config(discriminator.state, scales, **discriminator.keys)
    settings = voice_config(mel, config, section)
    model, other = config.build_generator(mel), None
    networks.fill_generator(model, generator.state, names)
    generator.state.finish()
    if statistics:
        fold_into(model.first, statistics)
    if discriminator and section:
        other = section.build_discriminator()
        networks.fill_discriminator(other, discriminator.state, scales)
        discriminator.state.finish()
    return voice(checkpoint.path, settings, model, other)
