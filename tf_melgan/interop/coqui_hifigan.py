"""HiFi-GAN's generator in checkpoints of coqui-ai/TTS and its fork by Idiap, with config.json.

The normalization of mels is that of the module `coqui`. The project repeats five edge frames at
both ends of a mel and keeps their sound; a voice does not.
"""

from __future__ import annotations

from tf_melgan.interop import hifigan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.coqui import mel_and_statistics
from tf_melgan.interop.source import Source
from tf_melgan.voices.weights_file import VoiceWeights

_GENERATOR, _PARAMETERS = "model_g.", "generator_model_params"


def _recognises(checkpoint: Checkpoint) -> bool:
    names = checkpoint.names("model")
    return any(name.removeprefix(_GENERATOR).startswith("ups.") for name in names)


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    settings = checkpoint.require_settings("config.json")
    settings.expect("generator_model", "hifigan_generator")
    state = checkpoint.state("model").part(lambda name: not name.startswith("model_d."))
    nested = any(name.startswith(_GENERATOR) for name in state.names)
    names, keys = networks.official_section(
        settings,
        resblock=f"{_PARAMETERS}.resblock_type",
        prefix=_GENERATOR if nested else "",
        upsampling=f"{_PARAMETERS}.upsample_factors",
        upsampling_kernels=f"{_PARAMETERS}.upsample_kernel_sizes",
        kernels=f"{_PARAMETERS}.resblock_kernel_sizes",
        dilations=f"{_PARAMETERS}.resblock_dilation_sizes",
    )
    config = networks.generator_config(state, names, keys)
    settings.expect(f"{_PARAMETERS}.upsample_initial_channel", config.channels)
    mel, statistics = mel_and_statistics(settings.part("audio"), checkpoint.statistics)
    return networks.import_generator(checkpoint, state, names, config, mel, statistics)


SOURCE = Source("coqui-hifigan", _recognises, _convert)
