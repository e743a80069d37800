"""Checkpoints of kan-bayashi/ParallelWaveGAN: MelGAN, multi-band and full-band MelGAN.

Beside `checkpoint-NNNsteps.pkl` lie `config.yml` and `stats.h5`: the statistics that the mels are
normalized with, which are folded into the weights. Of other discriminators than the multi-scale
ones, none are imported.
"""

from __future__ import annotations

import re
from typing import Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.statistics import Statistics
from tf_melgan.errors import UserInputError, require
from tf_melgan.interop import melgan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.melgan_voices import Network, melgan_voice
from tf_melgan.interop.settings import Settings
from tf_melgan.interop.source import Source
from tf_melgan.layers.filter_bank import FilterBank
from tf_melgan.voices.weights_file import VoiceWeights

_BLOCK = networks.BlockNames(
    "{entry}.stack.2", "{entry}.stack.4", "{entry}.skip_layer", entries=True
)
GENERATOR, _DISCRIMINATOR = ("model", "generator"), ("model", "discriminator")
BUFFERS = ("mean", "scale")
_FLOOR = 1e-10
_LOGARITHMS = {10.0: "log10", None: "ln"}
# Up to this version, another cutoff was built in.
_OLD_VERSION, _OLD_CUTOFF, _CUTOFF, _TAPS, _BETA = (0, 4, 2), 0.15, 0.142, 62, 9.0


def _recognises(checkpoint: Checkpoint) -> bool:
    return any(name.startswith("melgan.") for name in checkpoint.names(*GENERATOR))


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    settings = checkpoint.require_settings("config.yml")
    _check_generator(settings)
    state = checkpoint.state(*GENERATOR)
    statistics = checkpoint_statistics(checkpoint)
    state.ignore(*BUFFERS)
    return melgan_voice(
        checkpoint,
        Network(state, "melgan", {"filter_bank": _filter_bank(settings)}, _bands(settings)),
        _BLOCK,
        mel_spec(settings),
        statistics,
        _discriminator(checkpoint, settings),
    )


def mel_spec(settings: Settings) -> MelSpec:
    """The mel that the project computes, before its statistics.

    Raises:
        UserInputError: the config has a value that is not known.
    """
    settings.expect("window", "hann")
    settings.expect("log_base", 10.0, None)
    rate = settings.number("sampling_rate")
    fmin, fmax = settings.get("fmin", None), settings.get("fmax", None)
    return MelSpec(
        sample_rate=rate,
        n_fft=settings.number("fft_size"),
        hop=settings.number("hop_size"),
        n_mels=settings.number("num_mels"),
        fmin=0 if fmin is None else fmin,
        fmax=rate / 2 if fmax is None else fmax,
        log=_LOGARITHMS[settings.get("log_base", 10.0)],
        floor=_FLOOR,
        win_length=settings.get("win_length", None) or 0,
        center=True,
    )


def _check_generator(settings: Settings) -> None:
    settings.expect("generator_type", "MelGANGenerator")
    settings.expect("global_gain_scale", 1.0)
    for key, known in {
        "kernel_size": 7,
        "stack_kernel_size": 3,
        "bias": True,
        "pad": "ReflectionPad1d",
        "pad_params": {},
        "use_final_nonlinear_activation": True,
        "use_causal_conv": False,
        **_ACTIVATION,
    }.items():
        settings.expect(f"generator_params.{key}", known)


_ACTIVATION: dict[str, Any] = {
    "nonlinear_activation": "LeakyReLU",
    "nonlinear_activation_params": {"negative_slope": 0.2},
}


def _bands(settings: Settings) -> int:
    return settings.number("generator_params.out_channels", 1)


def _filter_bank(settings: Settings) -> FilterBank:
    if _bands(settings) == 1:
        return FilterBank()
    version = [int(part) for part in re.findall(r"\d+", str(settings.get("version", "0.1.0")))[:3]]
    cutoff = _OLD_CUTOFF if tuple(version) <= _OLD_VERSION else _CUTOFF
    if settings.get("pqmf_params", None) is not None:
        cutoff = settings.number("pqmf_params.cutoff_ratio", _CUTOFF)
    return FilterBank(
        "parallel_wavegan",
        settings.number("pqmf_params.taps", _TAPS) + 1,
        cutoff,
        settings.number("pqmf_params.beta", _BETA),
    )


def checkpoint_statistics(checkpoint: Checkpoint) -> Statistics:
    """The statistics of the file, or else those that the network itself keeps.

    Raises:
        UserInputError: there are none.
    """
    if checkpoint.statistics:
        return checkpoint.statistics
    state = checkpoint.state(*GENERATOR)
    if not all(name in state for name in BUFFERS):
        raise UserInputError(
            "the statistics of its mels are missing; give --stats stats.h5, which lies beside it"
        )
    return Statistics(*(state.take(name).astype(float) for name in BUFFERS))


def _discriminator(checkpoint: Checkpoint, settings: Settings) -> Network | None:
    kind = settings.get("discriminator_type", "ParallelWaveGANDiscriminator")
    state = checkpoint.state(*_DISCRIMINATOR)
    if kind != "MelGANMultiScaleDiscriminator" or not state.names:
        return None
    for key, known in {
        "kernel_sizes": [5, 3],
        "bias": True,
        "pad": "ReflectionPad1d",
        "pad_params": {},
        "downsample_pooling": "AvgPool1d",
        **_ACTIVATION,
    }.items():
        settings.expect(f"discriminator_params.{key}", known)
    pooling = {"kernel_size": 4, "stride": 2, "padding": 1, "count_include_pad": False}
    given = settings.get("discriminator_params.downsample_pooling_params", pooling)
    require(
        isinstance(given, dict) and given | {"padding": 1} == pooling,
        f"{settings.source}: discriminator_params.downsample_pooling_params are {given}; a voice "
        f"can be imported with {pooling}",
    )
    # PyTorch pads by nothing where the config says nothing.
    return Network(state, "discriminators", {"pooling_padding": given.get("padding", 0)})


SOURCE = Source("parallel-wavegan", _recognises, _convert)
