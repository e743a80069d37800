"""Two optimizers where Keras knows one: the pair trains, is saved and is restored together."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("tf_melgan")
class OptimizerPair(keras.optimizers.Optimizer):
    """The generator's and the discriminators' optimizers as one object with one list of variables.

    Keras saves `model.optimizer`, and on JAX carries its variables from step to step; a second
    optimizer beside it would be forgotten. Each of the two is applied by itself.
    """

    def __init__(
        self, generator: keras.optimizers.Optimizer, discriminator: keras.optimizers.Optimizer
    ):
        super().__init__(learning_rate=0.0, name="pair")
        self.generator, self.discriminator = generator, discriminator

    @property
    def variables(self) -> list[keras.Variable]:
        return [*self.generator.variables, *self.discriminator.variables]

    @property
    def learning_rate(self) -> Any:
        return self.generator.learning_rate

    def save_own_variables(self, store: Any) -> None:
        """Nothing: each of the two saves its own."""

    def load_own_variables(self, store: Any) -> None:
        """Nothing: each of the two loads its own."""

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
