"""Runs one training step on the backend in KERAS_BACKEND: backends_worker.py OPTIMIZER FILE."""

import sys

import keras
import numpy as np

from tf_melgan.config import Config
from tf_melgan.training.gan import MelGAN

optimizer, path = sys.argv[1:]
# In float32, Adam turns a gradient that is only rounding error into a full step.
keras.config.set_floatx("float64")
config = Config.from_dict(
    {
        "mel": {"n_fft": 512, "hop": 24, "n_mels": 12},
        "generator": {"channels": 16, "upsampling": [3, 4], "dilations": [3], "bands": 2},
        "discriminator": {
            "type": "mixture",
            "parts": [
                {"scales": 2, "channels": 8, "max_channels": 32, "downsampling": [4]},
                {"type": "multi_period", "periods": [2, 3], "channels": 4, "max_channels": 16},
                {"type": "multi_resolution", "sizes": [64, 256], "channels": 4},
            ],
        },
        "loss": {"weights": {"mel": 1.0}},
        "training": {"segment": 960, "ema_decay": 0.5},
    }
)
random = np.random.default_rng(0)
model = MelGAN(config, dtype="float64")
for variable in (*model.generator.variables, *model.discriminator.variables):
    variable.assign(random.normal(0.5 if variable.name == "g" else 0.0, 0.1, variable.shape))
model.average.set_weights(model.generator.get_weights())
optimizers = {
    "sgd": lambda: keras.optimizers.SGD(1e-2),
    "adam": lambda: keras.optimizers.Adam(1e-4, 0.5, 0.9, epsilon=1e-8),
}
model.compile(optimizers[optimizer](), optimizers[optimizer]())
batch = random.normal(size=(4, 40, 12)), random.uniform(-0.9, 0.9, (4, 960, 1))
history = model.fit((each for each in [batch]), steps_per_epoch=1, verbose=0).history
values = {f"loss {name}": value[0] for name, value in history.items()}
values |= {f"weight {i} {v.path}": v.numpy() for i, v in enumerate(model.variables)}
np.savez(path, **values)
