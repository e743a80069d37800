"""The networks of the projects in PyTorch."""

import importlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
import torch
import yaml

from benchmarks.import_peers import Peer, bare_package, statistics

_N_MELS, _LEVEL = 80, 0.15


def _neurips(clone: Path, folder: Path) -> Iterator[Peer]:
    sys.path.insert(0, str(clone))
    modules = importlib.import_module("mel2wav.modules")
    generator = _audible(modules.Generator(_N_MELS, 32, 3), "model")
    discriminator = _varied(modules.Discriminator(3, 16, 4, 4))
    place = _folder(folder, "neurips")
    files = [place / "best_netG.pt", place / "netD.pt"]
    torch.save(generator.state_dict(), files[0])
    torch.save(discriminator.state_dict(), files[1])
    yield Peer("melgan-neurips", "MelGAN", files, _sound(generator), _features(discriminator))


def _seungwonpark(clone: Path, folder: Path) -> Iterator[Peer]:
    bare_package("model", clone / "model")
    generator = importlib.import_module("model.generator").Generator(_N_MELS)
    discriminator = _varied(importlib.import_module("model.multiscale").MultiScaleDiscriminator())
    _audible(generator, "generator")
    path = _folder(folder, "seungwonpark") / "lj.pt"
    text = (clone / "config" / "default.yaml").read_text()
    state = {"model_g": generator.state_dict(), "model_d": discriminator.state_dict()}
    torch.save({**state, "hp_str": text}, path)

    def outputs(audio: torch.Tensor) -> list[list[torch.Tensor]]:
        return [[*features, score] for features, score in discriminator(audio)]

    yield Peer("melgan", "MelGAN", [path], _sound(generator), _features(outputs))


def _parallel_wavegan(clone: Path, folder: Path) -> Iterator[Peer]:
    scipy.signal.kaiser = scipy.signal.windows.kaiser  # moved since
    sys.path.insert(0, str(clone))
    models = importlib.import_module("parallel_wavegan.models.melgan")
    bank = importlib.import_module("parallel_wavegan.layers.pqmf").PQMF
    mean, scale = statistics(_N_MELS)
    for recipe in sorted((clone / "egs/ljspeech/voc1/conf").glob("*melgan*.yaml")):
        config = yaml.safe_load(recipe.read_text())
        if config.get("generator_type", "MelGANGenerator") != "MelGANGenerator":
            continue
        if "long" in recipe.stem:
            continue  # the same networks, trained for longer
        config |= {"generator_type": "MelGANGenerator", "version": "0.6.2"}
        generator = _audible(models.MelGANGenerator(**config["generator_params"]), "melgan")
        bands = config["generator_params"]["out_channels"]
        generator.pqmf = bank(bands) if bands > 1 else None
        state = {"generator": generator.state_dict()}
        discriminator: Any = lambda audio: []  # noqa: E731 - of another kind
        if config.get("discriminator_type") == "MelGANMultiScaleDiscriminator":
            kind = models.MelGANMultiScaleDiscriminator
            discriminator = _varied(kind(**config["discriminator_params"]))
            state["discriminator"] = discriminator.state_dict()
        state["generator"] = {k: v for k, v in state["generator"].items() if "pqmf" not in k}
        place = _folder(folder, f"pwg-{recipe.stem}")
        torch.save({"model": state, "steps": 1}, place / "checkpoint-1steps.pkl")
        np.save(place / "stats.npy", np.stack([mean, scale]))
        (place / "config.yml").write_text(yaml.safe_dump(config))
        yield Peer(
            "ParallelWaveGAN",
            recipe.stem,
            [place / "checkpoint-1steps.pkl"],
            _sound(_synthesis(generator.melgan, generator.pqmf), mean, scale),
            _features(discriminator),
        )


