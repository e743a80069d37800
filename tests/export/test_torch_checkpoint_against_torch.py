"""A MelGAN generator as a checkpoint of the official code: names, shapes and sound in torch."""

import numpy as np
import pytest
import torch
from helpers import generators, torch_oracle

from tf_melgan.cli.main import main
from tf_melgan.errors import UserInputError
from tf_melgan.export import export_torch


@pytest.fixture(scope="module")
def generator():
    return generators.generator(generators.PAPER | {"dilations": (1, 3)})


@pytest.fixture(scope="module")
def tensors(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("torch") / "best_netG.pt"
    export_torch(generator, path)
    return torch.load(path, weights_only=True)


def test_the_names_are_those_of_the_official_layers(tensors):
    """`netG.state_dict()` there, for 80 bands and two blocks a stage: layers that have weights."""
    blocks = [f"{n}.{part}" for n in (4, 5, 8, 9, 12, 13, 16, 17) for part in
              ("block.2", "block.4", "shortcut")]  # fmt: skip
    layers = ["1", "3", "7", "11", "15", "20", *blocks]
    parts = ("bias", "weight_g", "weight_v")
    assert set(tensors) == {f"model.{layer}.{part}" for layer in layers for part in parts}
    assert tensors["model.1.weight_v"].shape == (32, 10, 7)
    assert tensors["model.3.weight_g"].shape == (32, 1, 1)  # one a channel of the input
    assert tensors["model.3.weight_v"].shape == (32, 16, 16)


def test_torch_gives_the_same_sound(generator, tensors):
    oracle = torch_oracle.Generator(10, 32, (8, 8, 2, 2), (1, 3)).eval()
    convolutions = [m for m in oracle.modules() if isinstance(m, torch.nn.modules.conv._ConvNd)]
    names = sorted({name.rpartition(".")[0] for name in tensors}, key=_position)
    for convolution, name in zip(convolutions, names, strict=True):
        weight = convolution.parametrizations.weight
        weight.original0.data = tensors[f"{name}.weight_g"]
        weight.original1.data = tensors[f"{name}.weight_v"]
        convolution.bias.data = tensors[f"{name}.bias"]
    mel = generators.mels(20)
    with torch.no_grad():
        sound = oracle(torch.from_numpy(mel.T[None]))[0, 0].numpy()
    assert np.abs(sound - generators.synthesize(generator, mel)).max() <= 1e-6


def _position(name: str) -> list:
    return [int(x) if x.isdigit() else x for x in name.split(".")]


def test_equal_weights_give_equal_files(generator, tmp_path):
    for name in ("a.pt", "b.pt"):
        export_torch(generator, tmp_path / name)
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


@pytest.mark.parametrize(
    ("geometry", "named"),
    [
        ({"channels": 16, "bands": 2, "upsampling": (8, 4, 2, 2)}, "bands"),
        ({"channels": 16, "upsampling": (4, 8, 4, 2)}, "upsampling"),
        (generators.PAPER | {"dilations": (1, 2)}, "dilations"),
        (generators.GEOMETRIES["fourier"], "FourierGenerator"),
    ],
)
def test_other_generators_are_refused_by_name(geometry, named, tmp_path):
    with pytest.raises(UserInputError, match=named):
        export_torch(generators.generator(geometry), tmp_path / "voice.pt")
    assert not any(tmp_path.iterdir())


def test_the_command_line_names_the_generator(tmp_path, capsys):
    out = tmp_path / "voice.pt"
    assert main(["export", "lj-lite", "--to", "torch", "--out", str(out)]) == 2
    assert "FourierGenerator" in capsys.readouterr().err and not out.exists()
