"""Moves the tensors of a PyTorch network into Keras layers: each is used once, and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf_melgan.errors import UserInputError, require, suggest
from tf_melgan.layers.weight_normalization import WeightNormalization

_SPELLINGS = (
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ("weight_g", "weight_v"),
)
SHORTEST = 1e-6
"""The length below which our layers take a direction for one of no length."""


class StateDict:
    """The tensors of a network by name. Those that are not taken in the end are an error.

    Names may begin with `module.`, which training on several devices adds.

    Args:
        arrays: the tensors.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        if arrays and all(name.startswith("module.") for name in arrays):
            arrays = {name.removeprefix("module."): array for name, array in arrays.items()}
        self._arrays = dict(arrays)
        self._taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def part(self, holds: Callable[[str], bool]) -> StateDict:
        """The tensors whose names hold a condition, to be taken apart from the others."""
        return StateDict({name: array for name, array in self._arrays.items() if holds(name)})

    @property
    def names(self) -> list[str]:
        """All names."""
        return list(self._arrays)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor.

        Raises:
            UserInputError: there is no such tensor.
        """
        if name not in self._arrays:
            raise UserInputError(
                f"the tensor {name} is missing; {suggest(name, list(self._arrays)[:100])}"
            )
        return self._arrays[name].shape

    def has_kernel(self, name: str) -> bool:
        """Whether there is a convolution `name`."""
        keys = ("weight", *(direction for _, direction in _SPELLINGS))
        return any(f"{name}.{key}" in self for key in keys)

    def kernel_shape(self, name: str) -> tuple[int, ...]:
        """The shape of the kernel of the convolution `name`, as PyTorch has it.

        Raises:
            UserInputError: it has no kernel of three axes.
        """
        keys = [f"{name}.{direction}" for _, direction in _SPELLINGS]
        shape = self.shape(next((key for key in keys if key in self), f"{name}.weight"))
        require(len(shape) == 3, f"the kernel of {name} has shape {shape}; it must have three axes")
        return shape

    def take(self, name: str) -> np.ndarray:
        """A tensor as float32.

        Raises:
            UserInputError: it is missing, or holds no finite numbers.
        """
        self.shape(name)
        self._taken.add(name)
        array = self._arrays[name]
        require(array.dtype.kind == "f", f"the tensor {name} holds {array.dtype}, not real numbers")
        array = array.astype(np.float32)
        require(bool(np.isfinite(array).all()), f"the tensor {name} holds NaN or infinite values")
        return array

    def ignore(self, *names: str) -> None:
        """Counts tensors as taken that are no weights, such as the filters of a bank."""
        self._taken.update(names)

    def fill(self, variable: Any, name: str, axes: tuple[int, ...] | None = None) -> None:
        """Assigns a tensor to a Keras variable.

        Args:
            variable: the variable.
            name: the tensor.
            axes: the order of its axes in Keras; None for the same.

        Raises:
            UserInputError: it is missing, not finite, or has another shape.
        """
        array = self.take(name)
        self._assign(variable, array if axes is None else _moved(array, axes, name), name)

    def fill_convolution(self, layer: Any, name: str) -> None:
        """Assigns kernel and bias to a Keras convolution, transposed or grouped ones too.

        A layer with weight normalization gets g and v as they are, in whichever spelling; of a
        plain kernel, g is its length. A layer without it gets the kernel they stand for.

        Args:
            layer: the layer, or the `WeightNormalization` around it.
            name: the name of the convolution.

        Raises:
            UserInputError: a tensor is missing, not finite, or has another shape.
        """
        normalized = isinstance(layer, WeightNormalization)
        bare = layer.layer if normalized else layer
        g, v = self._direction(name)
        length = np.sqrt(np.sum(np.square(v, dtype=np.float64), axis=(0, 1)))
        if g is None:
            g = np.maximum(length, SHORTEST)
        else:
            require(
                g.shape == length.shape and bool(length.all()),
                f"the weight normalization of {name} has shape {g.shape} or a direction of no "
                f"length; it must have one number for each of {length.shape}",
            )
            g = g * (np.maximum(length, SHORTEST) / length)
        if normalized:
            self._assign(layer.v, v, name)
            self._assign(layer.g, g, name)
        else:
            self._assign(bare.kernel, v * (g / np.maximum(length, SHORTEST)), name)
        self.fill(bare.bias, f"{name}.bias")

    def _direction(self, name: str) -> tuple[np.ndarray | None, np.ndarray]:
        """g and v of a convolution in the shapes of Keras; g is None for a plain kernel."""
        for length, direction in _SPELLINGS:
            if f"{name}.{direction}" in self:
                v = _moved(self.take(f"{name}.{direction}"), (2, 1, 0), name)
                return np.ravel(self.take(f"{name}.{length}")), v
        return None, _moved(self.take(f"{name}.weight"), (2, 1, 0), name)

    def finish(self) -> None:
        """Checks that every tensor was taken.

        Raises:
            UserInputError: one was not; the message names the first.
        """
        left = [name for name in self._arrays if name not in self._taken]
        require(
            not left,
            f"{len(left)} tensors have no place in the network, such as {left[:1]}; the "
            "checkpoint is of another network",
        )

    def _assign(self, variable: Any, array: np.ndarray, name: str) -> None:
        require(
            tuple(variable.shape) == array.shape,
            f"the tensor {name} has shape {array.shape} in Keras's order of axes; it must have "
            f"{tuple(variable.shape)}",
        )
        variable.assign(array)


def _moved(array: np.ndarray, axes: tuple[int, ...], name: str) -> np.ndarray:
    require(
        array.ndim == len(axes), f"the tensor {name} has shape {array.shape}; give {len(axes)} axes"
    )
    return np.transpose(array, axes)
