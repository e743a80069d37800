"""MelGAN in torch with the names of tensors that other projects give it, at an audible level."""

import re
from typing import Any

import numpy as np
import torch

from helpers import torch_oracle
from helpers.torch_arrays import channels_last
from tf_melgan.voices.weights_file import VoiceWeights

N_MELS, DILATIONS = 4, (1, 3)
_OLD_SPELLING = {"parametrizations.weight.original0": "weight_g"}
_OLD_SPELLING["parametrizations.weight.original1"] = "weight_v"


def generator(
    upsampling: tuple[int, ...] = (8, 8, 2, 2), bands: int = 1, gain: float = 1.0
) -> torch_oracle.Generator:
    """A small generator; for mels times `gain`, it is neither silent nor bounded by tanh."""
    torch.manual_seed(bands)
    network = torch_oracle.Generator(N_MELS, 32, upsampling, DILATIONS, bands)
    _vary(network)
    with torch.no_grad():
        last = network.layers[-2].parametrizations.weight.original0
        last.mul_(0.2 / network.layers[:-1](gain * mel(40)).std())
    return network.eval()


def discriminator(pooling_padding: int = 1) -> torch_oracle.MultiScaleDiscriminator:
    """Small multi-scale discriminators."""
    torch.manual_seed(2)
    network = torch_oracle.MultiScaleDiscriminator(3, 8, 16, (2, 2), pooling_padding)
    _vary(network)
    return network.eval()


def mel(frames: int) -> torch.Tensor:
    """A log-mel (1, n_mels, frames)."""
    random = np.random.default_rng(frames)
    return torch.from_numpy(random.normal(-3, 1, (1, N_MELS, frames)).astype(np.float32))


def renamed(network: torch.nn.Module, *pairs: tuple[str, str], old: bool = True) -> dict[str, Any]:
    """The state of a network with other names: each pattern of `pairs` replaced in each name.

    Args:
        network: the network.
        *pairs: patterns and what replaces them.
        old: whether weight normalization has the names of PyTorch before 2.1.
    """
    spelling = [(re.escape(new), name) for new, name in _OLD_SPELLING.items()] if old else []
    state = {}
    for name, tensor in network.state_dict().items():
        for pattern, replacement in (*pairs, *spelling):
            name = re.sub(pattern, replacement, name)
        state[name] = tensor
    return state


def without_normalization(network: torch.nn.Module, *pairs: tuple[str, str]) -> dict[str, Any]:
    """The state with plain kernels in place of g and v; removes them from the network."""
    for module in network.modules():
        if hasattr(module, "parametrizations"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    return renamed(network, *pairs)


def assert_same_sound(voice: VoiceWeights, expected, tolerance: float = 1e-5) -> None:
    """Asserts that a voice, whole and streamed, gives what a torch network gives for mels.

    Args:
        voice: the imported voice.
        expected: (1, n_mels, frames) → (1, 1, samples).
        tolerance: the largest difference over the peak.
    """
    keras_generator = voice.build_generator()
    for frames in (1, 20):
        with torch.no_grad():
            wanted = channels_last(expected(mel(frames)))
        actual = np.asarray(keras_generator(channels_last(mel(frames))))
        assert actual.shape == wanted.shape
        assert np.abs(actual - wanted).max() <= tolerance * np.abs(wanted).max(), frames
    assert 0.01 < wanted.std() < 1  # neither silent nor cut off by tanh


def assert_same_features(voice: VoiceWeights, network: torch.nn.Module) -> None:
    """Asserts that the discriminators of a voice give every feature of the torch networks."""
    discriminators = voice.config.discriminator.build_discriminator()
    voice.assign_discriminator(discriminators)
    random = np.random.default_rng(4)
    for samples in (513,):
        audio = random.normal(0, 0.2, (1, samples, 1)).astype(np.float32)
        with torch.no_grad():
            scales = network(torch.from_numpy(audio.swapaxes(1, 2)))
        for features, expected in zip(discriminators(audio), scales, strict=True):
            for feature, tensor in zip(features, expected, strict=True):
                wanted = channels_last(tensor)
                assert feature.shape == wanted.shape
                assert np.abs(np.asarray(feature) - wanted).max() <= 1e-5 * np.abs(wanted).max()


def _vary(network: torch.nn.Module) -> None:
    """Gives lengths and biases other values than a new network has."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("original0"):
                parameter.mul_(torch.empty_like(parameter).uniform_(1, 2))
            if name.endswith("bias"):
                parameter.normal_(0, 0.05)
