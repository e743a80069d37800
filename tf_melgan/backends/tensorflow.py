"""The training step with `tf.GradientTape`, on one device or under a `tf.distribute` strategy."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from tf_melgan.backends.unfolded import unfolded_grouped_conv1d


def grouped_conv1d(inputs: tf.Tensor, kernel: tf.Tensor, stride: int, padding: str) -> tf.Tensor:
    """(batch, time, channels) with (size, channels / groups, filters) → (batch, steps, filters).

    The stride moves into the channels: `stride` samples of a group become one frame, and the
    convolution goes from frame to frame. The gradients of that are two to five times faster than
    those of a convolution with stride and four channels a group. On CPUs, TensorFlow's gradients
    know groups in float32 and bfloat16 only; the other precisions are unfolded.
    """
    if padding != "VALID":
        return tf.nn.conv1d(inputs, kernel, stride, padding)
    if inputs.dtype not in (tf.float32, tf.bfloat16):
        return unfolded_grouped_conv1d(inputs, kernel, stride)
    size, width, filters = kernel.shape
    groups = inputs.shape[-1] // width
    # Frames for the whole kernel and for the samples at the end that no step reaches.
    blocks = (size + 2 * stride - 2) // stride
    time = tf.shape(inputs)[1]
    frames = (time - size) // stride + blocks
    padded = tf.pad(inputs, ((0, 0), (0, frames * stride - time), (0, 0)))
    framed = tf.reshape(padded, (-1, frames, stride, groups, width))
    framed = tf.reshape(
        tf.transpose(framed, (0, 1, 3, 2, 4)), (-1, frames, groups * stride * width)
    )
    kernel = tf.pad(kernel, ((0, blocks * stride - size), (0, 0), (0, 0)))
    kernel = tf.reshape(kernel, (blocks, stride * width, filters))
    return tf.nn.conv1d(framed, kernel, 1, "VALID")


class TrainStep:
    """`train_step` for `MelGAN` on the TensorFlow backend."""

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of the discriminators, then one of the generator against them.

        The generator runs once: the gradient of its loss with respect to the waveform is carried
        on through the tape of that one pass.
        """
        mel, real = data[:2]
        # Each replica holds a share of the batch, and the optimizers add the replicas' gradients.
        count = replicas()
        with tf.GradientTape() as generator_tape:
            fake = self.generator(mel, training=True)
        frozen = tf.stop_gradient(fake)

        real_features = None
        if self.adversarial:
            optimizer = self.discriminator_optimizer
            variables = self.discriminator.trainable_variables
            with tf.GradientTape() as tape:
                real_outputs, fake_outputs = self.judge(real, frozen)
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


def replicas() -> int:
    """How many replicas the strategy of the current scope trains in step."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def check_batches(dataset: Any) -> None:
    """Refuses what would give the replicas of the current scope unequal shares of a batch.

    Raises:
        ValueError: the batch's size is not known, so that the last one may be incomplete, or does
            not divide by the number of replicas.
    """
    count = replicas()
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


def strategy(devices: list[str] | None) -> AbstractContextManager:
    """The scope to make a model in that trains on several devices, or on the only one.

    Also asks for the same bits from the same inputs, which resuming promises.
    """
    tf.config.experimental.enable_op_determinism()
    count = len(devices or tf.config.list_logical_devices("GPU"))
    return tf.distribute.MirroredStrategy(devices).scope() if count > 1 else nullcontext()


def inference(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The model's forward pass as a compiled function of arrays, with its weights of the moment."""
    forward = tf.function(lambda inputs: model(inputs), reduce_retracing=True)
    return lambda inputs: forward(tf.constant(inputs)).numpy()