def _coqui(clone: Path, folder: Path) -> Iterator[Peer]:
    for package in ("TTS", "TTS.utils", "TTS.vocoder", "TTS.vocoder.models", "TTS.vocoder.layers"):
        bare_package(package, clone / package.replace(".", "/"))
    files = types.ModuleType("TTS.utils.io")
    files.load_fsspec = None  # for checkpoints on other machines
    sys.modules["TTS.utils.io"] = files
    scales = importlib.import_module("TTS.vocoder.models.melgan_multiscale_discriminator")
    networks: dict[str, tuple[dict, dict]] = {
        "melgan": ({"upsample_factors": [8, 8, 2, 2]}, {"downsample_factors": [4, 4, 4, 4]}),
        "multiband_melgan": ({"upsample_factors": [8, 4, 2], "num_res_blocks": 4}, {}),
        "fullband_melgan": ({"upsample_factors": [8, 8, 2, 2]}, {}),
    }
    for name, (params, options) in networks.items():
        module = importlib.import_module(f"TTS.vocoder.models.{name}_generator")
        kind = getattr(module, "".join(part.title() for part in name.split("_")) + "Generator")
        generator = _audible(kind(**params), "layers")
        discriminator = scales.MelganMultiscaleDiscriminator(max_channels=512, **options)
        _varied(discriminator)
        state = _prefixed("model_g.", generator) | _prefixed("model_d.", discriminator)
        place = _folder(folder, f"coqui-{name}")
        torch.save({"model": state, "step": 1}, place / "best_model.pth")
        config = {
            "generator_model": f"{name}_generator",
            "generator_model_params": params,
            "discriminator_model": "melgan_multiscale_discriminator",
            "discriminator_model_params": options,
            "audio": _COQUI_AUDIO,
        }
        (place / "config.json").write_text(json.dumps(config))
        # Decibels 20 · log10 − 20 from −100 to 0 become −4 to 4.
        yield Peer(
            "TTS",
            name,
            [place / "best_model.pth"],
            _sound(
                _synthesis(generator.layers, getattr(generator, "pqmf_layer", None)), -1.5, 0.625
            ),
            _features(lambda audio, network=discriminator: network(audio)[1]),
        )


_COQUI_AUDIO = {
    **{"fft_size": 1024, "win_length": 1024, "hop_length": 256, "sample_rate": 22050},
    **{"num_mels": _N_MELS, "mel_fmin": 0.0, "mel_fmax": 8000.0, "preemphasis": 0.0},
    **{"signal_norm": True, "symmetric_norm": True, "max_norm": 4.0, "clip_norm": True},
    **{"min_level_db": -100, "ref_level_db": 20, "spec_gain": 20, "stats_path": None},
}
PROJECTS: dict[str, Callable[[Path, Path], Iterator[Peer]]] = {
    "melgan-neurips": _neurips,
    "melgan": _seungwonpark,
    "ParallelWaveGAN": _parallel_wavegan,
    "TTS": _coqui,
}


def _folder(folder: Path, name: str) -> Path:
    (folder / name).mkdir(parents=True)
    return folder / name


def _synthesis(network: Any, bank: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    return network if bank is None else lambda mel: bank.synthesis(network(mel))


def _prefixed(prefix: str, network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in network.state_dict().items()}


def _sound(network: Any, mean: Any = 0.0, scale: Any = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    def sound(mel: np.ndarray) -> np.ndarray:
        normalized = ((mel - mean) / scale).astype(np.float32)
        with torch.no_grad():
            return network(torch.from_numpy(normalized.T[None])).numpy()[0, 0]

    return sound


def _features(network: Any) -> Callable[[np.ndarray], list[list[np.ndarray]]]:
    def features(audio: np.ndarray) -> list[list[np.ndarray]]:
        with torch.no_grad():
            scales = network(torch.from_numpy(audio[None, None]))
        return [[feature.numpy()[0].T for feature in scale] for scale in scales]

    return features


def _varied(network: Any) -> Any:
    """Gives lengths and biases other values than a new network has."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("weight_g", "original0")):
                parameter.mul_(torch.empty_like(parameter).uniform_(1, 2))
            if name.endswith("bias"):
                parameter.normal_(0, 0.02)
    network.eval()
    return network


def _audible(network: Any, sequence: str) -> Any:
    """A generator with varied weights, as loud as speech: not in the bounds of tanh."""
    layers = getattr(_varied(network), sequence)
    mel = torch.from_numpy(np.random.default_rng(1).normal(0, 1, (1, _N_MELS, 60))).float()
    with torch.no_grad():
        parameters = dict(layers[-2].named_parameters())
        length = parameters.get("weight_g", parameters.get("parametrizations.weight.original0"))
        length.mul_(_LEVEL / layers[:-1](mel).std(-1).mean())
        parameters["bias"].sub_(layers[:-1](mel).mean((0, 2)))
    return network
