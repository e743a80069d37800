"""The registered types, and what a config's `type` may be; test_contributing.py adds types."""

import numpy as np
import pytest

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.models.cost import parameters
from tf_melgan.models.registry import DISCRIMINATORS, GENERATORS


@pytest.mark.parametrize("section", ["generator", "discriminator"])
def test_an_unknown_type_is_refused(section):
    known = GENERATORS if section == "generator" else DISCRIMINATORS
    line = rf"^config: {section}.type is 'waves'; choose one of {', '.join(known)}$"
    with pytest.raises(UserInputError, match=line):
        Config.from_dict({section: {"type": "waves"}})


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_gives_as_many_outputs_as_it_says(name):
    config = DISCRIMINATORS[name]()
    assert config.type == name
    outputs = config.build_discriminator()(np.zeros((1, 8192, 1), np.float32))
    assert len(outputs) == config.outputs
    # Features and a score each; the score is one channel.
    assert all(len(network) > 1 and network[-1].shape[-1] == 1 for network in outputs)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_gives_a_hop_for_a_frame_and_what_it_counts(name):
    config, mel = GENERATORS[name](), MelSpec()
    assert config.type == name
    generator = config.build_generator(mel)
    assert generator(np.zeros((1, 3, mel.n_mels), np.float32)).shape == (1, 3 * mel.hop, 1)
    assert parameters(config.convolutions(mel)) <= generator.count_params()


def test_another_type_begins_with_its_own_defaults():
    config = Config().with_values(
        **{"generator.width": 64, "generator.type": "fourier", "training.batch": 2}
    )
    assert config.generator == GENERATORS["fourier"](width=64)
    assert config.training.batch == 2
