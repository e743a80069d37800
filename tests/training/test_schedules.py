"""The learning rates of a run against their closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

from tf_melgan.config import Config
from tf_melgan.errors import UserInputError
from tf_melgan.training.schedules import discriminator_rate, generator_rate

OPTIMIZER = {"learning_rate": 1e-3, "final_learning_rate": 1e-5, "decay": "cosine"}
RUN = {"steps": 100, "checkpoint_interval": 10, "discriminator_start": 20}


def config(warmup: int = 0, **optimizer: object) -> Config:
    return Config.from_dict(
        {
            "optimizer": OPTIMIZER | optimizer,
            "training": RUN | {"discriminator_warmup": warmup},
            "loss": {"weights": {"mel": 1.0}},
        }
    )


def rates(rate: object, steps: range) -> np.ndarray:
    return np.array([float(rate(ops.array(x))) if callable(rate) else rate for x in steps])


def cosine(first: float, last: float, progress: np.ndarray) -> np.ndarray:
    return last + (first - last) * (1 + np.cos(np.pi * progress)) / 2


@pytest.mark.parametrize(("own", "first", "last"), [(0.0, 1e-3, 1e-5), (4e-3, 4e-3, 4e-5)])
def test_the_discriminators_decay_by_the_same_factor_over_their_own_steps(own, first, last):
    rate = discriminator_rate(config(discriminator_learning_rate=own))
    expected = cosine(first, last, np.arange(81) / 80)
    np.testing.assert_allclose(rates(rate, range(81)), expected, rtol=1e-5)


@pytest.mark.parametrize("warmup", [0, 7])
def test_the_generator_rests_for_the_warmup_alone(warmup):
    expected = cosine(1e-3, 1e-5, np.arange(101) / 100)
    expected[20 : 20 + warmup] = 0
    found = rates(generator_rate(config(warmup)), range(101))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "decay", [{}, {"decay": "exponential"}, {"decay": "constant", "final_learning_rate": 0.0}]
)
def test_a_resting_rate_is_saved_with_its_optimizer(decay):
    rate = generator_rate(config(7, **decay))
    optimizer = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(keras.optimizers.Adam(rate))
    )
    found = rates(optimizer._learning_rate, range(101))
    np.testing.assert_array_equal(found, rates(rate, range(101)))


@pytest.mark.parametrize("warmup", [-1, 80])
def test_a_warmup_that_does_not_fit_is_refused(warmup):
    line = (
        rf"^config: training.discriminator_warmup is {warmup}; it must be 0 or more, and end "
        "before training.steps 100$"
    )
    with pytest.raises(UserInputError, match=line):
        config(warmup)


def test_a_negative_learning_rate_is_refused():
    line = "^config: optimizer.discriminator_learning_rate is -1.0; it must be 0 or more$"
    with pytest.raises(UserInputError, match=line):
        config(discriminator_learning_rate=-1.0)
