"""MelGAN's networks as PyTorch projects name them: sizes from the shapes, then the weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.errors import require
from tf_melgan.interop.state_dict import StateDict
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.multi_scale.config import MultiScaleConfig

if TYPE_CHECKING:
    from tf_melgan.models.melgan.generator import MelGANGenerator
    from tf_melgan.models.multi_scale.discriminator import MultiScaleDiscriminator

_KERNEL = 3
_BEFORE_LAST = 2  # LeakyReLU and padding
_DISCRIMINATOR_KERNEL = 10  # times the stride, plus 1


@dataclass(frozen=True)
class BlockNames:
    """How a project names a residual block's convolutions, after the prefix of its generator.

    Attributes:
        dilated: the name with {entry}, the place in the sequence, and {block}, from 0 in a stack.
        pointwise: the same of the second convolution.
        shortcut: the same of the shortcut.
        entries: whether each block is an entry of the sequence; else one entry has all of a stack.
    """

    dilated: str
    pointwise: str
    shortcut: str
    entries: bool


@dataclass(frozen=True)
class GeneratorNames:
    """The names of a generator's convolutions, and what they say about its size."""

    first: str
    upsamplers: list[str]
    blocks: list[list[tuple[str, str, str]]]
    last: str


def generator_names(state: StateDict, prefix: str, block: BlockNames) -> GeneratorNames:
    """Finds the convolutions of a generator that is one sequence.

    Args:
        state: the tensors.
        prefix: the name of the sequence.
        block: the names in its residual blocks.

    Raises:
        UserInputError: the sequence is not that of a MelGAN generator.
    """
    pattern = re.compile(rf"{re.escape(prefix)}\.(\d+)\.(bias|weight|parametrizations)")
    places = sorted({int(match[1]) for match in map(pattern.match, state.names) if match})
    require(
        len(places) >= 3 and places[0] == 1,
        f"{prefix} is no generator of MelGAN: a convolution, upsampling stages and a convolution",
    )
    first, *upsamplers, last = places

    def stack(place: int, end: int) -> list[tuple[str, str, str]]:
        names: list[tuple[str, str, str]] = []
        while True:
            entry = place + 1 + (len(names) if block.entries else 0)
            keys = {"entry": f"{prefix}.{entry}", "block": len(names)}
            name = [x.format(**keys) for x in (block.dilated, block.pointwise, block.shortcut)]
            if entry >= end or not state.has_kernel(name[0]):
                return names
            names.append((name[0], name[1], name[2]))

    ends = [*(place - 1 for place in upsamplers[1:]), last - _BEFORE_LAST]
    stacks = [stack(place, end) for place, end in zip(upsamplers, ends, strict=True)]
    require(
        len({len(names) for names in stacks}) == 1 and bool(stacks[0]),
        f"{prefix} has stages with {[len(names) for names in stacks]} residual blocks; all stages "
        "must have the same number",
    )
    return GeneratorNames(
        f"{prefix}.{first}",
        [f"{prefix}.{place}" for place in upsamplers],
        stacks,
        f"{prefix}.{last}",
    )


def generator_config(state: StateDict, names: GeneratorNames, **keys: Any) -> MelGANConfig:
    """The config section of a generator, its sizes from the shapes.

    Args:
        state: the tensors.
        names: the names of its convolutions.
        **keys: other keys of the section.
    """
    shapes = [state.kernel_shape(name) for name in names.upsamplers]
    return MelGANConfig(
        channels=state.kernel_shape(names.first)[0],
        upsampling=tuple(shape[2] // 2 for shape in shapes),
        dilations=tuple(_KERNEL**block for block in range(len(names.blocks[0]))),
        bands=state.kernel_shape(names.last)[0],
        initializer="torch",
        **keys,
    )


def fill_generator(generator: MelGANGenerator, state: StateDict, names: GeneratorNames) -> None:
    """Assigns the weights of a generator.

    Raises:
        UserInputError: a tensor is missing, not finite, or has another shape.
    """
    state.fill_convolution(generator.first, names.first)
    for layer, name in zip(generator.upsamplers, names.upsamplers, strict=True):
        state.fill_convolution(layer, name)
    for stack, blocks in zip(generator.stacks, names.blocks, strict=True):
        roles = (stack.dilated, stack.pointwise, stack.shortcuts)
        for layers, block in zip(zip(*roles, strict=True), blocks, strict=True):
            for layer, name in zip(layers, block, strict=True):
                state.fill_convolution(layer, name)
    state.fill_convolution(generator.last, names.last)


DiscriminatorNames = list[list[str]]
"""The names of the convolutions of each scale, first to last."""


def discriminator_names(state: StateDict, prefix: str) -> DiscriminatorNames:
    """Finds the convolutions of multi-scale discriminators: numbers in their names give the order.

    Args:
        state: the tensors.
        prefix: what their names begin with.

    Raises:
        UserInputError: there are none.
    """
    names = [name.removesuffix(".bias") for name in state.names if name.endswith(".bias")]
    order = _numbers(prefix)
    ordered = sorted((order(name), name) for name in names if name.startswith(prefix))
    require(bool(ordered), f"no discriminator is called {prefix}")
    scales: dict[int, list[str]] = {}
    for numbers, name in ordered:
        scales.setdefault(numbers[0], []).append(name)
    return list(scales.values())


def _numbers(prefix: str) -> Callable[[str], list[int]]:
    return lambda name: [int(digits) for digits in re.findall(r"\d+", name[len(prefix) :])] or [0]


def discriminator_config(
    state: StateDict, names: DiscriminatorNames, **keys: Any
) -> MultiScaleConfig:
    """The config section of multi-scale discriminators, their sizes from the shapes.

    Raises:
        UserInputError: they are no multi-scale discriminators of MelGAN.
    """
    shapes = [state.kernel_shape(name) for name in names[0]]
    require(len(shapes) >= 4, f"the discriminator with {names[0][0]} has {len(shapes)} layers")
    strides = [shape[2] // _DISCRIMINATOR_KERNEL for shape in shapes[1:-2]]
    return MultiScaleConfig(
        scales=len(names),
        channels=shapes[0][0],
        max_channels=max(shape[0] for shape in shapes[:-2]),
        downsampling=tuple(strides),
        initializer="torch",
        **keys,
    )


def fill_discriminator(
    discriminator: MultiScaleDiscriminator, state: StateDict, names: DiscriminatorNames
) -> None:
    """Assigns the weights of multi-scale discriminators.

    Raises:
        UserInputError: a tensor is missing, not finite, or has another shape.
    """
    for scale, layers in zip(discriminator.scales, names, strict=True):
        require(
            len(scale.convs) == len(layers),
            f"the discriminator with {layers[0]} has {len(layers)} layers, not {len(scale.convs)} "
            "like the first",
        )
        for layer, name in zip(scale.convs, layers, strict=True):
            state.fill_convolution(layer, name)
