"""The tf-melgan implementation for benchmarks.training, with a profile of its training step."""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.training_worker import BATCH, SEGMENT, THREADS, TrainingWorker, random_batch
from tf_melgan.config import Config
from tf_melgan.training.gan import MelGAN

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers import oracle_weights


class KerasTraining(TrainingWorker):
    """`MelGAN.train_step` in a `tf.function`."""

    def __init__(self, name: str):
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.config = Config()
        self.model = MelGAN(self.config)
        self.data = [tf.constant(x) for x in random_batch()]

    def settings(self) -> str:
        return "tf.function, oneDNN, 1 inter-op thread, no XLA"

    def save(self, path: str) -> dict:
        values = {}
        for key, variable in self._weights():
            # PyTorch has the axes in reverse order, and g as (n, 1, 1).
            value = variable.numpy().T
            values[key] = value.reshape(-1, 1, 1) if variable.name == "g" else value
        np.savez(path, **values)
        return {}

    def start(self, path: str, optimizer: str) -> dict:
        saved = np.load(path)
        for key, variable in self._weights():
            variable.assign(saved[key].T.reshape(variable.shape))
        optimizers = {
            "sgd": lambda: keras.optimizers.SGD(1e-2),
            "adam": lambda: keras.optimizers.Adam(1e-4, 0.5, 0.9, epsilon=1e-8),
        }
        self.model.compile(optimizers[optimizer](), optimizers[optimizer]())
        self._step = tf.function(self.model.train_step)
        return {}

    def step(self) -> dict[str, float]:
        self.model.reset_metrics()
        losses = self._step(self.data)
        return {
            name: float(value) for name, value in losses.items() if not name.startswith("score")
        }

    def profile(self, times: int) -> dict:
        """Seconds of the step's parts, each run separately, and the GFLOP that they contain."""
        model, (mel, real) = self.model, self.data
        generator_gflop, discriminator_gflop = self._gflop()
        fake = tf.constant(model.generator(mel).numpy())
        outputs = [[tf.constant(x.numpy()) for x in scale] for scale in model.discriminator(real)]
        networks = {"generator": model.generator, "discriminator": model.discriminator}
        variables = {name: each.trainable_variables for name, each in networks.items()}
        zeros = {name: [tf.zeros(v.shape) for v in each] for name, each in variables.items()}

        def generate() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                audio = model.generator(mel, training=True)
            return tape.gradient(audio, variables["generator"], output_gradients=real)

        def discriminate() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                losses = model.discriminator_losses(
                    model.discriminator(real), model.discriminator(fake)
                )
            return tape.gradient(losses["discriminator"], variables["discriminator"])

        def audio_gradient() -> tf.Tensor:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(fake)
                loss = model.generator_losses(real, fake, outputs)["generator"]
            return tape.gradient(loss, fake)

        def optimize() -> None:
            model.generator_optimizer.apply(zeros["generator"], variables["generator"])
            model.discriminator_optimizer.apply(zeros["discriminator"], variables["discriminator"])

        parts = {
            "whole step": (
                lambda: self._step(self.data),
                3 * generator_gflop + 8 * discriminator_gflop,
            ),
            "generator, forward": (lambda: model.generator(mel, training=True), generator_gflop),
            "generator, forward and backward": (generate, 3 * generator_gflop),
            "discriminator's loss, forward and backward": (discriminate, 6 * discriminator_gflop),
            "generator's loss, forward and back to the audio": (
                audio_gradient,
                2 * discriminator_gflop,
            ),
            "both optimizers": (optimize, 0.0),
        }
        return {
            "matmul_gflops": _matmul_gflops(),
            "parts": {
                name: {"seconds": _median(tf.function(act), times), "gflop": gflop}
                for name, (act, gflop) in parts.items()
            },
        }

    def _gflop(self) -> tuple[float, float]:
        """GFLOP of one forward pass over the batch: the generator's and the discriminator's."""
        generator = self.config.generator.convolutions(self.config.mel)
        discriminator = self.config.discriminator.convolutions()
        return tuple(
            sum(layer.macs for layer in layers) * BATCH * SEGMENT * 2 / 1e9
            for layers in (generator, discriminator)
        )

    def _weights(self) -> list[tuple[str, keras.Variable]]:
        return [
            (f"{name} {index}", variable)
            for name in ("generator", "discriminator")
            for index, variable in enumerate(oracle_weights.variables(getattr(self.model, name)))
        ]


def _median(act: Callable[[], object], times: int) -> float:
    """Median seconds of `act`, after one call that is not counted."""
    act()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _matmul_gflops(size: int = 3072) -> float:
    """GFLOP/s of a large float32 matrix product, the best of eight runs."""
    a = tf.random.normal((size, size))
    multiply = tf.function(lambda: tf.linalg.matmul(a, a)[0, 0])
    multiply()
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        float(multiply())
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9
