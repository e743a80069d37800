"""Checkpoints of jik876/hifi-gan, HiFi-GAN's official code: V1, V2, V3 and others of its config.

`g_02500000` holds the generator, and config.json beside it the rest. `do_02500000`, with the
discriminators, is not read.
"""

from __future__ import annotations

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.interop import hifigan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.settings import Settings
from tf_melgan.interop.source import Source
from tf_melgan.voices.weights_file import VoiceWeights

_FLOOR, _EPSILON = 1e-5, 1e-9
_DISCRIMINATORS = ("mpd", "msd")


def _recognises(checkpoint: Checkpoint) -> bool:
    generator = any(name.startswith("ups.") for name in _names(checkpoint))
    return generator or any(checkpoint.table(key) is not None for key in _DISCRIMINATORS)


def _names(checkpoint: Checkpoint) -> list[str]:
    return [name.removeprefix("module.") for name in checkpoint.names("generator")]


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    if any(checkpoint.table(key) is not None for key in _DISCRIMINATORS):
        raise UserInputError(networks.GENERATOR_ALONE)
    settings = checkpoint.require_settings("config.json")
    state = checkpoint.state("generator")
    names, keys = networks.official_section(
        settings,
        resblock="resblock",
        upsampling="upsample_rates",
        upsampling_kernels="upsample_kernel_sizes",
        kernels="resblock_kernel_sizes",
        dilations="resblock_dilation_sizes",
    )
    config = networks.generator_config(state, names, keys)
    settings.expect("upsample_initial_channel", config.channels)
    return networks.import_generator(checkpoint, state, names, config, _mel(settings))


def _mel(settings: Settings) -> MelSpec:
    sample_rate = settings.number("sampling_rate")
    fmax = settings.get("fmax")
    return MelSpec(
        sample_rate,
        settings.number("n_fft"),
        settings.number("hop_size"),
        settings.number("num_mels"),
        settings.number("fmin"),
        sample_rate / 2 if fmax is None else fmax,
        log="ln",
        floor=_FLOOR,
        win_length=settings.number("win_size"),
        epsilon=_EPSILON,
    )


SOURCE = Source("hifi-gan", _recognises, _convert)
