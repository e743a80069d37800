"""Maps the parameters of the PyTorch oracle to the variables of the Keras models.

Both list v, g and bias of every convolution in the same order. Importing this needs no torch.
"""

from typing import TYPE_CHECKING

import keras
import numpy as np

from tf_melgan.layers.weight_normalization import WeightNormalization
from tf_melgan.models.melgan.generator import MelGANGenerator

if TYPE_CHECKING:
    from torch import nn


def parameters(torch_model: "nn.Module") -> "list[nn.Parameter]":
    """The oracle's parameters, in order."""
    return [
        parameter
        for convolution in torch_model.modules()
        if hasattr(convolution, "parametrizations")
        for parameter in (
            convolution.parametrizations.weight.original1,
            convolution.parametrizations.weight.original0,
            convolution.bias,
        )
    ]


def variables(keras_model: keras.Model) -> list[keras.Variable]:
    """The variables of the Keras model, in the same order."""
    return [
        variable
        for layer in _layers(keras_model)
        for variable in (layer.v, layer.g, layer.layer.bias)
    ]


def pairs(
    torch_model: "nn.Module", keras_model: keras.Model
) -> "list[tuple[nn.Parameter, keras.Variable]]":
    """Each parameter of the oracle with the Keras variable that corresponds to it."""
    return list(zip(parameters(torch_model), variables(keras_model), strict=True))


def as_keras(values: np.ndarray, variable: keras.Variable) -> np.ndarray:
    """The values of a parameter, or of its gradient, in the layout of the Keras variable.

    Kernels are (out, in, kernel) in torch, or (in, out, kernel) if transposed; Keras has the axes
    in reverse order. g is (n, 1, 1) in torch and (n,) in Keras.
    """
    return np.transpose(values).reshape(variable.shape)


def copy(torch_model: "nn.Module", keras_model: keras.Model) -> None:
    """Assigns the values of the oracle's parameters to the Keras variables."""
    for parameter, variable in pairs(torch_model, keras_model):
        variable.assign(as_keras(parameter.detach().numpy(), variable))


def _layers(model: keras.Model) -> list[WeightNormalization]:
    if not isinstance(model, MelGANGenerator):
        return [conv for scale in model.scales for conv in scale.convs]
    layers = [model.first]
    for upsampler, stack in zip(model.upsamplers, model.stacks, strict=True):
        layers.append(upsampler)
        for block in zip(stack.dilated, stack.pointwise, stack.shortcuts, strict=True):
            layers += block
    return [*layers, model.last]
