"""Upsampling and grouped convolutions against PyTorch with the same weights."""

import numpy as np
import pytest
import torch
from helpers.arrays import assert_close, normal
from keras import ops

from tf_melgan.layers.backends.unfolded import unfolded_grouped_conv1d
from tf_melgan.layers.convolutions import GroupedConv1D, Upsample1D

# Kernels of the stride itself, of no multiple of it, and of more than two strides.
SIZES = [(1, 1), (4, 4), (5, 6), (5, 11), (3, 8), (2, 9), (1, 3)]


@pytest.mark.parametrize("stride,size", [*((s, 2 * s) for s in range(2, 10)), *SIZES])
@pytest.mark.parametrize("time", [1, 2, 11])
def test_upsampling_equals_a_transposed_convolution_in_torch(
    stride: int, size: int, time: int
) -> None:
    layer = Upsample1D(3, stride, size, bias_initializer="random_normal")
    x = normal(stride, 2, time, 5)
    y = layer(x)
    odd = (size - stride) % 2
    torch_layer = torch.nn.ConvTranspose1d(5, 3, size, stride, (size - stride + odd) // 2, odd)
    kernel, bias = (np.array(weight) for weight in layer.get_weights())
    with torch.no_grad():
        torch_layer.weight[:] = torch.from_numpy(kernel.transpose(2, 1, 0).copy())
        torch_layer.bias[:] = torch.from_numpy(bias)
        expected = torch_layer(torch.from_numpy(x.transpose(0, 2, 1).copy())).numpy()
    assert y.shape == (2, time * stride, 3)
    assert_close(y, expected.transpose(0, 2, 1))


@pytest.mark.parametrize("groups,inputs,filters,stride", [(4, 16, 64, 4), (8, 32, 32, 2)])
def test_grouped_convolution_equals_torch(
    groups: int, inputs: int, filters: int, stride: int
) -> None:
    size = 10 * stride + 1
    layer = GroupedConv1D(filters, size, strides=stride, groups=groups)
    x = normal(0, 2, 200, inputs)
    y = layer(x)
    kernel = np.array(layer.get_weights()[0])
    expected = torch.nn.functional.conv1d(
        torch.from_numpy(x.transpose(0, 2, 1).copy()),
        torch.from_numpy(kernel.transpose(2, 1, 0).copy()),
        stride=stride,
        groups=groups,
    )
    expected = expected.numpy().transpose(0, 2, 1)
    assert_close(y, expected)
    assert_close(unfolded_grouped_conv1d(ops.convert_to_tensor(x), kernel, stride), expected)
