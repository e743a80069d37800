"""Two optimizers wrapped as one Keras optimizer, so that both are saved and restored."""

from typing import Any

import keras


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

    @property
    def variables(self) -> list[keras.Variable]:
        return [*self.generator.variables, *self.discriminator.variables]

    @property
    def learning_rate(self) -> Any:
        return self.generator.learning_rate

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
