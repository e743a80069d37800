"""MelGAN's convolutional generator: log-mel spectrogram to waveform."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tf_melgan.layers.convolutions import LEAKY_SLOPE, ReflectionPadding1D, Upsample1D
from tf_melgan.layers.filter_bank import FilterBank
from tf_melgan.layers.initializers import conv_initializers, weight_normalized
from tf_melgan.layers.pqmf import PQMF
from tf_melgan.layers.residual_stack import ResidualStack
from tf_melgan.layers.weight_normalization import fold
from tf_melgan.models.base import Generator

if TYPE_CHECKING:
    from tf_melgan.graph.builder import GraphBuilder, Observer

_KERNEL = 7


@keras.saving.register_keras_serializable("tf_melgan")
class MelGANGenerator(Generator):
    """MelGAN's generator, optionally with sub-bands.

    Source: Kumar et al., arXiv 1910.06711; for sub-bands, Multi-band MelGAN, arXiv 2005.05106.

    Input: log-mel (batch, frames, n_mels) of at least one frame.
    Output: waveform (batch, frames · hop, 1), where hop is the product of `upsampling` times
    `bands`. It is within [−1, 1]; with several bands the ripple of the filter bank can exceed that
    slightly. Its dtype is the variable dtype, with mixed precision too.

    Args:
        n_mels: number of mel bands.
        channels: channels after the first convolution; each upsampling stage halves them.
        upsampling: the factor of each stage, first to last.
        dilations: the dilations of the blocks in each stage's residual stack.
        bands: 1 to generate the waveform; more to generate sub-bands, joined by a PQMF bank.
        initializer: "normal" or "torch"; see `tf_melgan.layers.initializers`.
        crop_rounding: half of an odd upsampling factor is cut off in front, rounded "up" as in
            PyTorch or "down" as in TensorFlow.
        filter_bank: the design of the PQMF bank's filters, or its fields.
        weight_normalization: whether layers are weight-normalized; `folded` returns a generator
            without it.

    Examples:
        >>> generator = tf_melgan.MelGANGenerator(n_mels=80, upsampling=(8, 8, 2, 2))
        >>> waveform = generator(np.full((1, 10, 80), -5.0))
        >>> assert waveform.shape == (1, 10 * 256, 1)
    """

    def __init__(
        self,
        n_mels: int = 80,
        channels: int = 512,
        upsampling: Sequence[int] = (8, 8, 2, 2),
        dilations: Sequence[int] = (1, 3, 9),
        bands: int = 1,
        initializer: str = "normal",
        crop_rounding: str = "up",
        filter_bank: FilterBank | Mapping[str, Any] | None = None,
        weight_normalization: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.n_mels, self.channels, self.bands = n_mels, channels, bands
        self.upsampling, self.dilations = tuple(upsampling), tuple(dilations)
        self.initializer, self.weight_normalization = initializer, weight_normalization
        if not isinstance(filter_bank, FilterBank):
            filter_bank = FilterBank(**(filter_bank or {}))
        self.crop_rounding, self.filter_bank = crop_rounding, filter_bank
        policy = self.dtype_policy

        def conv(filters: int, fan_in: int) -> keras.Layer:
            layer = keras.layers.Conv1D(
                filters, _KERNEL, dtype=policy, **conv_initializers(initializer, fan_in * _KERNEL)
            )
            return weight_normalized(layer, weight_normalization)

        self.padding = ReflectionPadding1D(_KERNEL // 2, dtype=policy)
        self.first = conv(channels, n_mels)
        self.upsamplers, self.stacks = [], []
        for stride in self.upsampling:
            channels //= 2
            upsampler = Upsample1D(
                channels,
                stride,
                crop_rounding=crop_rounding,
                dtype=policy,
                **conv_initializers(initializer, channels * 2 * stride),
            )
            self.upsamplers.append(weight_normalized(upsampler, weight_normalization))
            self.stacks.append(
                ResidualStack(
                    channels, self.dilations, weight_normalization, initializer, dtype=policy
                )
            )
        self.last = conv(bands, channels)
        self.pqmf = PQMF(bands, filter_bank) if bands > 1 else None

    @property
    def context(self) -> int:
        """The maximum number of frames on either side that an output sample depends on."""
        taps = self.filter_bank.length(self.bands) if self.bands > 1 else 1
        reach = -(-(taps // 2) // self.bands) + _KERNEL // 2
        for stride in reversed(self.upsampling):
            # Backward through the residual stack, then through a kernel of two strides.
            reach = -(-(reach + sum(self.dilations)) // stride) + 1
        return reach + _KERNEL // 2

    def build(self, input_shape: Sequence[int | None]) -> None:
        # Shapes without a length: a single frame is long enough only after padding.
        self.first.build((None, None, self.n_mels))
        shape = (None, None, self.channels)
        for upsampler, stack in zip(self.upsamplers, self.stacks, strict=True):
            upsampler.build(shape)
            shape = upsampler.compute_output_shape(shape)
            stack.build(shape)
        self.last.build(shape)
        self.built = True

    def call(self, mel: Any) -> Any:
        x = self.first(self.padding(mel))
        for upsampler, stack in zip(self.upsamplers, self.stacks, strict=True):
            x = stack(upsampler(ops.leaky_relu(x, LEAKY_SLOPE)))
        x = self.last(self.padding(ops.leaky_relu(x, LEAKY_SLOPE)))
        x = ops.tanh(ops.cast(x, self.variable_dtype))
        return x if self.pqmf is None else self.pqmf.synthesis(x)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, frames, _ = input_shape
        hop = self.bands
        for stride in self.upsampling:
            hop *= stride
        return batch, None if frames is None else frames * hop, 1

    def folded(self) -> "MelGANGenerator":
        """Returns an equal generator without weight normalization: g and v become one kernel."""
        if not self.weight_normalization:
            return self
        plain = MelGANGenerator.from_config({**self.get_config(), "weight_normalization": False})
        plain.build((None, None, self.n_mels))
        fold(self, plain)
        return plain

    def graph_builder(self, observe: "Observer") -> "GraphBuilder":
        from tf_melgan.models.melgan.graph import MelGANGraphBuilder

        return MelGANGraphBuilder(self, observe)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "n_mels": self.n_mels,
            "channels": self.channels,
            "upsampling": self.upsampling,
            "dilations": self.dilations,
            "bands": self.bands,
            "initializer": self.initializer,
            "crop_rounding": self.crop_rounding,
            "filter_bank": asdict(self.filter_bank),
            "weight_normalization": self.weight_normalization,
        }
