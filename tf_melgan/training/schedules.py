"""The learning rates of the generator and of the discriminators, over the steps of a run."""

from typing import Any, TypeAlias

import keras
from keras import ops

from tf_melgan.config import Config

Rate: TypeAlias = Any
"""A number, or a `keras.optimizers.schedules.LearningRateSchedule`."""


@keras.saving.register_keras_serializable("tf_melgan")
class Rest(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is 0 from step `first` to before step `end`.

    Args:
        rate: the learning rate at all other steps: a number, or a schedule.
        first: the first step of the rest.
        end: the first step after it.
    """

    def __init__(self, rate: Rate, first: int, end: int):
        self.rate, self.first, self.end = rate, first, end

    def __call__(self, step: Any) -> Any:
        rate = self.rate(step) if callable(self.rate) else self.rate
        resting = ops.logical_and(step >= self.first, step < self.end)
        return ops.where(resting, 0.0, rate)

    def get_config(self) -> dict[str, Any]:
        rate = self.rate
        if callable(rate):
            rate = keras.saving.serialize_keras_object(rate)
        return {"rate": rate, "first": self.first, "end": self.end}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Rest":
        rate = config["rate"]
        if isinstance(rate, dict):
            rate = keras.saving.deserialize_keras_object(rate)
        return cls(rate, config["first"], config["end"])


def generator_rate(config: Config) -> Rate:
    """The generator's learning rate: it decays over the run, and rests for the warm-up."""
    training = config.training
    rate = _decaying(config, config.optimizer.learning_rate, training.steps)
    start = training.discriminator_start
    if training.discriminator_warmup == 0:
        return rate
    return Rest(rate, start, start + training.discriminator_warmup)


def generator_rate_at(config: Config, step: int) -> float:
    """The generator's learning rate in a run with this config, after `step` steps."""
    rate = generator_rate(config)
    return float(ops.convert_to_numpy(rate(step)) if callable(rate) else rate)


def discriminator_rate(config: Config) -> Rate:
    """The discriminators' learning rate, which decays from their first step to the last."""
    first = config.optimizer.discriminator_learning_rate or config.optimizer.learning_rate
    steps = config.training.steps - config.training.discriminator_start
    return _decaying(config, first, max(1, steps))


def _decaying(config: Config, first: float, steps: int) -> Rate:
    """A learning rate that falls from `first` by the factor of the config's decay."""
    settings, schedules = config.optimizer, keras.optimizers.schedules
    factor = settings.final_learning_rate / settings.learning_rate
    decays = {
        "constant": lambda: first,
        "exponential": lambda: schedules.ExponentialDecay(first, steps, factor),
        "cosine": lambda: schedules.CosineDecay(first, steps, alpha=factor),
    }
    return decays[settings.decay]()
