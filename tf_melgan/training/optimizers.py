"""The optimizers of a run, and two of them as one, so that both are saved and restored."""

from types import SimpleNamespace
from typing import Any

import keras

from tf_melgan.config import Config
from tf_melgan.training.schedules import Rate


def adam(config: Config, rate: Rate) -> keras.optimizers.Optimizer:
    """Adam with a config's settings at a learning rate of `tf_melgan.training.schedules`."""
    settings = config.optimizer
    return keras.optimizers.Adam(rate, settings.beta_1, settings.beta_2, settings.epsilon)


@keras.saving.register_keras_serializable("tf_melgan")
class OptimizerPair(keras.optimizers.Optimizer):
    """The generator's and the discriminators' optimizers as one object.

    Keras supports one `model.optimizer`: it saves this one, and on JAX it carries only this one's
    variables from step to step. The training step applies each of the two optimizers by itself.

    Args:
        generator: the generator's optimizer.
        discriminator: the discriminators' optimizer.
    """

    def __init__(
        self, generator: keras.optimizers.Optimizer, discriminator: keras.optimizers.Optimizer
    ):
        super().__init__(learning_rate=0.0, name="pair")
        self.generator, self.discriminator = generator, discriminator
        self._proportion = 1.0

    @property
    def variables(self) -> list[keras.Variable]:
        return [*self.generator.variables, *self.discriminator.variables]

    @classmethod
    def of(cls, generator: Any, discriminator: Any, float16: bool) -> "OptimizerPair":
        """Makes a pair of what `compile` takes.

        Args:
            generator: an optimizer, or its name.
            discriminator: another one, or its name.
            float16: whether to scale the losses, which float16 needs.

        Raises:
            ValueError: both are the same object.
        """
        if generator is discriminator and isinstance(generator, keras.optimizers.Optimizer):
            raise ValueError(
                "compile got the same optimizer for both models; give each its own optimizer"
            )
        scaled = keras.optimizers.LossScaleOptimizer
        optimizers = [keras.optimizers.get(each) for each in (generator, discriminator)]
        if float16:
            optimizers = [each if isinstance(each, scaled) else scaled(each) for each in optimizers]
        return cls(*optimizers)

    @property
    def _both(self) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]:
        return self.generator, self.discriminator

    def build_for(self, generator: keras.Model, discriminator: keras.Model) -> None:
        """Creates the variables of both optimizers, unless they have them."""
        for optimizer, model in zip(self._both, (generator, discriminator), strict=True):
            # Building again would reset the loss scale.
            if not optimizer.built:
                optimizer.build(model.trainable_variables)

    @property
    def learning_rate(self) -> Any:
        """The generator's learning rate. Setting it scales both in proportion."""
        return self.generator.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if callable(value):
            raise TypeError(
                "a schedule is no learning rate of both optimizers; set it on generator_optimizer "
                "and discriminator_optimizer"
            )
        current = float(self.generator.learning_rate)
        if current > 0:  # A rate of 0 has no proportion: the last one holds.
            self._proportion = float(self.discriminator.learning_rate) / current
        self.generator.learning_rate = value
        self.discriminator.learning_rate = value * self._proportion

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """At the end of `fit`, gives each model the averages that its optimizer keeps, if any."""
        for optimizer in self.inner_optimizer.optimizers:
            optimizer.finalize_variable_values(optimizer._trainable_variables)

    @property
    def inner_optimizer(self) -> Any:
        """Where `keras.callbacks.SwapEMAWeights` looks for optimizers: those that keep averages.

        An optimizer that has made no step, as that of the discriminators in pre-training, has zeros
        in place of averages, and is left out.
        """
        optimizers = [getattr(each, "inner_optimizer", each) for each in self._both]
        averaging = [each for each in optimizers if each.use_ema and int(each.iterations) > 0]
        return SimpleNamespace(optimizers=averaging)

    def save_own_variables(self, store: Any) -> None:
        """Does nothing: each of the two optimizers saves its own variables."""

    def load_own_variables(self, store: Any) -> None:
        """Does nothing: each of the two optimizers loads its own variables."""

    def get_config(self) -> dict[str, Any]:
        return {
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], **kwargs: Any) -> "OptimizerPair":
        return cls(
            keras.saving.deserialize_keras_object(config["generator"]),
            keras.saving.deserialize_keras_object(config["discriminator"]),
        )
