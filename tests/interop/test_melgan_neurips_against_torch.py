"""Checkpoints of MelGAN's official code: the same sound and features as networks of torch."""

import pytest
import torch
from helpers import torch_projects
from helpers.bad_input import assert_user_error

from tf_melgan import MelSpec
from tf_melgan.interop.importing import import_voice

PREFIX = ("^layers", "model")
SCALES = (
    (r"^scales\.(\d)\.layers\.0\.1", r"model.disc_\1.model.layer_0.1"),
    (r"^scales\.(\d)\.layers\.(\d)", r"model.disc_\1.model.layer_\2.0"),
    (r"^scales\.(\d)\.score", r"model.disc_\1.model.layer_4"),
)


@pytest.fixture(scope="module")
def generator():
    return torch_projects.generator()


@pytest.mark.parametrize("old", [True, False], ids=["weight_g", "parametrizations"])
def test_generator_and_discriminators_are_those_of_torch(tmp_path, generator, old):
    discriminator = torch_projects.discriminator()
    files = [tmp_path / "best_netG.pt", tmp_path / "netD.pt"]
    torch.save(torch_projects.renamed(generator, PREFIX, old=old), files[0])
    torch.save(torch_projects.renamed(discriminator, *SCALES, old=old), files[1])
    voice = import_voice(files)
    assert voice.config.mel == MelSpec(n_mels=torch_projects.N_MELS)
    torch_projects.assert_same_sound(voice, generator)
    torch_projects.assert_same_features(voice, discriminator)


def test_a_file_of_discriminators_alone_asks_for_the_generator(tmp_path):
    path = tmp_path / "netD.pt"
    torch.save(torch_projects.renamed(torch_projects.discriminator(), *SCALES), path)
    line = (
        f"{path}: holds discriminators without a generator; give best_netG.pt, and this file "
        "after it"
    )
    assert_user_error(lambda: import_voice(path), line)


def test_without_weight_normalization_and_from_several_devices(tmp_path):
    network = torch_projects.generator()
    state = torch_projects.without_normalization(network, PREFIX, ("^", "module."))
    torch.save(state, tmp_path / "netG.pt")
    torch_projects.assert_same_sound(import_voice(tmp_path / "netG.pt"), network)
