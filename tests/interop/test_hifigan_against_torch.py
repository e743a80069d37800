"""Checkpoints of HiFi-GAN's generator: the same sound as networks of torch."""

import json
import re

import numpy as np
import pytest
import torch
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


def test_speecht5_whose_statistics_hold_at_both_ends_too(tmp_path):
    shapes = {"num_mels": 80, "upsample_rates": [64, 4], "upsample_kernel_sizes": [64, 8]}
    config = SMALL | shapes
    network, random = loud_hifigan(config), np.random.default_rng(0)
    mean, scale = random.uniform(-4, -2, 80), random.uniform(0.5, 2, 80)
    state = torch_projects.without_normalization(network, ("^ups", "upsampler"))
    state |= {"mean": torch.from_numpy(mean).float(), "scale": torch.from_numpy(scale).float()}
    own = {"sampling_rate": 16000, "model_in_dim": 80, "leaky_relu_slope": 0.1}
    path = save(tmp_path, state, config | own | {"normalize_before": True}, "pytorch_model.bin")
    voice = import_voice(path)
    assert voice.config.mel == MelSpec(
        16000, 1024, 256, 80, 80.0, 7600.0, "log10", 1e-10, center=True
    )
    for frames in (1, 9):
        mel = random.normal(-3, 1, (1, frames, 80)).astype(np.float32)
        normalized = torch.from_numpy(((mel - mean) / scale).astype(np.float32))
        with torch.no_grad():
            wanted = network(normalized.mT)[0, 0].numpy()
        sound = np.asarray(voice.build_generator()(mel))[0, :, 0]
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
    with pytest.raises(UserInputError, match="the generator alone is imported: give its file"):
        import_voice(path)
