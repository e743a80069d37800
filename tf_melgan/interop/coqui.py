"""Checkpoints of coqui-ai/TTS (and its fork by Idiap): MelGAN, multi-band and full-band MelGAN.

`config.json` lies beside the checkpoint, and `scale_stats.npy` where mels are normalized with
statistics. The normalization is folded into the weights. What exceeds the top of the range is
clipped by the project and not by a voice; speech does not reach it. The project repeats two frames
at both ends of a mel and keeps their sound; a voice does not.
"""

from __future__ import annotations

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.statistics import Statistics
from tf_melgan.errors import require
from tf_melgan.interop import melgan_networks as networks
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.melgan_voices import Network, melgan_voice
from tf_melgan.interop.settings import Settings
from tf_melgan.interop.source import Source
from tf_melgan.interop.state_dict import StateDict
from tf_melgan.layers.filter_bank import FilterBank
from tf_melgan.voices.weights_file import VoiceWeights

_BLOCK = networks.BlockNames(
    "{entry}.blocks.{block}.2", "{entry}.blocks.{block}.4", "{entry}.shortcuts.{block}", False
)
_STACK = ".blocks.0.2."
_BANDS, _BANK = 4, FilterBank("coqui", 63, 0.15, 9.0)
_BUFFERS = ("H", "G", "updown_filter")
_FLOOR = 1e-8
_BASES = {"np.log10": ("log10", 10.0), "np.log": ("ln", float(np.e))}


def _recognises(checkpoint: Checkpoint) -> bool:
    names = checkpoint.names("model")
    return any(
        name.removeprefix("model_g.").startswith("layers.") and _STACK in name for name in names
    )


def _convert(checkpoint: Checkpoint) -> VoiceWeights:
    settings = checkpoint.require_settings("config.json")
    whole = checkpoint.state("model")
    nested = any(name.startswith("model_g.") for name in whole.names)
    prefix = "model_g." if nested else ""
    generator = whole.part(lambda name: not name.startswith("model_d."))
    _check_bank(generator, f"{prefix}pqmf_layer.")
    mel, statistics = mel_and_statistics(settings.part("audio"), checkpoint.statistics)
    bank = _filter_bank(settings)
    return melgan_voice(
        checkpoint,
        Network(
            generator, f"{prefix}layers", {"filter_bank": bank}, _BANDS if bank == _BANK else 1
        ),
        _BLOCK,
        mel,
        statistics,
        _discriminator(checkpoint, settings),
    )


def _filter_bank(settings: Settings) -> FilterBank:
    known = ("melgan_generator", "multiband_melgan_generator", "fullband_melgan_generator")
    kind = settings.get("generator_model")
    settings.expect("generator_model", *known)
    for key, value in {"proj_kernel": 7, "res_kernel": 3}.items():
        settings.expect(f"generator_model_params.{key}", value)
    return _BANK if kind == "multiband_melgan_generator" else FilterBank()


def _check_bank(state: StateDict, prefix: str) -> None:
    """Compares the filters that a checkpoint keeps with those that the project has built in."""
    buffers = [f"{prefix}{name}" for name in _BUFFERS if f"{prefix}{name}" in state]
    for name, wanted in zip(_BUFFERS, _BANK.filters(_BANDS), strict=False):
        if f"{prefix}{name}" in buffers:
            actual = state.take(f"{prefix}{name}").reshape(_BANDS, -1)[:, ::-1]
            scale = _BANDS if name == "G" else 1
            require(
                actual.shape == wanted.shape and np.allclose(scale * actual, wanted, atol=1e-5),
                f"the filters {prefix}{name} are others than the project's own",
            )
    state.ignore(*buffers)


def mel_and_statistics(
    audio: Settings, statistics: Statistics | None
) -> tuple[MelSpec, Statistics | None]:
    """The mel before its normalization, and the normalization as statistics.

    Args:
        audio: the table of that name in the project's config.
        statistics: the statistics beside the checkpoint, in decibels.

    Raises:
        UserInputError: the config has a value that is not known.
    """
    audio.expect("preemphasis", 0.0)
    audio.expect("do_amp_to_db_mel", True)
    audio.expect("frame_shift_ms", None)
    audio.expect("log_func", *_BASES)
    log, base = _BASES[audio.get("log_func", "np.log10")]
    rate, fmax = audio.number("sample_rate"), audio.get("mel_fmax", None)
    gain, floor = audio.number("spec_gain", 20), _FLOOR
    if audio.get("signal_norm", True) is not True:
        statistics = Statistics.of_scale(0.0, 1.0 / gain, audio.number("num_mels"))
    elif audio.get("stats_path", None):
        require(
            statistics is not None,
            "the statistics of its mels are missing; give --stats scale_stats.npy",
        )
        assert statistics is not None
        statistics = Statistics(statistics.mean / gain, statistics.deviation / gain)
    else:
        lowest, top = audio.number("min_level_db"), audio.number("ref_level_db")
        largest = audio.number("max_norm")
        symmetric = audio.get("symmetric_norm", True)
        # Decibels from `lowest` to 0 become −k to k, or 0 to k.
        slope = (2 if symmetric else 1) * largest / -lowest
        zero = lowest + top + (largest / slope if symmetric else 0)
        statistics = Statistics.of_scale(zero / gain, 1 / (slope * gain), audio.number("num_mels"))
        if audio.get("clip_norm", True):
            floor = max(floor, base ** ((lowest + top) / gain))
    spec = MelSpec(
        sample_rate=rate,
        n_fft=audio.number("fft_size"),
        hop=audio.number("hop_length"),
        n_mels=audio.number("num_mels"),
        fmin=audio.number("mel_fmin", 0.0),
        fmax=rate / 2 if fmax is None else fmax,
        log=log,
        floor=floor,
        win_length=audio.get("win_length", None) or 0,
        center=True,
        pad_mode=audio.get("stft_pad_mode", "reflect"),
    )
    return spec, statistics


def _discriminator(checkpoint: Checkpoint, settings: Settings) -> Network | None:
    state = checkpoint.state("model").part(lambda name: name.startswith("model_d."))
    prefix = "model_d.discriminators"
    if not state.names:
        state, prefix = checkpoint.state("model_disc"), "discriminators"
    if settings.get("discriminator_model", None) != "melgan_multiscale_discriminator":
        return None
    if not state.names:
        return None
    params = "discriminator_model_params"
    for key, known in {
        "kernel_sizes": [5, 3],
        "pooling_kernel_size": 4,
        "pooling_stride": 2,
        "groups_denominator": 4,
    }.items():
        settings.expect(f"{params}.{key}", known)
    padding = settings.number(f"{params}.pooling_padding", 2)
    return Network(state, prefix, {"pooling_padding": padding})


SOURCE = Source("coqui", _recognises, _convert)
