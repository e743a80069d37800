"""Weights of TensorFlowTTS in HDF5: TensorFlow's paddings and crops, built from torch."""

import h5py
import numpy as np
import pytest
import torch
import yaml
from helpers.torch_arrays import channels_last
from helpers.torch_oracle import SLOPE, Reflect
from torch.nn import functional as F

from tf_melgan.interop.importing import import_voice

N_MELS, CHANNELS, UPSAMPLING, SCALES, STRIDES = 3, 16, (3, 5), 2, (2, 3)
MEAN, DEVIATION = np.array([-2.0, -3, -1]), np.array([0.5, 1, 2])
CONFIG = {"sampling_rate": 24000, "hop_size": 15, "fft_size": 64, "win_length": 60}
CONFIG |= {"num_mels": N_MELS, "fmin": 80, "fmax": 7600}


class Weights:
    """Random weights in the axes of TensorFlow, by the paths that the project gives them."""

    def __init__(self, normalized: bool):
        self.random, self.normalized = np.random.default_rng(0), normalized
        self.arrays: dict[str, np.ndarray] = {}

    def kernel(self, path: str, *shape: int, axis: int = -1) -> tuple[torch.Tensor, torch.Tensor]:
        """Makes a convolution; returns its kernel, taps first, and its bias."""
        scale = (shape[0] * shape[-2 if axis == -1 else -1]) ** -0.5
        v = self.random.normal(0, scale, shape).astype(np.float32)
        bias = self.random.normal(0, 0.05, shape[axis]).astype(np.float32)
        self.arrays |= {f"{path}/kernel:0": v, f"{path}/bias:0": bias}
        kernel = v.astype(float)
        if self.normalized:
            g = self.random.uniform(0.5, 1, shape[axis]).astype(np.float32)
            self.arrays |= {f"{path}/g:0": g, f"{path}/initialized:0": np.array(True)}
            rest = tuple(i for i in range(len(shape)) if i != axis % len(shape))
            length = np.sqrt(np.sum(kernel**2, axis=rest, keepdims=True))
            kernel = kernel / length * (g if axis == -1 else g[:, None])
        return torch.from_numpy(kernel.astype(np.float32)), torch.from_numpy(bias)


def convolve(signal, weights, **options):
    kernel, bias = weights
    return F.conv1d(signal, kernel.permute(2, 1, 0), bias, **options)


def generator(weights):
    """Makes a generator: mel (1, n_mels, frames) → (1, 1, samples)."""
    first = weights.kernel("conv1d_7", 7, N_MELS, CHANNELS)
    stages, channels = [], CHANNELS
    for i, factor in enumerate(UPSAMPLING):
        path = f"conv_transpose_._{i}/conv2d_transpose_{i + 3}"
        up = weights.kernel(path, 2 * factor, 1, channels // 2, channels, axis=-2)
        channels //= 2
        path = f"residual_stack_._{i}._._0"
        names = ((f"{path}/conv1d_{9 + i}", 3), (f"{path}/conv1d_{20 + i}", 1))
        block = [weights.kernel(name, size, channels, channels) for name, size in names]
        stages.append(
            (factor, up, block, weights.kernel(f"{path}/shortcut", 1, channels, channels))
        )
    last = weights.kernel("conv1d_99", 7, channels, 1)

    def call(mel):
        x = convolve(Reflect(3)(mel), first)
        for factor, (kernel, bias), (dilated, pointwise), shortcut in stages:
            length = x.shape[-1] * factor
            # (taps, outputs, inputs) to torch's order; half of the factor, rounded down, is cut.
            kernel = kernel[:, 0].permute(2, 1, 0)
            x = F.conv_transpose1d(F.leaky_relu(x, SLOPE), kernel, stride=factor)
            x = x[..., factor // 2 : factor // 2 + length] + bias[:, None]
            y = convolve(Reflect(1)(F.leaky_relu(x, SLOPE)), dilated)
            x = convolve(x, shortcut) + convolve(F.leaky_relu(y, SLOPE), pointwise)
        return torch.tanh(convolve(Reflect(3)(F.leaky_relu(x, SLOPE)), last))

    return call


def discriminator(weights, scale):
    """Makes a discriminator: audio (1, 1, samples) → the features of each layer."""
    prefix = f"scales/melgan_discriminator_scale_._{scale}"
    layers = [(1, 1, weights.kernel(f"{prefix}/conv1d_{scale}", 15, 1, 8))]
    channels = 8
    for i, stride in enumerate(STRIDES):
        path, wider = f"{prefix}/group_conv1d_{scale}{i}", min(channels * stride, 24)
        kernel = weights.kernel(path, 10 * stride + 1, 4, wider)
        layers.append((stride, channels // 4, kernel))
        channels = wider
    layers.append((1, 1, weights.kernel(f"{prefix}/conv1d_{scale}7", 5, channels, 24)))
    score = weights.kernel(f"{prefix}/conv1d_{scale}8", 3, 24, 1)

    def call(x):
        features = []
        for index, (stride, groups, layer) in enumerate(layers):
            x = Reflect(7)(x) if index == 0 else same(x, len(layer[0]), stride)
            x = F.leaky_relu(convolve(x, layer, stride=stride, groups=groups), SLOPE)
            features.append(x)
        return [*features, convolve(same(x, 3, 1), score)]

    return call


def same(x, size, stride):
    """TensorFlow's padding "same", whose end is the longer one."""
    total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
    return F.pad(x, (total // 2, total - total // 2))


def write(path, layers):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, arrays in layers.items():
            group = file.create_group(layer)
            # Trainable weights come first, as Keras saves them.
            names = sorted(arrays, key=lambda name: name.endswith("initialized:0"))
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                group[name] = arrays[name]


@pytest.mark.parametrize("normalized", [False, True], ids=["plain", "weight norm"])
def test_generator_and_discriminators_pad_and_crop_as_tensorflow_does(tmp_path, normalized):
    weights = Weights(normalized)
    network = generator(weights)
    write(tmp_path / "generator-1.h5", {"sequential_2": weights.arrays})
    scales, tables = [], {}
    for scale in range(SCALES):
        weights = Weights(normalized)
        scales.append(discriminator(weights, scale))
        tables[f"melgan_discriminator_scale_._{scale}"] = weights.arrays
    write(tmp_path / "discriminator-1.h5", tables | {"average_pooling1d": {}})
    (tmp_path / "config.yml").write_text(yaml.safe_dump(CONFIG))
    np.save(tmp_path / "stats.npy", np.stack([MEAN, DEVIATION]))
    voice = import_voice([tmp_path / "generator-1.h5", tmp_path / "discriminator-1.h5"])

    random = np.random.default_rng(1)
    mel = torch.from_numpy(random.normal(0, 1, (1, N_MELS, 20)).astype(np.float32))
    raw = (channels_last(mel) * DEVIATION + MEAN).astype(np.float32)
    assert_close(voice.build_generator()(raw), channels_last(network(mel)))

    models = voice.config.discriminator.build_discriminator()
    voice.assign_discriminator(models)
    audio = torch.from_numpy(random.normal(0, 0.2, (1, 1, 613)).astype(np.float32))
    for actual, call in zip(models(channels_last(audio)), scales, strict=True):
        for feature, expected in zip(actual, call(audio), strict=True):
            assert_close(feature, channels_last(expected))
        audio = F.avg_pool1d(audio, 4, 2)


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    assert np.abs(np.asarray(actual) - expected).max() <= 1e-5 * np.abs(expected).max()
