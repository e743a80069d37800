"""Checkpoints of the HiFi-GAN of SpeechT5 (Hugging Face transformers), which normalizes its mels.

`pytorch_model.bin` or `model.safetensors` has the weights and the statistics, config.json the rest.
The mel convention is that of SpeechT5's feature extractor.
"""

from __future__ import annotations

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.statistics import Statistics
from tf_melgan.interop import hifigan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.source import Source
from tf_melgan.voices.weights_file import VoiceWeights

_MEL = MelSpec(16000, 1024, 256, 80, 80.0, 7600.0, "log10", 1e-10, center=True)


def _recognises(checkpoint: Checkpoint) -> bool:
    return any(name.startswith("upsampler.") for name in checkpoint.names())


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    settings = checkpoint.require_settings("config.json")
    settings.expect("leaky_relu_slope", 0.1)
    settings.expect("normalize_before", True)
    settings.expect("sampling_rate", _MEL.sample_rate)
    settings.expect("model_in_dim", _MEL.n_mels)
    names = networks.official_names(True, upsampler="upsampler")
    state = checkpoint.state()
    keys = {
        "upsampling": settings.get("upsample_rates"),
        "upsampling_kernels": settings.get("upsample_kernel_sizes"),
        "kernels": settings.get("resblock_kernel_sizes"),
        "dilations": settings.get("resblock_dilation_sizes"),
    }
    config = networks.generator_config(state, names, keys)
    settings.expect("upsample_initial_channel", config.channels)
    statistics = Statistics(*(state.take(name).astype(float) for name in ("mean", "scale")))
    return networks.import_generator(checkpoint, state, names, config, _MEL, statistics)


SOURCE = Source("speecht5", _recognises, _convert)
