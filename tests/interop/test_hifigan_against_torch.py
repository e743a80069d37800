"""Checkpoints of HiFi-GAN's generator: the same sound as networks of torch."""

import json
import re

import numpy as np
import pytest
import torch
import yaml
from helpers import torch_projects
from helpers.torch_hifigan import SINGLE, SMALL, loud_hifigan

from tf_melgan import MelSpec, UserInputError
from tf_melgan.interop.importing import import_voice

MEL = {
    "n_fft": 64,
    "hop_size": 8,
    "win_size": 48,
    "sampling_rate": 16000,
    "fmin": 0,
    "fmax": 7000,
}
STATISTICS = np.random.default_rng(0).uniform([[-4], [0.5]], [[-2], [2]], (2, 80)).astype("f")


def save(folder, content, config: dict, name: str = "g_00000001"):
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(content, folder / name)
    return folder / name


@pytest.mark.parametrize("config", [SMALL, SINGLE], ids=["paired", "not paired"])
@pytest.mark.parametrize("form", ["weight_g", "parametrizations", "plain"])
def test_the_official_code(tmp_path, config, form):
    network = loud_hifigan(config)
    if form == "plain":
        state = torch_projects.without_normalization(network)
    else:
        state = torch_projects.renamed(network, old=form == "weight_g")
    voice = import_voice(save(tmp_path, {"generator": state}, config | MEL))
    assert voice.config.mel == MelSpec(
        16000, 64, 8, 4, 0, 7000, "ln", 1e-5, win_length=48, epsilon=1e-9
    )
    torch_projects.assert_same_sound(voice, network)


PARALLEL_WAVEGAN_NAMES = (
    ("^conv_pre", "input_conv"),
    ("^conv_post", "output_conv.1"),
    (r"^ups\.(\d)", r"upsamples.\1.1"),
    (r"^resblocks\.(\d)\.(convs\d?)\.(\d)", r"blocks.\1.\2.\3.1"),
    (r"\.convs\.", ".convs1."),
)


@pytest.mark.parametrize("config", [SMALL, SINGLE], ids=["paired", "not paired"])
def test_parallel_wavegan_with_an_odd_factor(tmp_path, config):
    config = config | {"upsample_rates": [5, 2], "upsample_kernel_sizes": [10, 4]}
    network = loud_hifigan(config)
    state = torch_projects.renamed(network, *PARALLEL_WAVEGAN_NAMES)
    parameters = {
        "channels": 12,
        "upsample_scales": [5, 2],
        "upsample_kernel_sizes": [10, 4],
        "resblock_kernel_sizes": config["resblock_kernel_sizes"],
        "resblock_dilations": config["resblock_dilation_sizes"],
        "use_additional_convs": config["resblock"] == "1",
    }
    mel = {"sampling_rate": 16000, "fft_size": 64, "hop_size": 10, "num_mels": 4, "fmin": 80}
    settings = mel | {"generator_type": "HiFiGANGenerator", "generator_params": parameters}
    mean, scale = STATISTICS[:, :4]
    np.save(tmp_path / "stats.npy", STATISTICS[:, :4])
    (tmp_path / "config.yml").write_text(yaml.safe_dump(settings))
    path = tmp_path / "checkpoint-1steps.pkl"
    torch.save({"model": {"generator": state, "discriminator": {}}}, path)
    voice = import_voice(path)
    assert voice.config.mel == MelSpec(16000, 64, 10, 4, 80, 8000.0, floor=1e-10, center=True)
    assert_normalized(voice, network, mean, scale)


