"""Checkpoints of projects that normalize their mels: the voice reads the mel as it is."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from helpers import torch_projects
from helpers.torch_filter_bank import join_bands
from helpers.torch_projects import N_MELS
from scipy import signal

from tf_melgan import MelSpec
from tf_melgan.interop.importing import import_voice

CONVENTION = MelSpec(
    n_fft=64, hop=20, n_mels=N_MELS, fmin=80, fmax=7600, floor=1e-10, win_length=60, center=True
)
MEAN, DEVIATION = np.array([-2.0, -3, -1, -2.5]), np.array([0.5, 1, 2, 0.7])
SCALES = (
    (r"^scales\.(\d)\.layers\.0\.1", r"discriminators.\1.layers.0.1"),
    (r"^scales\.(\d)\.layers\.([1-9])", r"discriminators.\1.layers.\2.0"),
    (r"^scales\.(\d)\.score", r"discriminators.\1.layers.4"),
)
# Each stage is a LeakyReLU, the upsampling convolution and an entry with both blocks.
_PLACES = {"1.": "1.", "3.": "3.", "7.": "6.", "12.": "10."}
for _stage, _entry in enumerate((4, 7)):
    for _block in range(2):
        _own = 4 + 4 * _stage + _block
        _PLACES[f"{_own}.block."] = f"{_entry}.blocks.{_block}."
        _PLACES[f"{_own}.shortcut."] = f"{_entry}.shortcuts.{_block}."
STACKED = [(rf"^layers\.{re.escape(own)}", f"NET.{other}") for own, other in _PLACES.items()]


def normalized(network, mean, deviation):
    """The network behind a normalization of its mel, in float64."""
    mean, deviation = (torch.tensor(x, dtype=torch.float64) for x in (mean, deviation))
    shape = (-1, 1) if mean.ndim else ()
    mean, deviation = mean.reshape(shape), deviation.reshape(shape)
    return lambda mel: network(((mel.double() - mean) / deviation).float())


def stacked(prefix):
    return tuple((pattern, name.replace("NET", prefix)) for pattern, name in STACKED)


def test_seungwonpark_reads_a_natural_logarithm(tmp_path):
    generator, discriminator = torch_projects.generator((4, 5)), torch_projects.discriminator()
    scales = tuple((a, b.replace(".layers.", ".discriminator.")) for a, b in SCALES)
    audio = {"sampling_rate": 22050, "filter_length": 64, "hop_length": 20, "win_length": 64}
    audio |= {"n_mel_channels": N_MELS, "mel_fmin": 0.0, "mel_fmax": 8000.0}
    state = {
        "model_g": torch_projects.renamed(generator, *stacked("generator")),
        "model_d": torch_projects.renamed(discriminator, *scales),
        "hp_str": f"data:\n  train: ''\n---\n{yaml.safe_dump({'audio': audio})}",
        "githash": "0",
    }
    torch.save(state, tmp_path / "lj.pt")
    voice = import_voice(tmp_path / "lj.pt")
    assert voice.config.mel == MelSpec(
        n_fft=64, hop=20, n_mels=N_MELS, fmax=8000.0, log="ln", center=True
    )
    torch_projects.assert_same_sound(voice, normalized(generator, -5.0, 5.0))
    torch_projects.assert_same_features(voice, discriminator)


def pwg_files(folder, generator, bands=1, discriminator=None, **config):
    """Writes a checkpoint of ParallelWaveGAN with its config and statistics."""
    names = (
        (r"^layers", "melgan"),
        (r"\.block\.", ".stack."),
        (r"\.shortcut\.", ".skip_layer."),
    )
    model = {"generator": torch_projects.renamed(generator, *names)}
    if discriminator is not None:
        model["discriminator"] = torch_projects.renamed(discriminator, *SCALES)
    torch.save({"model": model, "steps": 3}, folder / "checkpoint-3steps.pkl")
    np.save(folder / "stats.npy", np.stack([MEAN, DEVIATION]).astype(np.float32))
    values = {"sampling_rate": 22050, "fft_size": 64, "hop_size": 20, "win_length": 60}
    values |= {"window": "hann", "num_mels": N_MELS, "fmin": 80, "fmax": 7600}
    values |= {"generator_type": "MelGANGenerator", "generator_params": {"out_channels": bands}}
    pooling = {"kernel_size": 4, "stride": 2, "padding": 1, "count_include_pad": False}
    values |= {"discriminator_params": {"downsample_pooling_params": pooling}}
    (folder / "config.yml").write_text(yaml.safe_dump(values | config))
    return folder / "checkpoint-3steps.pkl"


def test_parallel_wavegan_reads_a_mel_without_statistics(tmp_path):
    generator, discriminator = torch_projects.generator((4, 5)), torch_projects.discriminator()
    kind = {"discriminator_type": "MelGANMultiScaleDiscriminator"}
    path = pwg_files(tmp_path, generator, 1, discriminator, **kind)
    voice = import_voice(path)
    assert voice.config.mel == CONVENTION
    torch_projects.assert_same_sound(voice, normalized(generator, MEAN, DEVIATION))
    torch_projects.assert_same_features(voice, discriminator)


@pytest.mark.parametrize(
    ("config", "taps", "cutoff"),
    [
        ({"version": "0.5.1"}, 63, 0.142),
        ({"version": "0.4.2"}, 63, 0.15),
        ({"version": "0.6.2a", "pqmf_params": {"taps": 30, "cutoff_ratio": 0.3}}, 31, 0.3),
    ],
    ids=["new", "old", "own"],
)
def test_parallel_wavegan_joins_bands_as_its_version_does(tmp_path, config, taps, cutoff):
    position = np.arange(taps) - taps // 2
    prototype = cutoff * np.sinc(cutoff * position) * signal.windows.kaiser(taps, 9.0)
    generator = torch_projects.generator((5,), bands=4)

    def sound(mel):
        # Its correlation with the filters is a convolution with those of the opposite phase.
        return join_bands(generator.layers(mel), np.sqrt(4) * prototype, phase=1)

    voice = import_voice(pwg_files(tmp_path, generator, 4, **config))
    torch_projects.assert_same_sound(voice, normalized(sound, MEAN, DEVIATION))


COQUI_AUDIO = {
    **{"sample_rate": 22050, "fft_size": 64, "hop_length": 20, "win_length": 60},
    **{"num_mels": N_MELS, "mel_fmin": 80, "mel_fmax": 7600, "spec_gain": 20},
    **{"ref_level_db": 20, "min_level_db": -100, "max_norm": 4.0},
}


def to_range(decibels):
    return 8 * (decibels - 20 + 100) / 100 - 4


@pytest.mark.parametrize(
    ("options", "decibels_to_input", "floor"),
    [
        ({}, to_range, 1e-4),
        ({"log_func": "np.log"}, to_range, np.exp(-4)),
        ({"symmetric_norm": False, "max_norm": 1.0}, lambda db: (db - 20 + 100) / 100, 1e-4),
        ({"clip_norm": False}, to_range, 1e-8),
        ({"signal_norm": False}, lambda db: db, 1e-8),
    ],
    ids=["symmetric", "natural logarithm", "from 0", "not clipped", "decibels"],
)
def test_coqui_reads_a_mel_without_its_range(tmp_path, options, decibels_to_input, floor):
    generator = torch_projects.generator((4, 5), gain=1 if options.get("signal_norm", True) else 20)
    voice = import_voice(coqui_files(tmp_path, generator, COQUI_AUDIO | options))
    log = "ln" if "log_func" in options else "log10"
    assert replace(voice.config.mel, floor=1e-10) == replace(CONVENTION, log=log)
    assert voice.config.mel.floor == pytest.approx(floor)
    torch_projects.assert_same_sound(
        voice, lambda mel: generator(decibels_to_input(20 * mel.double()).float())
    )


def coqui_files(folder, generator, audio=COQUI_AUDIO, kind="melgan", discriminator=None):
    """Writes a checkpoint of Coqui with its config."""
    model = torch_projects.renamed(generator, *stacked("model_g.layers"), old=False)
    if discriminator is not None:
        scales = ((pattern, f"model_d.{name}") for pattern, name in SCALES)
        model |= torch_projects.renamed(discriminator, *scales, old=False)
    torch.save({"model": model, "step": 1}, folder / "best_model.pth")
    config = {"generator_model": f"{kind}_generator", "audio": audio}
    config["discriminator_model"] = "melgan_multiscale_discriminator"
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "best_model.pth"


def test_coqui_pools_with_more_padding(tmp_path):
    generator, discriminator = torch_projects.generator((4, 5)), torch_projects.discriminator(2)
    path = coqui_files(tmp_path, generator, discriminator=discriminator)
    torch_projects.assert_same_features(import_voice(path), discriminator)


def test_coqui_joins_bands_through_its_own_filters(tmp_path):
    generator = torch_projects.generator((5, 2), bands=4, gain=20)
    prototype = signal.firwin(63, 0.15, window=("kaiser", 9.0))
    audio = COQUI_AUDIO | {"signal_norm": False, "hop_length": 40}
    path = coqui_files(tmp_path, generator, audio, "multiband_melgan")

    def sound(mel):
        subbands = generator.layers((20 * mel.double()).float())
        return join_bands(subbands, np.sqrt(4) * prototype, phase=1, shift=0.5)

    torch_projects.assert_same_sound(import_voice(path), sound)


def test_coqui_reads_a_mel_without_statistics(tmp_path):
    generator = torch_projects.generator((4, 5))
    path = coqui_files(tmp_path, generator, COQUI_AUDIO | {"stats_path": "scale_stats.npy"})
    statistics = {"mel_mean": 20 * MEAN, "mel_std": 20 * DEVIATION, "audio_config": COQUI_AUDIO}
    np.save(tmp_path / "scale_stats.npy", statistics, allow_pickle=True)
    voice = import_voice(path)
    assert voice.config.mel == replace(CONVENTION, floor=1e-8)
    torch_projects.assert_same_sound(voice, normalized(generator, MEAN, DEVIATION))
