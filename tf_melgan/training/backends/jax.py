"""JAX backend: the training step as a pure function of the state."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import keras
import numpy as np

from tf_melgan.errors import UserInputError


class TrainStep(keras.Model):
    """`train_step` and `test_step` for `MelGAN` on the JAX backend."""

    def train_step(
        self, state: tuple[list[jax.Array], ...], data: tuple[jax.Array, jax.Array]
    ) -> tuple[dict[str, jax.Array], tuple[list[jax.Array], ...]]:
        """Updates the discriminators once, then the generator against the updated discriminators.

        The generator runs only once: the gradient of its loss with respect to the waveform is
        propagated through the pullback of this forward pass.

        Args:
            state: values of the trainable, non-trainable, optimizer and metric variables.
            data: a batch, as `tf_melgan.training.inputs.mel_and_waveform` takes it.

        Returns:
            The logs, and the new state.
        """
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        return self._stateless(groups, state, lambda: self._update(*self.batch(data)))

    def test_step(
        self, state: tuple[list[jax.Array], ...], data: tuple[jax.Array, jax.Array]
    ) -> tuple[dict[str, jax.Array], tuple[list[jax.Array], ...]]:
        """Computes the losses of a batch, without an update.

        Args:
            state: values of the trainable, non-trainable and metric variables.
            data: as in `train_step`.

        Returns:
            The logs, and the new state.
        """

        def run() -> None:
            mel, real = self.batch(data)
            self.update_metrics(self.evaluation_losses(mel, real), mel)

        groups = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
        return self._stateless(groups, state, run)

    def _stateless(
        self,
        groups: tuple[list[keras.Variable], ...],
        state: tuple[list[jax.Array], ...],
        run: Callable[[], None],
    ) -> tuple[dict[str, jax.Array], tuple[list[jax.Array], ...]]:
        """Runs a step on variables of these values; returns the logs, and their new values."""
        mapping = [
            pair
            for variables, values in zip(groups, state, strict=True)
            for pair in zip(variables, values, strict=True)
        ]
        # Inside the scope, variables read their values from the state and write to the scope.
        with keras.StatelessScope(state_mapping=mapping) as scope:
            run()
            logs = self.get_metrics_result()
        return logs, tuple([_current(scope, variable) for variable in group] for group in groups)

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
            _apply(optimizer, gradients, self.discriminator.trainable_variables)
            self.update_metrics(losses, mel)

        optimizer = self.generator_optimizer

        def generator_loss(audio: jax.Array) -> tuple[jax.Array, Any]:
            losses = self.generator_losses(real, audio, real_features)
            return optimizer.scale_loss(losses["generator"]), losses

        upstream, losses = jax.grad(generator_loss, has_aux=True)(fake)
        (gradients,) = pullback(upstream)
        _apply(optimizer, gradients, self.generator.trainable_variables)
        self.update_average()
        self.update_metrics(losses, mel)


def scope_of(model: Any) -> AbstractContextManager:
    """An empty context: on JAX there are no distribution strategies."""
    return nullcontext()


def replica_count() -> int:
    """Always 1: the devices of a JAX process hold shards of one computation, not replicas."""
    return 1


def check_batches(data: Any, batch_size: int | None) -> None:
    """Does nothing: any batch size works for one replica."""


def with_rank(tensor: jax.Array, rank: int) -> jax.Array:
    """The tensor: on JAX every rank is known."""
    return tensor


def checked_length(audio: jax.Array, mel: jax.Array, hop: int) -> jax.Array:
    """The waveforms: on JAX every length is known, and checked before."""
    return audio


def _values(model: keras.Model) -> list[jax.Array]:
    return [variable.value for variable in model.trainable_variables]


def _with_values(model: keras.Model, values: list[jax.Array], run: Any) -> Any:
    """Calls `run(model)` with these values for the model's trainable variables."""
    trainable = list(zip(model.trainable_variables, values, strict=True))
    fixed = [(variable, variable.value) for variable in model.non_trainable_variables]
    with keras.StatelessScope(state_mapping=trainable + fixed):
        return run(model)


def _apply(
    optimizer: keras.optimizers.Optimizer,
    gradients: list[jax.Array],
    variables: list[keras.Variable],
) -> None:
    """Updates the variables. Loss scaling branches, and a branch must not assign on JAX."""
    state = [variable.value for variable in optimizer.variables]
    values = [variable.value for variable in variables]
    new_values, new_state = optimizer.stateless_apply(state, gradients, values)
    for variable, value in zip(variables, new_values, strict=True):
        variable.assign(value)
    for variable, value in zip(optimizer.variables, new_state, strict=True):
        variable.assign(value)


def _current(scope: keras.StatelessScope, variable: keras.Variable) -> jax.Array:
    value = scope.get_current_value(variable)
    return variable.value if value is None else value


def enable_determinism() -> None:
    """Does nothing: on JAX the same inputs always give bit-identical results."""


def distribution_scope(devices: list[str] | None) -> AbstractContextManager:
    """An empty context: on JAX training runs on the default device.

    Args:
        devices: None, or at most one name.

    Raises:
        UserInputError: more than one device is given; the JAX backend trains on one device.
    """
    if devices is not None and len(devices) > 1:
        raise UserInputError(
            f"devices is {devices}, but on JAX training runs on one device; leave devices out, or "
            "set KERAS_BACKEND=tensorflow"
        )
    return nullcontext()


def compile_inference(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The model's forward pass as a compiled function of arrays; each call uses current weights."""

    @jax.jit
    def forward(trainable: list[jax.Array], fixed: list[jax.Array], inputs: jax.Array) -> jax.Array:
        return model.stateless_call(trainable, fixed, inputs)[0]

    def run(inputs: np.ndarray) -> np.ndarray:
        fixed = [variable.value for variable in model.non_trainable_variables]
        return np.asarray(forward(_values(model), fixed, inputs))

    return run


def gradients(
    function: Callable[[jax.Array], dict[str, jax.Array]], inputs: Any
) -> dict[str, np.ndarray]:
    """The gradient of each scalar that `function` returns with respect to its inputs, by name."""
    found = jax.jacrev(function)(jax.numpy.asarray(inputs))
    return {name: np.asarray(gradient) for name, gradient in found.items()}
