"""TensorFlow backend: the training step, on one device or under a `tf.distribute` strategy."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class TrainStep(keras.Model):
    """`train_step` and `test_step` for `MelGAN` on the TensorFlow backend."""

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Updates the discriminators once, then the generator against the updated discriminators.

        The generator runs only once: the gradient of its loss with respect to the waveform is
        propagated through the tape of this forward pass.

        Args:
            data: a batch, as `tf_melgan.training.inputs.mel_and_waveform` takes it.

        Returns:
            The logs.
        """
        mel, real = self.batch(data)
        # At the end of a dataset of unknown size there is no batch, but TensorFlow runs what does
        # not depend on one: without this, the steps, means and averages would count it.
        with tf.control_dependencies([mel, real]):
            self._update(mel, real)
        return self.get_metrics_result()

    def _update(self, mel: tf.Tensor, real: tf.Tensor) -> None:
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
            self.update_metrics(losses, mel)
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
        self.update_metrics(losses, mel)

    def test_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Computes the losses of a batch, without an update.

        Args:
            data: as in `train_step`.

        Returns:
            The logs.
        """
        mel, real = self.batch(data)
        with tf.control_dependencies([mel, real]):
            self.update_metrics(self.evaluation_losses(mel, real), mel)
        return self.get_metrics_result()


def scope_of(model: Any) -> AbstractContextManager:
    """The scope of the distribution strategy that the model was built under."""
    return model.distribute_strategy.scope()


def replica_count() -> int:
    """The number of replicas that the strategy of the current scope trains in sync."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def check_batches(data: Any, batch_size: int | None) -> None:
    """Checks that batches divide equally among the replicas of the current scope.

    Args:
        data: the batches, or an array or a tuple of arrays to take them from. Only a
            `tf.data.Dataset` and arrays are checked.
        batch_size: the size of the batches taken from arrays; None for Keras's 32.

    Raises:
        ValueError: the batch size is unknown, so that the last batch may be incomplete, or it is
            not a multiple of the number of replicas.
    """
    count = replica_count()
    if count == 1:
        return
    array = data[0] if isinstance(data, tuple | list) else data
    if isinstance(data, tf.data.Dataset):
        sizes = {spec.shape[0] for spec in tf.nest.flatten(data.element_spec)}
    elif hasattr(array, "shape"):
        whole, rest = divmod(len(array), batch_size or 32)
        sizes = {(batch_size or 32) if whole else rest, rest}
    else:
        return
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


def with_rank(tensor: tf.Tensor, rank: int) -> tf.Tensor:
    """The tensor; one of unknown rank, which a dataset may yield, must have this rank."""
    return tf.ensure_shape(tensor, (None,) * rank) if tensor.shape.rank is None else tensor


def checked_length(audio: tf.Tensor, mel: tf.Tensor, hop: int) -> tf.Tensor:
    """The waveforms, whose length is checked in each step: it is unknown before.

    Args:
        audio: (batch, samples) or (batch, samples, 1).
        mel: log-mels (batch, frames, n_mels).
        hop: samples per frame.
    """
    message = f"waveforms do not have as many samples as their log-mels have frames, times {hop}"
    same = tf.debugging.assert_equal(tf.shape(audio)[1], tf.shape(mel)[1] * hop, message)
    with tf.control_dependencies([same]):
        return tf.identity(audio)


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


def gradients(
    function: Callable[[tf.Tensor], dict[str, tf.Tensor]], inputs: Any
) -> dict[str, np.ndarray]:
    """The gradient of each scalar that `function` returns with respect to its inputs, by name."""
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        values = function(inputs)
    return {name: tape.gradient(value, inputs).numpy() for name, value in values.items()}
