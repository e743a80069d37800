"""The shipped configs: they load, have every key, cost what they claim, and build."""

import re
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tf_melgan.config import Config
from tf_melgan.models import cost
from tf_melgan.training.cost import memory, summary

FOLDER = Path(__file__).parents[2] / "configs"
NAMES = [
    "lite",
    "lj",
    "lj-lite",
    "melgan",
    "melgan_16k",
    "melgan_24k",
    "melgan_48k",
    "multiband",
    "smoke",
]


def load(name):
    return Config.load(FOLDER / f"{name}.yaml")


def costs(config):
    layers = config.generator.convolutions(config.mel)
    return cost.parameters(layers), cost.gmacs(layers, config.mel.sample_rate)


def test_every_shipped_config_is_tested():
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == NAMES


def test_melgan_is_the_paper_and_the_default():
    config = load("melgan")
    assert config == Config()
    parameters, gmacs = costs(config)
    assert parameters == 4_260_257
    assert gmacs == pytest.approx(7.78 / 2, abs=0.005)
    assert cost.parameters(config.discriminator.convolutions()) == 16_913_859
    text = summary(config)
    assert "4,260,257 parameters" in text and "16,913,859 parameters" in text
    assert "3.89 GMAC per second of audio" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_present_and_explained(name):
    lines = (FOLDER / f"{name}.yaml").read_text().splitlines()
    assert all(len(line) <= 100 for line in lines)

    def keys(part):
        for item in fields(part):
            value = getattr(part, item.name)
            yield item.name
            yield from (
                keys(value) if is_dataclass(value) else value if isinstance(value, dict) else ()
            )

    written = [match[1] for line in lines if (match := re.match(r" *(\w+):", line))]
    assert sorted(written) == sorted(keys(load(name)))
    for before, line in pairwise(lines):
        if re.match(r" *\w+: \S", line):
            assert "#" in line or before.lstrip().startswith("#"), line


@pytest.mark.parametrize("name", NAMES)
def test_costs_in_the_header_equal_those_of_the_layers(name):
    text = (FOLDER / f"{name}.yaml").read_text().replace("\n# ", " ")
    parameters, gmacs = costs(load(name))
    assert [float(x) for x in re.findall(r"([\d.]+) GMAC", text)] == [round(gmacs, 2)]
    claimed = [int(x.replace(",", "")) for x in re.findall(r"([\d,]+) parameters", text)]
    assert claimed == [parameters]


@pytest.mark.parametrize(
    ("name", "batch", "peak"), [("melgan", 4, 2.38), ("melgan", 16, 3.34), ("multiband", 8, 2.34)]
)
def test_memory_estimate_is_near_the_measured_peaks(name, batch, peak):
    # Peak resident set size in GB of two steps with TensorFlow 2.21 on a CPU.
    config = load(name).with_values(**{"training.batch": batch})
    assert memory(config) == pytest.approx(peak, rel=0.1)


def test_lite_fits_a_phone():
    assert costs(load("lite"))[1] < 1


@pytest.mark.parametrize("name", NAMES)
def test_parameter_counts_equal_those_of_the_keras_models(name):
    config = load(name)
    generator = config.generator.build_generator(config.mel).folded()
    gains = 0
    if config.generator.type == "fourier":
        # Export folds the gains into kernels.
        gains = config.generator.width * (2 + 2 * config.generator.depth)
    assert generator.count_params() - gains == costs(config)[0]
    discriminator = config.discriminator.build_discriminator()
    norms = sum(int(np.prod(v.shape)) for v in discriminator.variables if v.name == "g")
    counted = cost.parameters(config.discriminator.convolutions())
    assert discriminator.count_params() - norms == counted
