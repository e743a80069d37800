"""The training step as a pure function of the state, for the JAX backend."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import keras
import numpy as np

from tf_melgan.errors import UserInputError


class TrainStep:
    """`train_step` for `MelGAN` on the JAX backend."""

    def train_step(
        self, state: tuple[list[jax.Array], ...], data: tuple[jax.Array, jax.Array]
    ) -> tuple[dict[str, jax.Array], tuple[list[jax.Array], ...]]:
        """One update of the discriminators, then one of the generator against them.

        The generator runs once: the gradient of its loss with respect to the waveform is carried
        on through the pullback of that one pass.
        """
        mel, real = data[:2]
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        mapping = [
            pair
            for variables, values in zip(groups, state, strict=True)
            for pair in zip(variables, values, strict=True)
        ]
        # Within the scope, variables read their values from the state and write them to the scope.
        with keras.StatelessScope(state_mapping=mapping) as scope:
            self._update(mel, real)
            logs = self.get_metrics_result()
        state = tuple([_current(scope, variable) for variable in group] for group in groups)
        return logs, state

    def _update(self, mel: jax.Array, real: jax.Array) -> None:
        def generate(values: list[jax.Array]) -> jax.Array:
            return _with_values(self.generator, values, lambda model: model(mel, training=True))

        fake, pullback = jax.vjp(generate, _values(self.generator))

        real_features = None
        if self.adversarial:
            optimizer = self.discriminator_optimizer

            def discriminator_loss(values: list[jax.Array]) -> tuple[jax.Array, Any]:
                real_outputs, fake_outputs = _with_values(
                    self.discriminator, values, lambda model: self.discriminate(real, fake)
                )
                losses = self.discriminator_losses(real_outputs, fake_outputs)
                return optimizer.scale_loss(losses["discriminator"]), (losses, real_outputs)

            gradients, (losses, real_features) = jax.grad(discriminator_loss, has_aux=True)(
                _values(self.discriminator)
            )
            optimizer.apply(gradients, self.discriminator.trainable_variables)
            self.update_metrics(losses)

        optimizer = self.generator_optimizer

        def generator_loss(audio: jax.Array) -> tuple[jax.Array, Any]:
            losses = self.generator_losses(real, audio, real_features)
            return optimizer.scale_loss(losses["generator"]), losses

        upstream, losses = jax.grad(generator_loss, has_aux=True)(fake)
        (gradients,) = pullback(upstream)
        optimizer.apply(gradients, self.generator.trainable_variables)
        self.update_average()
        self.update_metrics(losses)


def scope_of(model: Any) -> AbstractContextManager:
    """There are no strategies on JAX, and so no scopes."""
    return nullcontext()


def replica_count() -> int:
    """One: the devices of a JAX process hold shards of one computation, not replicas."""
    return 1


def check_batches(dataset: Any) -> None:
    """Every batch is fine for one replica."""


def _values(model: keras.Model) -> list[jax.Array]:
    return [variable.value for variable in model.trainable_variables]


def _with_values(model: keras.Model, values: list[jax.Array], run: Any) -> Any:
    """What `run(model)` gives when the model's trainable variables have these values."""
    trainable = list(zip(model.trainable_variables, values, strict=True))
    fixed = [(variable, variable.value) for variable in model.non_trainable_variables]
    with keras.StatelessScope(state_mapping=trainable + fixed):
        return run(model)


def _current(scope: keras.StatelessScope, variable: keras.Variable) -> jax.Array:
    value = scope.get_current_value(variable)
    return variable.value if value is None else value


def enable_determinism() -> None:
    """JAX computes the same bits from the same inputs as it is."""


def distribution_scope(devices: list[str] | None) -> AbstractContextManager:
    """Nothing to prepare: JAX trains on its default device.

    Raises:
        UserInputError: several devices are named, which the JAX backend does not train on.
    """
    if devices is not None and len(devices) > 1:
        raise UserInputError(
            f"devices is {devices}, but on JAX training runs on one device; leave devices out, or "
            "set KERAS_BACKEND=tensorflow"
        )
    return nullcontext()


def compile_inference(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The model's forward pass as a compiled function of arrays, with its weights of the moment."""

    @jax.jit
    def forward(trainable: list[jax.Array], fixed: list[jax.Array], inputs: jax.Array) -> jax.Array:
        return model.stateless_call(trainable, fixed, inputs)[0]

    def run(inputs: np.ndarray) -> np.ndarray:
        fixed = [variable.value for variable in model.non_trainable_variables]
        return np.asarray(forward(_values(model), fixed, inputs))

    return run
