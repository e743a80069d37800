"""Trains on one and on two replicas and writes the results as JSON; run by test_replicas.py."""

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext

import keras
import numpy as np
import tensorflow as tf

from tf_melgan.config import Config
from tf_melgan.layers.weight_normalization import WeightNormalization
from tf_melgan.losses.registry import SPECTRAL_LOSSES
from tf_melgan.training.gan import MelGAN

CONFIG = Config.from_dict(
    {
        "mel": {"n_mels": 12},
        "generator": {
            "channels": 8,
            "upsampling": [16, 16],
            "dilations": [1, 3],
            "initializer": "torch",
        },
        "discriminator": {
            "scales": 2,
            "channels": 4,
            "max_channels": 16,
            "downsampling": [4, 4],
            "initializer": "torch",
        },
        # Adam turns a gradient that is only rounding error into a full step, so no gradient may be
        # near zero. With the recipe's small initial weights some are, and with the hinge loss so
        # are the bias gradients of scores that all lie within the hinge.
        "loss": {"adversarial": "least_squares", "weights": {"mel": 1.0}},
        "training": {"ema_decay": 0.5},
    }
)
# All spectral losses; spectral convergence is a ratio over the full batch.
SPECTRAL = CONFIG.with_values(
    **{f"loss.weights.{name}": 1.0 for name in SPECTRAL_LOSSES} | {"loss.weights.adversarial": 1.0}
)
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(1e-3),
    "adam": lambda: keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9, epsilon=1e-8),
}


def batches(size: int = 4, drop_remainder: bool = True) -> tf.data.Dataset:
    random = np.random.default_rng(0)
    mel = random.normal(size=(12, 8, 12)).astype(keras.config.floatx())
    audio = random.normal(0, 0.1, size=(12, 2048, 1)).astype(keras.config.floatx())
    return tf.data.Dataset.from_tensor_slices((mel, audio)).batch(size, drop_remainder)


def model_on(strategy: tf.distribute.Strategy | None, optimizer: Callable, **settings) -> MelGAN:
    keras.utils.set_random_seed(0)
    config = settings.pop("config", CONFIG)
    with strategy.scope() if strategy else nullcontext():
        model = MelGAN(config, dtype=settings.pop("dtype", keras.config.floatx()))
        model.compile(optimizer(), optimizer(), **settings)
    return model


def weights_after(
    strategy: tf.distribute.Strategy | None, optimizer: Callable, config: Config
) -> list:
    model = model_on(strategy, optimizer, config=config)
    before = model.get_weights()
    model.fit(batches(), epochs=1, shuffle=False, verbose=0)
    losses = model.evaluate(batches(), return_dict=True, verbose=0)
    return [before, model.get_weights(), losses]


def data_init(strategy: tf.distribute.Strategy | None) -> dict[str, list]:
    """What each replica holds after a wrapped layer has seen its first batch, twice the same."""
    random = np.random.default_rng(0)
    inputs = np.linspace(1, 3, 8)[:, None] * random.normal(1, 1, (8, 6))
    with strategy.scope() if strategy else nullcontext():
        layer = WeightNormalization(keras.layers.Dense(4), dtype="float64")
        model = keras.Sequential([keras.Input((6,), dtype="float64"), layer])
        layer.layer.kernel.assign(random.normal(size=(6, 4)))
        # A learning rate of 0 leaves the initialized values as they are.
        model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(inputs, np.zeros((8, 4)), batch_size=8, epochs=2, verbose=0)
    variables = {"g": layer.g.value, "bias": layer.layer.bias.value}
    return {
        name: [value.numpy().tolist() for value in getattr(variable, "values", [variable])]
        for name, variable in variables.items()
    }


def refusal(call: Callable) -> str:
    try:
        call()
    except ValueError as error:
        return str(error)
    return "nothing was refused"


def main(path: str) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    results = {}
    cases = {name: (optimizer, CONFIG) for name, optimizer in OPTIMIZERS.items()}
    cases["spectral losses"] = OPTIMIZERS["sgd"], SPECTRAL
    for name, (optimizer, config) in cases.items():
        # In float32, logarithms of nearly empty bins magnify rounding.
        keras.config.set_floatx("float64" if config is SPECTRAL else "float32")
        before, one, one_evaluation = weights_after(None, optimizer, config)
        _, two, two_evaluation = weights_after(strategy, optimizer, config)
        scale = max(np.abs(a).max() for a in one)
        results[name] = {
            "replicas": strategy.num_replicas_in_sync,
            "moved": float(max(np.abs(a - b).max() for a, b in zip(one, before, strict=True))),
            "difference": float(
                max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)) / scale
            ),
            "evaluation": [one_evaluation, two_evaluation],
        }
    keras.config.set_floatx("float64")
    results["data_init"] = {"one": data_init(None), "two": data_init(strategy)}
    keras.config.set_floatx("float32")
    adam = OPTIMIZERS["adam"]
    model = model_on(strategy, adam)
    mel, audio = next(batches(7).as_numpy_iterator())
    results["refused"] = {
        "incomplete": refusal(lambda: model.fit(batches(drop_remainder=False))),
        "odd": refusal(lambda: model.fit(batches(3))),
        "odd validation": refusal(lambda: model.fit(batches(), validation_data=batches(3))),
        "odd evaluation": refusal(lambda: model.evaluate(batches(3))),
        "odd rest": refusal(lambda: model.fit(mel, audio, batch_size=4)),
        "steps_per_execution": refusal(lambda: model_on(strategy, adam, steps_per_execution=2)),
        "jit_compile": refusal(lambda: model_on(strategy, adam, jit_compile=True)),
        "float16": refusal(lambda: model_on(strategy, adam, dtype="mixed_float16")),
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main(sys.argv[1])
