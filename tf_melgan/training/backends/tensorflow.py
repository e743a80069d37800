"""The training step with `tf.GradientTape`, on one device or under a `tf.distribute` strategy."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import tensorflow as tf


class TrainStep:
    """`train_step` for `MelGAN` on the TensorFlow backend."""

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of the discriminators, then one of the generator against them.

        The generator runs once: the gradient of its loss with respect to the waveform is carried
        on through the tape of that one pass.
        """
        mel, real = data[:2]
        # Each replica holds a share of the batch, and the optimizers add the replicas' gradients.
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
    """The scope of the strategy that the model was made under."""
    return model.distribute_strategy.scope()


def replica_count() -> int:
    """How many replicas the strategy of the current scope trains in step."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def check_batches(dataset: Any) -> None:
    """Refuses what would give the replicas of the current scope unequal shares of a batch.

    Raises:
        ValueError: the batch's size is not known, so that the last one may be incomplete, or does
            not divide by the number of replicas.
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
    """From now on the process computes the same bits from the same inputs; resuming needs it."""
    tf.config.experimental.enable_op_determinism()


def distribution_scope(devices: list[str] | None) -> AbstractContextManager:
    """The scope to build a model in that trains on several devices, or on the only one.

    Args:
        devices: as TensorFlow names them; all GPUs if None.
    """
    count = len(devices or tf.config.list_logical_devices("GPU"))
    return tf.distribute.MirroredStrategy(devices).scope() if count > 1 else nullcontext()


def compile_inference(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The model's forward pass as a compiled function of arrays, with its weights of the moment."""
    forward = tf.function(lambda inputs: model(inputs), reduce_retracing=True)
    return lambda inputs: forward(tf.constant(inputs)).numpy()
