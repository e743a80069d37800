"""HiFi-GAN's generator in checkpoints of kan-bayashi/ParallelWaveGAN.

`config.yml` and the statistics are those of the module `parallel_wavegan`.
"""

from __future__ import annotations

from tf_melgan.interop import hifigan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.parallel_wavegan import (
    BUFFERS,
    GENERATOR,
    checkpoint_statistics,
    mel_spec,
)
from tf_melgan.interop.source import Source
from tf_melgan.voices.weights_file import VoiceWeights

_PARAMETERS = "generator_params"
_KNOWN = {
    "out_channels": 1,
    "kernel_size": 7,
    "bias": True,
    "nonlinear_activation": "LeakyReLU",
    "nonlinear_activation_params": {"negative_slope": 0.1},
    "use_causal_conv": False,
}
# The section's keys, the project's, and the project's defaults.
_KEYS = {
    "upsampling": ("upsample_scales", [8, 8, 2, 2]),
    "upsampling_kernels": ("upsample_kernel_sizes", [16, 16, 4, 4]),
    "kernels": ("resblock_kernel_sizes", [3, 7, 11]),
    "dilations": ("resblock_dilations", [[1, 3, 5]] * 3),
}


def _recognises(checkpoint: Checkpoint) -> bool:
    return any(name.startswith("upsamples.") for name in checkpoint.names(*GENERATOR))


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    settings = checkpoint.require_settings("config.yml")
    settings.expect("generator_type", "HiFiGANGenerator")
    settings.expect("global_gain_scale", 1.0)
    for key, value in _KNOWN.items():
        settings.expect(f"{_PARAMETERS}.{key}", value)
    paired = f"{_PARAMETERS}.use_additional_convs"
    settings.expect(paired, True, False)
    names = networks.HiFiGANNames(
        "input_conv",
        "upsamples.{}.1",
        "blocks.{}.convs1.{}.1",
        "blocks.{}.convs2.{}.1" if settings.get(paired, True) else None,
        "output_conv.1",
    )
    state = checkpoint.state(*GENERATOR)
    state.ignore(*BUFFERS)
    keys = {
        key: settings.get(f"{_PARAMETERS}.{name}", default)
        for key, (name, default) in _KEYS.items()
    }
    config = networks.generator_config(state, names, keys, even=False)
    settings.expect(f"{_PARAMETERS}.channels", config.channels)
    statistics, mel = checkpoint_statistics(checkpoint), mel_spec(settings)
    return networks.import_generator(checkpoint, state, names, config, mel, statistics)


SOURCE = Source("parallel-wavegan-hifigan", _recognises, _convert)
