"""TensorFlowTTS's networks on Keras 2, which the package tf_keras has.

Its grouped convolution is built from parts of TensorFlow that are gone; Keras's takes its place.
"""

import importlib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
import tensorflow as tf
import yaml

from benchmarks.import_peers import Peer, bare_package, statistics

_N_MELS, _LEVEL = 80, 0.15
_BAKER = {"fft_size": 2048, "win_length": 1200, "num_mels": _N_MELS, "fmin": 80, "fmax": 7600}


def peers(clone: Path, folder: Path) -> Iterator[Peer]:
    """Each network, saved in `folder`."""
    modules = _modules(clone / "tensorflow_tts")
    mean, scale = statistics(_N_MELS)
    for recipe, analysis in {
        "melgan/conf/melgan.v1": {},
        "multiband_melgan/conf/multiband_melgan.v1": {},
        "multiband_melgan/conf/multiband_melgan.baker.v1": _BAKER,
    }.items():
        config = yaml.safe_load((clone / "examples" / f"{recipe}.yaml").read_text()) | analysis
        kind = recipe.partition("/")[0]
        for normalized in (False, True):
            place = folder / f"tftts-{Path(recipe).name}-{normalized}"
            place.mkdir()
            for part in ("generator", "discriminator"):
                config[f"{kind}_{part}_params"]["is_weight_norm"] = normalized
            (place / "config.yml").write_text(yaml.safe_dump(config))
            np.save(place / "stats.npy", np.stack([mean, scale]))
            tf.random.set_seed(0)
            generator, discriminator = modules(kind, config)
            files = [place / "generator-1.h5", place / "discriminator-1.h5"]
            generator.save_weights(files[0])
            discriminator.save_weights(files[1])
            network = f"{Path(recipe).name}{' weight norm' if normalized else ''}"
            yield Peer(
                "TensorFlowTTS",
                network,
                files,
                _sound(generator, mean, scale),
                _features(discriminator),
            )


def _sound(generator: Any, mean: np.ndarray, scale: np.ndarray) -> Callable:
    return lambda mel: generator(((mel - mean) / scale)[None]).numpy()[0, :, 0]


def _features(discriminator: Any) -> Callable:
    def features(audio: np.ndarray) -> list[list[np.ndarray]]:
        # Padding and convolution are outputs of their own: the activations and the score count.
        scales = discriminator(audio[None, :, None])
        return [[x.numpy()[0] for x in (scale[2], *scale[4:-1:2], scale[-1])] for scale in scales]

    return features


def _modules(folder: Path) -> Callable:
    """Loads the modules; returns (kind, config) → generator and discriminator with weights."""
    scipy.signal.kaiser = scipy.signal.windows.kaiser  # moved since
    bare_package("tensorflow_tts", folder)
    packages = {
        name: bare_package(f"tensorflow_tts.{name}", folder / name)
        for name in ("models", "utils", "configs")
    }
    packages["utils"].GroupConv1D = type("GroupConv1D", (tf.keras.layers.Conv1D,), {})
    norm = importlib.import_module("tensorflow_tts.utils.weight_norm")
    packages["utils"].WeightNormalization = norm.WeightNormalization
    packages["models"].BaseModel = tf.keras.Model
    packages["configs"].BaseConfig = object
    configs: dict[str, types.ModuleType] = {}
    models: dict[str, types.ModuleType] = {}
    for name in ("melgan", "mb_melgan"):
        configs[name] = importlib.import_module(f"tensorflow_tts.configs.{name}")
        vars(packages["configs"]).update(_classes(configs[name]))
        models[name] = importlib.import_module(f"tensorflow_tts.models.{name}")
        vars(packages["models"]).update(_classes(models[name]))

    def build(kind: str, config: dict) -> tuple[Any, Any]:
        melgan, joined = configs["melgan"], configs["mb_melgan"]
        if kind == "melgan":
            section, network = melgan.MelGANGeneratorConfig, models["melgan"].TFMelGANGenerator
        else:
            section = joined.MultiBandMelGANGeneratorConfig
            network = models["mb_melgan"].TFMBMelGANGenerator
        generator = network(section(**config[f"{kind}_generator_params"]), name="generator")
        scales = melgan.MelGANDiscriminatorConfig(**config[f"{kind}_discriminator_params"])
        discriminator = models["melgan"].TFMelGANMultiScaleDiscriminator(scales, name="scales")
        discriminator(tf.random.normal((1, 8192, 1)))
        _vary(generator, discriminator)
        return generator, discriminator

    return build


def _classes(module: types.ModuleType) -> dict[str, type]:
    return {name: value for name, value in vars(module).items() if isinstance(value, type)}


def _vary(generator: Any, discriminator: Any) -> None:
    """Random biases and lengths; the generator is then as loud as speech."""
    random = np.random.default_rng(0)
    mel = random.normal(0, 1, (1, 60, _N_MELS)).astype(np.float32)
    generator(mel)
    for weight in (*generator.weights, *discriminator.weights):
        if "bias" in weight.name:
            weight.assign(random.normal(0, 0.05, weight.shape))
        elif weight.name.endswith("g:0"):
            weight.assign(weight.numpy() * random.uniform(1, 2, weight.shape))
    *before, last, _ = generator.melgan.layers
    signal = mel
    for layer in before:
        signal = layer(signal)
    bias, scale = last.trainable_weights[-1], last.trainable_weights[-2]  # the kernel, or its g
    scale.assign(scale * (_LEVEL / np.std(last(signal), axis=1).mean()))
    bias.assign(bias - np.mean(last(signal), axis=(0, 1)))
