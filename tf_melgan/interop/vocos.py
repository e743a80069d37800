"""Checkpoints of gemelo-ai/vocos that read mels: `pytorch_model.bin` and config.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config.parsing import build
from tf_melgan.errors import require
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.settings import Settings
from tf_melgan.interop.source import Source
from tf_melgan.interop.state_dict import StateDict
from tf_melgan.interop.voices import voice, voice_config
from tf_melgan.models.fourier.inverse_stft import OVERLAP
from tf_melgan.models.vocos.config import VocosConfig
from tf_melgan.voices.weights_file import VoiceWeights

if TYPE_CHECKING:
    from tf_melgan.models.vocos.generator import VocosGenerator

_FEATURES, _BACKBONE, _HEAD = (
    f"{section}.init_args." for section in ("feature_extractor", "backbone", "head")
)
_CLASSES = {
    "feature_extractor": "vocos.feature_extractors.MelSpectrogramFeatures",
    "backbone": "vocos.models.VocosBackbone",
    "head": "vocos.heads.ISTFTHead",
}
_FLOOR = 1e-7
_FILTERS = "feature_extractor.mel_spec.mel_scale.fb"
_WINDOWS = ("feature_extractor.mel_spec.spectrogram.window", "head.istft.window")


def _recognises(checkpoint: Checkpoint) -> bool:
    return "backbone.embed.weight" in checkpoint.names()


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    settings = checkpoint.require_settings("config.yaml")
    for section, name in _CLASSES.items():
        _expect(settings, f"{section}.class_path", name)
    settings.expect(f"{_BACKBONE}adanorm_num_embeddings", None)
    state, mel = checkpoint.state(), _mel(settings)
    keys = {
        "width": settings.get(f"{_BACKBONE}dim"),
        "hidden": settings.get(f"{_BACKBONE}intermediate_dim"),
        "depth": settings.get(f"{_BACKBONE}num_layers"),
    }
    section = build(VocosConfig, keys, "generator.")
    config = voice_config(mel, section)
    _check_constants(state, mel)
    # The network's sizes before it is built: those of the tensors.
    embed = state.kernel_shape("backbone.embed")
    require(
        embed == (section.width, mel.n_mels, embed[2]),
        f"the tensor backbone.embed.weight has shape {embed}; the config says "
        f"{(section.width, mel.n_mels)}, so it is of another checkpoint",
    )
    generator = section.build_generator(mel)
    _fill(generator, state)
    state.finish()
    return voice(checkpoint.path, config, generator)


def _mel(settings: Settings) -> MelSpec:
    sample_rate = settings.number(f"{_FEATURES}sample_rate", 24000)
    hop = settings.number(f"{_FEATURES}hop_length", 256)
    padding = settings.get(f"{_FEATURES}padding", "center")
    settings.expect(f"{_FEATURES}padding", "center", "same")
    require(
        settings.get(f"{_HEAD}padding", "same") == padding,
        f"{settings.source}: the padding of feature_extractor and head differs; a voice has one",
    )
    _expect(settings, f"{_HEAD}hop_length", hop)
    _expect(settings, f"{_HEAD}n_fft", OVERLAP * hop)
    return MelSpec(
        sample_rate,
        settings.number(f"{_FEATURES}n_fft", 1024),
        hop,
        settings.number(f"{_FEATURES}n_mels", 100),
        0.0,
        sample_rate / 2,
        log="ln",
        floor=_FLOOR,
        htk=True,
        norm="none",
        center=padding == "center",
    )


def _expect(settings: Settings, key: str, value: Any) -> None:
    """Checks that the config has a key, with the value that can be imported."""
    settings.get(key)
    settings.expect(key, value)


def _check_constants(state: StateDict, mel: MelSpec) -> None:
    """Checks the filters and windows that a checkpoint holds, which its config describes too."""
    for name in _WINDOWS:
        if name in state:
            size = len(state.take(name))
            window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
            _check_constant(state, name, window)
    if _FILTERS in state:
        _check_constant(state, _FILTERS, mel.mel_matrix().T)


def _check_constant(state: StateDict, name: str, expected: np.ndarray) -> None:
    actual = state.take(name)
    require(
        actual.shape == expected.shape and bool(np.abs(actual - expected).max() < 1e-3),
        f"the tensor {name} is not what the config says; give the config of this checkpoint",
    )


def _fill(generator: VocosGenerator, state: StateDict) -> None:
    state.fill_convolution(generator.first, "backbone.embed")
    _fill_norm(generator.first_norm, state, "backbone.norm")
    for index, block in enumerate(generator.blocks):
        name = f"backbone.convnext.{index}"
        state.fill(block.depthwise.kernel, f"{name}.dwconv.weight", (2, 0, 1))
        state.fill(block.depthwise.bias, f"{name}.dwconv.bias")
        _fill_norm(block.norm, state, f"{name}.norm")
        _fill_dense(block.expand, state, f"{name}.pwconv1")
        _fill_dense(block.contract, state, f"{name}.pwconv2")
        state.fill(block.gain, f"{name}.gamma")
    _fill_norm(generator.last_norm, state, "backbone.final_layer_norm")
    _fill_dense(generator.last, state, "head.out")


def _fill_norm(layer: Any, state: StateDict, name: str) -> None:
    state.fill(layer.gamma, f"{name}.weight")
    state.fill(layer.beta, f"{name}.bias")


def _fill_dense(layer: Any, state: StateDict, name: str) -> None:
    state.fill(layer.kernel, f"{name}.weight", (1, 0))
    state.fill(layer.bias, f"{name}.bias")


SOURCE = Source("vocos", _recognises, _convert)
