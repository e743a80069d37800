"""Weights of TensorSpeech/TensorFlowTTS in HDF5: MelGAN and multi-band MelGAN.

Generator and discriminators have a file each, with a `config.yml` and the `stats.npy` of its mels.
The analysis is in the project's preprocess config; its keys are read where config.yml has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError, require
from tf_melgan.interop import melgan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.melgan_voices import Network, melgan_voice
from tf_melgan.interop.parallel_wavegan import mel_spec
from tf_melgan.interop.settings import Settings
from tf_melgan.interop.source import Source
from tf_melgan.interop.state_dict import StateDict
from tf_melgan.layers.filter_bank import FilterBank
from tf_melgan.voices.weights_file import VoiceWeights

_BLOCK = networks.BlockNames(
    "{entry}.blocks.{block}.2", "{entry}.blocks.{block}.4", "{entry}.shortcuts.{block}", False
)
_SCALE = "melgan_discriminator_scale"
_UPSAMPLER = re.compile(r"conv_transpose_\._(\d+)")
_STACK = re.compile(r"residual_stack_\._(\d+)\._\._(\d+)")
_LEAVES = {"kernel", "v", "g", "bias", "initialized"}
# The analysis of most of the project's recipes; those with another rate or hop have others.
_ANALYSIS = {"fft_size": 1024, "num_mels": 80, "fmin": 80, "fmax": 7600}
_RATE, _HOP = 22050, 256


def _recognises(checkpoint: Checkpoint) -> bool:
    return bool(_generator(checkpoint)) or any(
        str(key).startswith(_SCALE) for key in checkpoint.content
    )


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    settings = checkpoint.require_settings("config.yml")
    tables = _generator(checkpoint)
    require(len(tables) == 1, "holds no generator; give its file, and the discriminators' after it")
    require(
        checkpoint.statistics is not None,
        "the statistics of its mels are missing; give --stats stats.npy",
    )
    multi = settings.get("multiband_melgan_generator_params", None) is not None
    kind = "multiband_melgan" if multi else "melgan"
    params = f"{kind}_generator_params"
    _expect(settings, params, {"kernel_size": 7, "stack_kernel_size": 3})
    settings.expect(f"{params}.use_final_nolinear_activation", True)
    keys: dict[str, Any] = {"crop_rounding": "down"}
    bands = settings.number(
        f"{params}.{'subbands' if multi else 'out_channels'}", 4 if multi else 1
    )
    if multi:
        keys["filter_bank"] = FilterBank(
            "parallel_wavegan",
            settings.number(f"{params}.taps", 62) + 1,
            settings.number(f"{params}.cutoff_ratio", 0.142),
            settings.number(f"{params}.beta", 9.0),
        )
    return melgan_voice(
        checkpoint,
        Network(_generator_state(tables[0]), "melgan", keys, bands),
        _BLOCK,
        _mel(settings),
        checkpoint.statistics,
        _discriminator(checkpoint, settings, f"{kind}_discriminator_params"),
    )


def _generator(checkpoint: Checkpoint) -> list[Mapping[str, Any]]:
    """The tables of arrays that hold a generator."""
    tables = [table for table in checkpoint.content.values() if isinstance(table, dict)]
    return [table for table in tables if any(_STACK.search(str(name)) for name in table)]


def _generator_state(table: Mapping[str, Any]) -> StateDict:
    """The tensors with the names and axes of the PyTorch projects."""
    tensors: dict[str, np.ndarray] = {}
    stages, blocks = 0, dict[tuple[int, int], int]()
    for path, leaves in _convolutions(table).items():
        upsampler, stack = _UPSAMPLER.search(path), _STACK.search(path)
        if upsampler:
            stages += 1
            name = f"melgan.{3 * int(upsampler[1]) + 3}"
        elif stack:
            stage, block = int(stack[1]), int(stack[2])
            role = blocks.setdefault((stage, block), 0)
            blocks[stage, block] += 1
            roles = (f"blocks.{block}.2", f"blocks.{block}.4", f"shortcuts.{block}")
            require(role < len(roles), f"{path} is one convolution too many in its residual block")
            name = f"melgan.{3 * stage + 4}.{roles[role]}"
        else:
            name = f"melgan.{3 * stages + 4 if stages else 1}"
        require(f"{name}.bias" not in tensors, f"{path} has no place in a generator of MelGAN")
        tensors |= _tensors(name, leaves, transposed=bool(upsampler))
    return StateDict(tensors)


def _discriminator(checkpoint: Checkpoint, settings: Settings, params: str) -> Network | None:
    scales = {str(key): table for key, table in checkpoint.content.items() if _SCALE in str(key)}
    if not scales:
        return None
    _expect(settings, params, {"kernel_sizes": [5, 3], "downsample_pooling": "AveragePooling1D"})
    settings.expect(f"{params}.downsample_pooling_params", {"pool_size": 4, "strides": 2})
    tensors: dict[str, np.ndarray] = {}
    for scale, table in enumerate(scales.values()):
        for layer, leaves in enumerate(_convolutions(table).values()):
            tensors |= _tensors(f"scales.{scale}.{layer}", leaves)
    return Network(StateDict(tensors), "scales", {"padding": "same", "pooling_padding": 0})


def _expect(settings: Settings, params: str, values: dict[str, Any]) -> None:
    activation = {
        "use_bias": True,
        "nonlinear_activation": "LeakyReLU",
        "nonlinear_activation_params": {"alpha": 0.2},
        "padding_type": "REFLECT",
    }
    for key, value in {**activation, **values}.items():
        settings.expect(f"{params}.{key}", value)


def _convolutions(table: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of each layer by its path, in the order of the model."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in table.items():
        path, _, leaf = str(name).removesuffix(":0").rpartition("/")
        if leaf not in _LEAVES or not isinstance(array, np.ndarray):
            raise UserInputError(f"{name} is no kernel, bias or weight normalization")
        if leaf != "initialized":
            layers.setdefault(path, {})["kernel" if leaf == "v" else leaf] = array
    return layers


def _tensors(
    name: str, leaves: dict[str, np.ndarray], transposed: bool = False
) -> dict[str, np.ndarray]:
    require(
        {"kernel", "bias"} <= leaves.keys(), f"{name} has {sorted(leaves)}, not kernel and bias"
    )
    kernel, bias, g = leaves["kernel"], leaves["bias"], leaves.get("g")
    if transposed:
        # A two-dimensional kernel of width 1: (taps, 1, outputs, inputs).
        require(kernel.ndim == 4 and kernel.shape[1] == 1, f"{name} has shape {kernel.shape}")
        kernel = kernel[:, 0]
        if g is not None:
            # Its g has a number for each output, ours for each input.
            require(g.shape == (kernel.shape[1],), f"{name} has a g of shape {g.shape}")
            lengths = np.sqrt(np.sum(np.square(kernel, dtype=float), axis=(0, 2)))
            kernel, g = kernel * (g / np.maximum(lengths, 1e-6))[:, None], None
    tensors = {f"{name}.bias": bias}
    if g is None:
        return tensors | {f"{name}.weight": np.transpose(kernel)}
    return tensors | {f"{name}.weight_v": np.transpose(kernel), f"{name}.weight_g": g}


def _mel(settings: Settings) -> MelSpec:
    if settings.get("fft_size", None) is None:
        require(
            settings.number("sampling_rate") == _RATE and settings.number("hop_size") == _HOP,
            f"{settings.source}: has no fft_size; add the lines fft_size, win_length, num_mels, "
            "fmin and fmax of the project's preprocess config to it",
        )
        settings = settings.filled(_ANALYSIS)
    return mel_spec(settings)


SOURCE = Source("tensorflow-tts", _recognises, _convert)
