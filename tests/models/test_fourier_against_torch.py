"""The frame-rate generator and its gradients against PyTorch with the same weights."""

import math

import numpy as np
import pytest
import torch
from helpers.fourier import GEOMETRIES, fourier_generator, random_mels
from helpers.torch_fourier import Fourier
from keras import ops

from tf_melgan.models.fourier.generator import FourierGenerator


def generator_pair(geometry: dict, dtype: str) -> tuple[FourierGenerator, Fourier]:
    """A generator in Keras and in torch with the same random weights."""
    torch.manual_seed(0)
    keras_model = fourier_generator(geometry, dtype)
    spec = keras_model.mel
    torch_model = Fourier(
        5,
        spec.sample_rate,
        spec.n_fft,
        spec.hop,
        spec.fmax,
        spec.log_floor,
        keras_model.width,
        keras_model.aheads,
        root_half(),
    )
    torch_model.to(getattr(torch, dtype))
    layers = [("first", ""), ("first_norm", ".norm"), ("last_norm", ".norm"), ("last", "")]
    for index in range(keras_model.depth):
        inside = ("depthwise", "expand", "contract")
        layers += [(f"blocks.{index}.{name}", "") for name in inside]
        layers.append((f"blocks.{index}.norm", ".norm"))
    with torch.no_grad():
        for parameter in torch_model.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.4 + 0.1)
        for name, inner in layers:
            source = torch_model.get_submodule(name + inner)
            target = keras_model
            for part in name.split("."):
                target = target[int(part)] if part.isdigit() else getattr(target, part)
            weights = [x.numpy() for x in source.parameters()]
            if len(weights[0].shape) == 3:
                weights[0] = weights[0].transpose(2, 1, 0)
            if "depthwise" in name:
                weights[0] = weights[0].transpose(0, 2, 1)
            target.set_weights(
                [x.reshape(w.shape) for x, w in zip(weights, target.weights, strict=True)]
            )
        for block, other in zip(keras_model.blocks, torch_model.blocks, strict=True):
            block.gain.assign(other.gain.numpy())
    return keras_model, torch_model


def root_half() -> float:
    """√½ as the GELU of this backend stores it: in float32, as 1 / √2 in float32, or in float64."""
    one = ops.ones((), "float64")
    gelu = float(ops.gelu(one, approximate=False))
    candidates = (float(np.float32(0.5**0.5)), 1 / float(np.float32(2**0.5)), 0.5**0.5)
    (root,) = [x for x in candidates if abs((1 + math.erf(x)) / 2 - gelu) < 1e-15]
    return root


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("frames", [1, 2, 7, 40])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-11)])
def test_output_equals_torch(geometry: dict, frames: int, dtype: str, tolerance: float):
    keras_model, torch_model = generator_pair(geometry, dtype)
    mel = random_mels(frames, dtype=dtype)
    with torch.no_grad():
        expected = torch_model(torch.from_numpy(mel).transpose(1, 2)).numpy()[:, 0]
    actual = ops.convert_to_numpy(keras_model(mel))
    assert actual.shape == (2, frames * keras_model.hop, 1)
    assert actual.shape == keras_model.compute_output_shape(mel.shape)
    assert np.abs(actual[..., 0] - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_gradients_equal_torch(geometry: dict):
    tf = pytest.importorskip("tensorflow")
    keras_model, torch_model = generator_pair(geometry, "float64")
    mel = random_mels(9, dtype="float64")
    with tf.GradientTape() as tape:
        loss = ops.sum(ops.square(keras_model(mel)))
    gradients = tape.gradient(
        loss, [keras_model.first.kernel, keras_model.last.kernel, keras_model.blocks[0].gain]
    )
    torch_model(torch.from_numpy(mel).transpose(1, 2)).square().sum().backward()
    expected = [
        torch_model.first.weight.grad.permute(2, 1, 0),
        torch_model.last.weight.grad[..., 0].T,
        torch_model.blocks[0].gain.grad,
    ]
    for actual, gradient in zip(gradients, expected, strict=True):
        gradient = gradient.numpy()
        assert np.abs(actual.numpy() - gradient).max() <= 1e-10 * np.abs(gradient).max()
