"""Writes one small, good file of each kind, from which the damaged ones are made."""

import shutil
from importlib import resources
from pathlib import Path

import numpy as np

from tf_melgan.audio.sound_files import write_audio
from tf_melgan.config import Config

MEL = {"hop": 32, "n_fft": 256, "n_mels": 20}
CONFIG = {
    "mel": MEL,
    "generator": {"channels": 16, "upsampling": [4, 2], "dilations": [1], "bands": 4},
    "discriminator": {"scales": 1, "channels": 4, "max_channels": 8, "downsampling": [4]},
    "loss": {"weights": {"stft": 1.0}},
    "training": {"segment": 1024, "ema_decay": 0.9},
}
# Wide enough for int8-dynamic.
FOURIER = {"type": "fourier", "width": 64, "depth": 1, "lookahead": 3}
FRAMES = 40


def build(folder: Path) -> None:
    """Writes all files into `folder`; needs TensorFlow."""
    melgan, fourier = Config.from_dict(CONFIG), Config.from_dict(CONFIG | {"generator": FOURIER})
    _mels(folder / "mels")
    with resources.as_file(resources.files("tf_melgan.configs")) as configs:
        shutil.copytree(configs, folder / "configs", ignore=shutil.ignore_patterns("*.py*"))
    _prepared(folder, melgan)
    for name, config in (("melgan", melgan), ("fourier", fourier)):
        generator = config.generator.build_generator(config.mel)
        generator.set_weights([_random(weight) for weight in generator.get_weights()])
        _voices(folder, name, config, generator)
    _run(folder / "run", melgan)


def _random(weight: np.ndarray) -> np.ndarray:
    # Near the initial values, so that no signal vanishes or overflows.
    draw = np.random.default_rng(weight.size)
    return weight + draw.normal(0, 0.05, weight.shape).astype(np.float32)


def mel(frames: int = FRAMES, bands: int = MEL["n_mels"]) -> np.ndarray:
    """A random log-mel, float32 (frames, bands)."""
    return np.random.default_rng(frames).uniform(-5, 0, (frames, bands)).astype(np.float32)


def _mels(folder: Path) -> None:
    folder.mkdir(parents=True)
    np.save(folder / "float32.npy", mel())
    np.save(folder / "float64.npy", np.asfortranarray(mel(25).astype(">f8")))
    np.save(folder / "float16.npy", mel(600).astype(np.float16))


def _prepared(folder: Path, config: Config) -> None:
    from tf_melgan.data.prepare import prepare

    draw = np.random.default_rng(0)
    for index in range(3):
        split = "validation" if index == 0 else "train"
        sound = draw.normal(0, 0.1, 4000 + 997 * index).astype(np.float32)
        write_audio(folder / "recordings" / split / f"{index}.wav", sound, config.mel.sample_rate)
    prepare(folder / "recordings", folder / "prepared", config.mel)


def _voices(folder: Path, name: str, config: Config, generator) -> None:
    from tf_melgan.export import export_saved_model, export_tflite
    from tf_melgan.inference.engines.keras_engine import KerasEngine
    from tf_melgan.voices.weights_file import save_weights

    for kind in ("weights", "keras", "tflite", "saved-model"):
        (folder / kind).mkdir(exist_ok=True)
    save_weights(folder / "weights" / f"{name}.npz", config, generator)
    KerasEngine(generator, config.mel).save(folder / "keras" / f"{name}.keras")
    export_saved_model(generator, config.mel, folder / "saved-model" / name)
    kinds = {"melgan": ("float32", "float16"), "fourier": ("int8-dynamic", "int8")}
    for weights in kinds[name]:
        path = folder / "tflite" / f"{name}-{weights}.tflite"
        export_tflite(generator, config.mel, path, weights, calibration=[mel(60)])


def model(config: Config):
    """A compiled MelGAN, as a run trains it."""
    import keras

    from tf_melgan.training.gan import MelGAN

    keras.utils.set_random_seed(0)
    gan = MelGAN(config)
    gan.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    for optimizer, network in (
        (gan.optimizer, gan.generator),
        (gan.discriminator_optimizer, gan.discriminator),
    ):
        optimizer.build(network.trainable_variables)
    return gan


def _run(folder: Path, config: Config) -> None:
    from tf_melgan.training import checkpoints

    config.save(folder / "config.yaml")
    gan = model(config)
    last = checkpoints.save(folder, gan, {"step": 1000, "seed": 0, "is_best": True})
    checkpoints.keep_generator(folder, last)
