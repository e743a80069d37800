"""Our side of benchmarks.training, and where its time goes."""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.training import BATCH, SEGMENT, THREADS, Side, batch
from tf_melgan.config import Config
from tf_melgan.models.cost import Convolution, discriminator, generator
from tf_melgan.training.gan import MelGAN

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers import oracle_weights


class Ours(Side):
    def __init__(self, name: str):
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.config = Config()
        self.model = MelGAN(self.config)
        self.data = [tf.constant(x) for x in batch()]

    def settings(self) -> str:
        return "tf.function, oneDNN, 1 inter-op thread, no XLA"

    def save(self, path: str) -> dict:
        values = {}
        for key, variable in self._weights():
            # torch's layout: axes the other way round, and g with two axes of one.
            value = variable.numpy().T
            values[key] = value.reshape(-1, 1, 1) if variable.name == "g" else value
        np.savez(path, **values)
        return {}

    def start(self, path: str, optimizer: str) -> dict:
        saved = np.load(path)
        for key, variable in self._weights():
            variable.assign(oracle_weights.as_ours(saved[key], variable))
        kinds = {
            "sgd": lambda: keras.optimizers.SGD(1e-2),
            "adam": lambda: keras.optimizers.Adam(1e-4, 0.5, 0.9, epsilon=1e-8),
        }
        self.model.compile(kinds[optimizer](), kinds[optimizer]())
        self._step = tf.function(self.model.train_step)
        return {}

    def step(self) -> dict[str, float]:
        self.model.reset_metrics()
        losses = self._step(self.data)
        return {
            name: float(value) for name, value in losses.items() if not name.startswith("score")
        }

    def profile(self, times: int) -> dict:
        """Seconds of the step's parts, each run by itself, with the arithmetic they contain."""
        model, (mel, real) = self.model, self.data
        samples = BATCH * SEGMENT
        generator = sum(layer.macs for layer in self._costs("generator")) * samples * 2 / 1e9
        discriminator = (
            sum(layer.macs for layer in self._costs("discriminator")) * samples * 2 / 1e9
        )
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

        def judge() -> tf.Tensor:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(fake)
                loss = model.generator_losses(real, fake, outputs)["generator"]
            return tape.gradient(loss, fake)

        def optimize() -> None:
            model.generator_optimizer.apply(zeros["generator"], variables["generator"])
            model.discriminator_optimizer.apply(zeros["discriminator"], variables["discriminator"])

        parts = {
            "whole step": (lambda: self._step(self.data), 3 * generator + 8 * discriminator),
            "generator, forward": (lambda: model.generator(mel, training=True), generator),
            "generator, forward and backward": (generate, 3 * generator),
            "discriminators' loss, forward and backward": (discriminate, 6 * discriminator),
            "generator's loss, forward and back to the audio": (judge, 2 * discriminator),
            "both optimizers": (optimize, 0.0),
        }
        return {
            "matmul_gflops": _matmul_gflops(),
            "parts": {
                name: {"seconds": _median(tf.function(act), times), "gflop": gflop}
                for name, (act, gflop) in parts.items()
            },
        }

    def _costs(self, network: str) -> list[Convolution]:
        if network == "generator":
            return generator(self.config.generator, self.config.mel)
        return discriminator(self.config.discriminator)

    def _weights(self) -> list[tuple[str, keras.Variable]]:
        return [
            (f"{name} {index}", variable)
            for name in ("generator", "discriminator")
            for index, variable in enumerate(oracle_weights.variables(getattr(self.model, name)))
        ]


def _median(act: Callable[[], object], times: int) -> float:
    act()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _matmul_gflops(size: int = 3072) -> float:
    """What a large float32 matrix product reaches, at its best of several."""
    a = tf.random.normal((size, size))
    multiply = tf.function(lambda: tf.linalg.matmul(a, a)[0, 0])
    multiply()
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        float(multiply())
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9
