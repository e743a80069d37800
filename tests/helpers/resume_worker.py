"""Trains without a break and in two parts, on the backend in KERAS_BACKEND; prints both digests."""

import hashlib
import sys
from pathlib import Path

from keras import ops

from benchmarks import soak
from tf_melgan.config import Config
from tf_melgan.training.gan import MelGAN
from tf_melgan.training.loop import train


def digest(model: MelGAN) -> str:
    """SHA-256 of all weights, the averaged weights and the state of both optimizers."""
    content = hashlib.sha256()
    for variable in (*model.variables, *model.optimizer.variables):
        content.update(ops.convert_to_numpy(variable).tobytes())
    return content.hexdigest()


def main(folder: Path) -> None:
    data = soak.prepare_noise(folder)
    training = soak.CONFIG["training"] | {
        "steps": 8,
        "checkpoint_interval": 2,
        "discriminator_start": 4,
    }
    config = Config.from_dict(
        soak.CONFIG | {"training": training, "optimizer": {"learning_rate": 1e-3}}
    )
    print(digest(train(config, data, folder / "full")))
    train(config.with_values(**{"training.steps": 6}), data, folder / "parts")
    print(digest(train(config, data, folder / "parts")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
