"""HiFi-GAN's generator as PyTorch projects name it: sizes from their config, then the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.statistics import Statistics
from tf_melgan.config.parsing import build
from tf_melgan.errors import require
from tf_melgan.interop.checkpoint import Checkpoint
from tf_melgan.interop.settings import Settings
from tf_melgan.interop.state_dict import StateDict
from tf_melgan.interop.statistics import fold_into
from tf_melgan.interop.voices import voice, voice_config
from tf_melgan.models.hifigan.config import HiFiGANConfig
from tf_melgan.voices.weights_file import VoiceWeights

if TYPE_CHECKING:
    from tf_melgan.models.hifigan.generator import HiFiGANGenerator

GENERATOR_ALONE = (
    "holds HiFi-GAN's discriminators, which cannot be imported; give the generator's file alone"
)
# Steps of a residual block that the code builds, whatever the config's lists of dilations hold.
_STEPS = {"1": 3, "2": 2}


@dataclass(frozen=True)
class HiFiGANNames:
    """How a project names the convolutions.

    Attributes:
        first: the first convolution.
        upsampler: a transposed convolution, with a place for its number.
        dilated: a dilated convolution, with places for its block and its step.
        plain: the convolution that follows it, or None where there is none.
        last: the last convolution.
    """

    first: str
    upsampler: str
    dilated: str
    plain: str | None
    last: str


def official_names(paired: bool, prefix: str = "", upsampler: str = "ups") -> HiFiGANNames:
    """The names of the official code, which others have taken over, behind a prefix."""
    dilated, plain = (
        ("convs1", f"{prefix}resblocks.{{}}.convs2.{{}}") if paired else ("convs", None)
    )
    return HiFiGANNames(
        f"{prefix}conv_pre",
        f"{prefix}{upsampler}.{{}}",
        f"{prefix}resblocks.{{}}.{dilated}.{{}}",
        plain,
        f"{prefix}conv_post",
    )


def official_section(
    settings: Settings, resblock: str, prefix: str = "", **keys: str
) -> tuple[HiFiGANNames, dict[str, Any]]:
    """The names of the convolutions, and the section's keys, of a config of the official code.

    Args:
        settings: the project's config.
        resblock: the dotted key of the kind of residual block.
        prefix: what the names of the convolutions begin with.
        **keys: the dotted key of each of the section's keys.

    Raises:
        UserInputError: a key is missing, or the residual block is of another kind.
    """
    settings.expect(resblock, *_STEPS)
    steps = _STEPS[settings.get(resblock)]
    values = {name: settings.get(key) for name, key in keys.items()}
    if isinstance(values["dilations"], list):
        values["dilations"] = [
            each[:steps] if isinstance(each, list) else each for each in values["dilations"]
        ]
    return official_names(steps == _STEPS["1"], prefix), values


def generator_config(
    state: StateDict, names: HiFiGANNames, keys: Mapping[str, Any], even: bool = True
) -> HiFiGANConfig:
    """The config section of a generator.

    Args:
        state: the tensors.
        names: the names of its convolutions.
        keys: the section's keys that the project's config says.
        even: whether a kernel's length minus its factor has to be even. Where it is odd, the
            official code gives another number of samples than the factors say.

    Raises:
        UserInputError: a key has a wrong value.
    """
    channels = state.kernel_shape(names.first)[0]
    paired = names.plain is not None
    section = build(HiFiGANConfig, {"channels": channels, "paired": paired, **keys}, "generator.")
    pairs = zip(section.upsampling_kernels, section.upsampling, strict=True)
    require(
        not even or all((kernel - factor) % 2 == 0 for kernel, factor in pairs),
        f"upsampling by {list(section.upsampling)} with kernels {list(section.upsampling_kernels)} "
        "gives more than a hop of samples for a frame; each kernel minus its factor must be even",
    )
    return section


def import_generator(
    checkpoint: Checkpoint,
    state: StateDict,
    names: HiFiGANNames,
    config: HiFiGANConfig,
    mel: MelSpec,
    statistics: Statistics | None = None,
) -> VoiceWeights:
    """The voice of a generator whose tensors are `state`, which holds nothing else.

    Raises:
        UserInputError: a tensor is missing, left over, not finite, or has another shape.
    """
    settings = voice_config(mel, config)
    generator = config.build_generator(mel)
    _fill(generator, state, names)
    if statistics is not None:
        _normalize(generator, statistics)
    state.finish()
    return voice(checkpoint.path, settings, generator)


def _fill(generator: HiFiGANGenerator, state: StateDict, names: HiFiGANNames) -> None:
    state.fill_convolution(generator.first, names.first)
    blocks = 0
    for stage, (upsampler, fusion) in enumerate(
        zip(generator.upsamplers, generator.fusions, strict=True)
    ):
        state.fill_convolution(upsampler, names.upsampler.format(stage))
        for block in fusion.blocks:
            for step, layer in enumerate(block.dilated):
                state.fill_convolution(layer, names.dilated.format(blocks, step))
            for step, layer in enumerate(block.plain):
                state.fill_convolution(layer, str(names.plain).format(blocks, step))
            blocks += 1
    state.fill_convolution(generator.last, names.last)


def _normalize(generator: HiFiGANGenerator, statistics: Statistics) -> None:
    """Makes the generator read mels as they are. The zeros at both ends stay normalized ones."""
    fold_into(generator.first, Statistics(0 * statistics.mean, statistics.deviation))
    generator.mean.assign(statistics.mean)