@pytest.mark.parametrize("prefix", ["model_g.", ""], ids=["whole", "generator"])
def test_coqui(tmp_path, prefix):
    network = loud_hifigan(SMALL)
    state = torch_projects.renamed(network, ("^", prefix), old=False)
    if prefix:
        state["model_d.mpd.discriminators.0.convs.0.bias"] = torch.zeros(3)
    parameters = {
        "resblock_type": "1",
        "upsample_factors": SMALL["upsample_rates"],
        **{key: value for key, value in SMALL.items() if key != "resblock"},
    }
    audio = {"sample_rate": 16000, "fft_size": 64, "hop_length": 8, "num_mels": 4, "mel_fmin": 0.0}
    audio |= {"spec_gain": 1, "log_func": "np.log", "signal_norm": False}
    settings = {"audio": audio, "generator_model": "hifigan_generator"}
    path = save(tmp_path, {"model": state}, settings | {"generator_model_params": parameters})
    voice = import_voice(path)
    assert voice.discriminator is None
    assert voice.config.mel == MelSpec(16000, 64, 8, 4, 0.0, 8000.0, "ln", 1e-8, center=True)
    torch_projects.assert_same_sound(voice, network)


def test_speecht5_whose_statistics_hold_at_both_ends_too(tmp_path):
    shapes = {"num_mels": 80, "upsample_rates": [64, 4], "upsample_kernel_sizes": [64, 8]}
    config = SMALL | shapes
    network = loud_hifigan(config)
    mean, scale = STATISTICS
    state = torch_projects.without_normalization(network, ("^ups", "upsampler"))
    state |= {"mean": torch.from_numpy(mean), "scale": torch.from_numpy(scale)}
    own = {"sampling_rate": 16000, "model_in_dim": 80, "leaky_relu_slope": 0.1}
    path = save(tmp_path, state, config | own | {"normalize_before": True}, "pytorch_model.bin")
    voice = import_voice(path)
    assert voice.config.mel == MelSpec(
        16000, 1024, 256, 80, 80.0, 7600.0, "log10", 1e-10, center=True
    )
    assert_normalized(voice, network, mean, scale)


def assert_normalized(voice, network, mean: np.ndarray, scale: np.ndarray) -> None:
    """Asserts that a voice of mels gives what a network of normalized mels gives."""
    generator = voice.build_generator()
    for frames in (1, 9):
        shape = (1, frames, len(mean))
        normalized = np.random.default_rng(frames).normal(0, 1, shape).astype(np.float32)
        with torch.no_grad():
            wanted = network(torch.from_numpy(normalized).mT)[0, 0].numpy()
        sound = np.asarray(generator((normalized * scale + mean).astype(np.float32)))[0, :, 0]
        assert np.abs(sound - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"resblock": "3"}, "resblock is '3'; a voice can be imported with '1' or '2' alone"),
        ({"upsample_kernel_sizes": [8, 5]}, r"kernels \[8, 5\] gives more than a hop of samples"),
        ({"upsample_initial_channel": 24}, "upsample_initial_channel is 24; .* with 12 alone"),
        ({"resblock_dilation_sizes": [[1, 3, 2]]}, "generator.dilations is .* for each of"),
        ({"resblock_dilation_sizes": 3}, "generator.dilations is 3; give a list"),
        ({"resblock_kernel_sizes": [3, 7]}, r"resblocks.1.convs1.0 has shape \(5, 6, 6\)"),
        ({"hop_size": 16}, "generator.upsampling .* = 8, but mel.hop is 16"),
        ({"win_size": None}, "win_size is None; it must be a number"),
        ({"num_mels": 5}, r"conv_pre has shape \(7, 4, 12\)"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(tmp_path, change, line):
    state = torch_projects.renamed(loud_hifigan(SMALL))
    path = save(tmp_path, {"generator": state}, SMALL | MEL | change)
    with pytest.raises(UserInputError, match=f"^{re.escape(str(path))}: .*{line}") as error:
        import_voice(path)
    assert "\n" not in str(error.value)


def test_the_discriminators_are_refused(tmp_path):
    path = save(tmp_path, {"mpd": {}, "msd": {}, "steps": 1}, SMALL | MEL, "do_00000001")
    with pytest.raises(UserInputError, match="give the generator's file alone"):
        import_voice(path)
