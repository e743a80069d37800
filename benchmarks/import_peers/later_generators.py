"""HiFi-GAN's and Vocos's generators, of the projects that have them, in PyTorch."""

import importlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from benchmarks.import_peers import Peer, bare_package, statistics

_LEVEL, _MEL = 0.15, np.random.default_rng(1).uniform(-8, 0, (60, 100)).astype(np.float32)
_MELS = {"n_fft": 1024, "hop_size": 256, "win_size": 1024, "sampling_rate": 22050, "fmin": 0}


def _hifi_gan(clone: Path, folder: Path) -> Iterator[Peer]:
    sys.path.insert(0, str(clone))
    kind = importlib.import_module("models").Generator
    for recipe in sorted(clone.glob("config_v*.json")):
        text = recipe.read_text()
        network = kind(types.SimpleNamespace(**json.loads(text)))
        place = folder / f"hifi-gan-{recipe.stem}"
        place.mkdir()
        (place / "config.json").write_text(text)
        _audible(network, network.conv_post, 80)
        torch.save({"generator": network.state_dict()}, place / "g_00000001")
        yield _peer("hifi-gan", recipe.stem, place / "g_00000001", network)


def _parallel_wavegan(clone: Path, folder: Path) -> Iterator[Peer]:
    sys.path.insert(0, str(clone))
    kind = importlib.import_module("parallel_wavegan.models.hifigan").HiFiGANGenerator
    for recipe in sorted((clone / "egs").glob("*/voc1/conf/hifigan.v1.yaml")):
        if recipe.parts[-4] not in ("ljspeech", "vctk"):
            continue  # the others have the same networks
        config = yaml.safe_load(recipe.read_text())
        network = kind(**config["generator_params"])
        _audible(network, network.output_conv[1], 80)
        place = folder / f"pwg-hifigan-{recipe.parts[-4]}"
        place.mkdir()
        (place / "config.yml").write_text(recipe.read_text())
        mean, scale = statistics(80)
        np.save(place / "stats.npy", np.stack([mean, scale]))
        path = place / "checkpoint-1steps.pkl"
        torch.save({"model": {"generator": network.state_dict()}}, path)
        yield _peer("ParallelWaveGAN", place.name[4:], path, network, mean, scale)


def _coqui(clone: Path, folder: Path) -> Iterator[Peer]:
    for package in ("TTS", "TTS.utils", "TTS.vocoder", "TTS.vocoder.models"):
        bare_package(package, clone / package.replace(".", "/"))
    files = types.ModuleType("TTS.utils.io")
    files.load_fsspec = None  # for checkpoints on other machines
    sys.modules["TTS.utils.io"] = files
    kind = importlib.import_module("TTS.vocoder.models.hifigan_generator").HifiganGenerator
    params = {
        "resblock_type": "1",
        "resblock_dilation_sizes": [[1, 3, 5]] * 3,
        "resblock_kernel_sizes": [3, 7, 11],
        "upsample_kernel_sizes": [16, 16, 4, 4],
        "upsample_initial_channel": 512,
        "upsample_factors": [8, 8, 2, 2],
    }
    network = kind(80, 1, **params)
    _audible(network, network.conv_post, 80)
    audio = {"sample_rate": 22050, "fft_size": 1024, "hop_length": 256, "num_mels": 80}
    audio |= {"spec_gain": 1, "log_func": "np.log", "signal_norm": False}
    settings = {"generator_model": "hifigan_generator", "generator_model_params": params}
    place = folder / "coqui-hifigan"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(settings | {"audio": audio}))
    state = {f"model_g.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"model": state}, place / "best_model.pth")
    yield _peer("TTS", "hifigan", place / "best_model.pth", network)


def _vocos(clone: Path, folder: Path) -> Iterator[Peer]:
    bare_package("vocos", clone / "vocos")
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    scales = types.ModuleType("torchaudio.functional.functional")
    scales._hz_to_mel = scales._mel_to_hz = None  # for heads that are not used here
    sys.modules.setdefault("torchaudio.functional", types.ModuleType("torchaudio.functional"))
    sys.modules.setdefault(scales.__name__, scales)
    backbone = importlib.import_module("vocos.models").VocosBackbone
    head = importlib.import_module("vocos.heads").ISTFTHead
    for padding in ("center", "same"):
        stft = {"n_fft": 1024, "hop_length": 256, "padding": padding}
        arguments = {
            "feature_extractor": {"sample_rate": 24000, "n_mels": 100, **stft},
            "backbone": {"dim": 512, "intermediate_dim": 1536, "num_layers": 8},
            "head": {"dim": 512, **stft},
        }
        arguments["backbone"]["input_channels"] = 100
        network = torch.nn.Module()
        network.backbone, network.head = (
            backbone(**arguments["backbone"]),
            head(**arguments["head"]),
        )
        network.forward = lambda mel, net=network: net.head(net.backbone(mel))[:, None]
        place = folder / f"vocos-{padding}"
        place.mkdir()
        classes = ("feature_extractors.MelSpectrogramFeatures", "models.VocosBackbone")
        paths = zip(arguments, (*classes, "heads.ISTFTHead"), strict=True)
        config = {
            key: {"class_path": f"vocos.{path}", "init_args": arguments[key]} for key, path in paths
        }
        (place / "config.yaml").write_text(yaml.safe_dump(config))
        _audible(network, None, 100)
        torch.save(network.state_dict(), place / "pytorch_model.bin")
        if padding == "center":
            network.head.istft.forward = _centered
        yield _peer("vocos", padding, place / "pytorch_model.bin", network)


def _centered(spectra: torch.Tensor) -> torch.Tensor:
    """Vocos's own inverse STFT, with the hop behind the last frame's center that it cuts off."""
    length = spectra.shape[-1] * 256
    window = torch.hann_window(1024)
    return torch.istft(spectra, 1024, 256, 1024, window, center=True, length=length)


PROJECTS: dict[str, Callable[[Path, Path], Iterator[Peer]]] = {
    "hifi-gan": _hifi_gan,
    "ParallelWaveGAN": _parallel_wavegan,
    "TTS": _coqui,
    "vocos": _vocos,
}


def _peer(
    project: str, name: str, path: Path, network: Any, mean: Any = 0.0, scale: Any = 1.0
) -> Peer:
    def sound(mel: np.ndarray) -> np.ndarray:
        normalized = ((mel - mean) / scale).astype(np.float32)
        with torch.no_grad():
            return network(torch.from_numpy(normalized.T[None])).numpy()[0, 0]

    return Peer(project, name, [path], sound, lambda audio: [])


def _audible(network: Any, last: Any, n_mels: int) -> None:
    """Varies lengths, gains and biases, and makes the output as loud as speech."""
    network.eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("weight_g", "original0")):
                parameter.mul_(torch.empty_like(parameter).uniform_(0.7, 1.7))
            elif parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.05)
        mel = torch.from_numpy(_MEL[:, :n_mels].T[None])
        if last is None:
            network.head.out.bias[:513].add_(torch.log(_LEVEL / network(mel).std()))
            return
        length = next(p for p in last.parameters() if p.dim() == 3 and p.numel() == 1)
        length.mul_(1e-3)  # where tanh is linear
        for _ in range(4):
            length.mul_(_LEVEL / network(mel).std())
