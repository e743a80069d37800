"""Discriminators of periods and spectrograms against PyTorch primitives with the same weights."""

import numpy as np
import pytest
import torch
from helpers.torch_arrays import assert_close
from keras import ops
from torch import Tensor
from torch.nn import functional as F

from tf_melgan.layers.weight_normalization import WeightNormalization
from tf_melgan.models.convolution_stack import StackDiscriminator
from tf_melgan.models.multi_period.config import MultiPeriodConfig
from tf_melgan.models.multi_resolution.config import MultiResolutionConfig

torch.set_num_threads(1)
SLOPE = float(np.float32(0.2))


def kernels(stack) -> list[tuple[Tensor, Tensor]]:
    """The weight and bias of each convolution, in the layout of torch; g is not the norm of v."""
    pairs = []
    for conv in stack.convs:
        assert isinstance(conv, WeightNormalization)
        conv.g.assign(ops.convert_to_numpy(conv.g) * np.linspace(0.5, 3, conv.g.shape[0]))
        v = torch.from_numpy(np.moveaxis(ops.convert_to_numpy(conv.v), (-1, -2), (0, 1)).copy())
        g = torch.from_numpy(ops.convert_to_numpy(conv.g))
        norm = v.flatten(1).norm(dim=1)
        weight = v * (g / norm).reshape(-1, *[1] * (v.dim() - 1))
        pairs.append((weight, torch.from_numpy(ops.convert_to_numpy(conv.layer.bias))))
    return pairs


def run(convolve, weights, x: Tensor, settings: list[dict]) -> list[Tensor]:
    """The activations of each layer, and the score of the last."""
    outputs = []
    for (weight, bias), setting in zip(weights, settings, strict=True):
        x = convolve(x, weight, bias, **setting)
        if len(outputs) < len(weights) - 1:
            x = F.leaky_relu(x, SLOPE)
        outputs.append(x)
    return outputs


def of_period(period: int, weights, audio: Tensor) -> list[Tensor]:
    """HiFi-GAN's discriminator with its 2-D kernels of one column: (batch, channels, steps, p)."""
    x = F.pad(audio, (0, -audio.shape[-1] % period)).unflatten(-1, (-1, period))[:, None]
    settings = [
        {"stride": (stride, 1), "padding": (kernel // 2, 0)}
        for kernel, stride in zip([5] * 5 + [3], [3] * 4 + [1, 1], strict=True)
    ]
    outputs = run(F.conv2d, [(w[..., None], b) for w, b in weights], x, settings)
    # (batch, channels, steps, period) → (batch · period, steps, channels)
    return [y.permute(0, 3, 2, 1).flatten(0, 1) for y in outputs]


def of_resolution(size: int, weights, audio: Tensor) -> list[Tensor]:
    audio = F.pad(audio, (0, max(size - audio.shape[-1], 0)))
    window = torch.hann_window(size, dtype=audio.dtype)
    window = window / window.square().sum().sqrt()
    spectra = torch.fft.rfft(audio.unfold(-1, size, size // 4) * window)
    power = spectra.abs().square() + 1e-6
    x = torch.stack((spectra.real, spectra.imag), 1) / power[:, None] ** 0.25
    settings = [
        {"stride": (1, stride), "padding": (1, padding)}
        for stride, padding in ((8, 4), (2, 2), (2, 2), (1, 1), (1, 1))
    ]
    return [y.permute(0, 2, 3, 1) for y in run(F.conv2d, weights, x, settings)]


CASES = {
    "periods": (MultiPeriodConfig(periods=(2, 3, 5), channels=4, max_channels=24), of_period),
    "resolutions": (MultiResolutionConfig(sizes=(64, 256, 2048), channels=3), of_resolution),
}


@pytest.mark.parametrize("samples", [1000, 4001])
@pytest.mark.parametrize("case", CASES)
def test_every_layer_and_the_gradient_equal_torch(case: str, samples: int):
    config, oracle = CASES[case]
    tf = pytest.importorskip("tensorflow")
    model = config.build_discriminator(dtype="float64")
    assert isinstance(model, StackDiscriminator)
    audio = np.random.default_rng(samples).normal(0, 0.3, (2, samples))
    tensor = torch.from_numpy(audio).requires_grad_(True)
    inputs = tf.constant(audio[..., None])
    views = config.periods if case == "periods" else config.sizes
    expected = [
        oracle(view, kernels(network), tensor)
        for view, network in zip(views, model.networks, strict=True)
    ]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = model(inputs)
        total = tf.add_n([tf.reduce_sum(tf.sin(y)) for network in outputs for y in network])
    for actual, network in zip(outputs, expected, strict=True):
        for a, b in zip(actual, network, strict=True):
            assert_close(a, b.detach().numpy(), 1e-9)
    sum(y.sin().sum() for network in expected for y in network).backward()
    assert_close(tape.gradient(total, inputs)[..., 0], tensor.grad.numpy(), 1e-9)
