"""Which parameter of the PyTorch oracle is which variable of ours, and the same values in both.

Both sides list v, g and bias of every convolution in the same order. Needs no torch to import.
"""

from typing import TYPE_CHECKING

import keras
import numpy as np

from tf_melgan.layers.weight_normalization import WeightNormalization
from tf_melgan.models.melgan.generator import MelGANGenerator

if TYPE_CHECKING:
    from torch import nn


def parameters(theirs: "nn.Module") -> "list[nn.Parameter]":
    """The oracle's parameters, in order."""
    return [
        parameter
        for convolution in theirs.modules()
        if hasattr(convolution, "parametrizations")
        for parameter in (
            convolution.parametrizations.weight.original1,
            convolution.parametrizations.weight.original0,
            convolution.bias,
        )
    ]


def variables(ours: keras.Model) -> list[keras.Variable]:
    """Our variables, in order."""
    return [
        variable for layer in _layers(ours) for variable in (layer.v, layer.g, layer.layer.bias)
    ]


def pairs(theirs: "nn.Module", ours: keras.Model) -> "list[tuple[nn.Parameter, keras.Variable]]":
    """Every parameter with its variable."""
    return list(zip(parameters(theirs), variables(ours), strict=True))


def as_ours(values: np.ndarray, variable: keras.Variable) -> np.ndarray:
    """A parameter's values, or its gradient's, in the layout of our variable.

    torch's (out, in, kernel), or (in, out, kernel) where transposed, are Keras's the other way
    round; g is (n, 1, 1) there and (n,) here.
    """
    return np.transpose(values).reshape(variable.shape)


def copy(theirs: "nn.Module", ours: keras.Model) -> None:
    """Gives our variables the values of the oracle's parameters."""
    for parameter, variable in pairs(theirs, ours):
        variable.assign(as_ours(parameter.detach().numpy(), variable))


def _layers(model: keras.Model) -> list[WeightNormalization]:
    if not isinstance(model, MelGANGenerator):
        return [conv for scale in model.scales for conv in scale.convs]
    layers = [model.first]
    for upsampler, stack in zip(model.upsamplers, model.stacks, strict=True):
        layers.append(upsampler)
        for block in zip(stack.dilated, stack.pointwise, stack.shortcuts, strict=True):
            layers += block
    return [*layers, model.last]
