"""TensorFlow backend: the training step, on one device or under a `tf.distribute` strategy."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class TrainStep(keras.Model):
    """`train_step` for `MelGAN` on the TensorFlow backend."""

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Updates the discriminators once, then the generator against the updated discriminators.

        The generator runs only once: the gradient of its loss with respect to the waveform is
        propagated through the tape of this forward pass.

        Args:
            data: log-mel (batch, frames, n_mels) and waveform (batch, frames · hop, 1).

        Returns:
            The logs.
        """
        mel, real = data[:2]
        # Each replica processes a part of the batch, and the optimizers sum the gradients.
        count = replica_count()
        with tf.GradientTape() as generator_tape:
            fake = self.generator(mel, training=True)
        frozen = tf.stop_gradient(fake)

        real_features = None
        if self.adversarial:
            optimizer = self.discriminator_optimizer
            variables = self.discriminator.trainable_variables
            with tf.GradientTape() as tape:
                real_outputs, fake_outputs = self.discriminate(real, frozen)
                losses = self.discriminator_losses(real_outputs, fake_outputs)
                loss = optimizer.scale_loss(losses["discriminator"] / count)
            optimizer.apply(tape.gradient(loss, variables), variables)
            self.update_metrics(losses)
            real_features = tf.nest.map_structure(tf.stop_gradient, real_outputs)

        optimizer = self.generator_optimizer
        variables = self.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(frozen)
            losses = self.generator_losses(real, frozen, real_features)
            loss = optimizer.scale_loss(losses["generator"] / count)
        upstream = tape.gradient(loss, frozen)
        gradients = generator_tape.gradient(fake, variables, output_gradients=upstream)
        optimizer.apply(gradients, variables)
        self.update_average()
        self.update_metrics(losses)
        return self.get_metrics_result()


def scope_of(model: Any) -> AbstractContextManager:
    """The scope of the distribution strategy that the model was built under."""
    return model.distribute_strategy.scope()


def replica_count() -> int:
    """The number of replicas that the strategy of the current scope trains in sync."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def check_batches(dataset: Any) -> None:
    """Checks that batches divide equally among the replicas of the current scope.

    Args:
        dataset: the batches; only a `tf.data.Dataset` is checked.

    Raises:
        ValueError: the batch size is unknown, so that the last batch may be incomplete, or it is
            not a multiple of the number of replicas.
    """
    count = replica_count()
    if count == 1 or not isinstance(dataset, tf.data.Dataset):
        return
    sizes = {spec.shape[0] for spec in tf.nest.flatten(dataset.element_spec)}
    if None in sizes:
        raise ValueError(
            f"the last batch may be incomplete, and {count} replicas need equal shares; "
            "make batches with batch(size, drop_remainder=True)"
        )
    for size in sizes:
        if size % count:
            raise ValueError(
                f"a batch of {size} does not divide among {count} replicas; "
                f"choose a multiple of {count}"
            )


def enable_determinism() -> None:
    """Makes all later results of this process bit-identical for the same inputs."""
    tf.config.experimental.enable_op_determinism()


def distribution_scope(devices: list[str] | None) -> AbstractContextManager:
    """The scope to build the model in: of a `MirroredStrategy`, or empty for one device.

    Args:
        devices: names of devices, as TensorFlow names them; all GPUs if None.
    """
    count = len(devices or tf.config.list_logical_devices("GPU"))
    return tf.distribute.MirroredStrategy(devices).scope() if count > 1 else nullcontext()


def compile_inference(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The model's forward pass as a compiled function of arrays; each call uses current weights."""
    forward = tf.function(lambda inputs: model(inputs), reduce_retracing=True)
    return lambda inputs: forward(tf.constant(inputs)).numpy()
