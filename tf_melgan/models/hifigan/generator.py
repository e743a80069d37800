"""HiFi-GAN's convolutional generator: log-mel spectrogram to waveform."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tf_melgan.layers.convolutions import Upsample1D
from tf_melgan.layers.initializers import conv_initializers, weight_normalized
from tf_melgan.layers.weight_normalization import fold
from tf_melgan.models.base import Generator
from tf_melgan.models.hifigan.fusion import LAST_SLOPE, LEAKY_SLOPE, ReceptiveFieldFusion

if TYPE_CHECKING:
    from tf_melgan.graph.builder import GraphBuilder, Observer

_KERNEL = 7


@keras.saving.register_keras_serializable("tf_melgan")
class HiFiGANGenerator(Generator):
    """HiFi-GAN's generator: after each upsampling, residual blocks side by side, and their mean.

    Source: Kong et al., arXiv 2010.05646. Convolutions pad with zeros. The defaults are V1; V2 has
    128 channels. V3 has 256 channels, upsampling (8, 8, 4), kernels (3, 5, 7), dilations
    ((1, 2), (2, 6), (3, 12)) and `paired=False`.

    Input: log-mel (batch, frames, n_mels) of at least one frame.
    Output: waveform (batch, frames · hop, 1) within [−1, 1], where hop is the product of
    `upsampling`. Its dtype is the variable dtype, with mixed precision too.

    Args:
        n_mels: number of mel bands.
        channels: channels after the first convolution; each upsampling stage halves them.
        upsampling: the factor of each stage, first to last.
        upsampling_kernels: the number of taps of each stage's transposed convolution.
        kernels: the kernel size of each residual block of a stage, odd.
        dilations: the dilations of each residual block, as many for every block.
        paired: whether each dilated convolution is followed by one of dilation 1, as in V1 and V2.
        weight_normalization: whether layers are weight-normalized; `folded` returns a generator
            without it.

    Attributes:
        mean: a mel (n_mels,) that is subtracted before zeros are padded; not trained, and zero
            unless the generator was imported from one that reads normalized mels.

    Examples:
        >>> generator = tf_melgan.HiFiGANGenerator(n_mels=80, channels=128)
        >>> waveform = generator(np.full((1, 10, 80), -5.0))
        >>> assert waveform.shape == (1, 10 * 256, 1)
    """

    def __init__(
        self,
        n_mels: int = 80,
        channels: int = 512,
        upsampling: Sequence[int] = (8, 8, 2, 2),
        upsampling_kernels: Sequence[int] = (16, 16, 4, 4),
        kernels: Sequence[int] = (3, 7, 11),
        dilations: Sequence[Sequence[int]] = ((1, 3, 5), (1, 3, 5), (1, 3, 5)),
        paired: bool = True,
        weight_normalization: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.n_mels, self.channels, self.paired = n_mels, channels, paired
        self.upsampling, self.upsampling_kernels = tuple(upsampling), tuple(upsampling_kernels)
        self.kernels, self.dilations = tuple(kernels), tuple(map(tuple, dilations))
        self.weight_normalization = weight_normalization
        options = {"dtype": self.dtype_policy}

        def conv(filters: int, inputs: int) -> keras.Layer:
            initializers = conv_initializers("torch", inputs * _KERNEL)
            layer = keras.layers.Conv1D(filters, _KERNEL, padding="same", **options, **initializers)
            return weight_normalized(layer, weight_normalization)

        self.first = conv(channels, n_mels)
        self.upsamplers, self.fusions = [], []
        for stride, taps in zip(self.upsampling, self.upsampling_kernels, strict=True):
            channels //= 2
            initializers = conv_initializers("torch", channels * taps)
            upsampler = Upsample1D(channels, stride, taps, **options, **initializers)
            self.upsamplers.append(weight_normalized(upsampler, weight_normalization))
            self.fusions.append(
                ReceptiveFieldFusion(
                    channels, kernels, dilations, paired, weight_normalization, **options
                )
            )
        self.last = conv(1, channels)

    @property
    def context(self) -> int:
        """The maximum number of frames on either side that an output sample depends on."""
        half = _KERNEL // 2
        blocks = max(
            size // 2 * (sum(each) + self.paired * len(each))
            for size, each in zip(self.kernels, self.dilations, strict=True)
        )
        reach = half
        for wrapped in reversed(self.upsamplers):
            upsampler = wrapped.layer if self.weight_normalization else wrapped
            # Backward through the residual blocks, then through the transposed convolution.
            reach = -(-(reach + blocks + max(upsampler.crop)) // upsampler.stride)
        return reach + half

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.mean = self.add_weight(
            shape=(self.n_mels,), initializer="zeros", trainable=False, name="mean"
        )
        self.first.build((None, None, self.n_mels))
        shape: tuple[int | None, ...] = (None, None, self.channels)
        for upsampler, fusion in zip(self.upsamplers, self.fusions, strict=True):
            upsampler.build(shape)
            shape = upsampler.compute_output_shape(shape)
            fusion.build(shape)
        self.last.build(shape)
        self.built = True

    def call(self, mel: Any) -> Any:
        x = self.first(mel - ops.cast(self.mean, mel.dtype))
        for upsampler, fusion in zip(self.upsamplers, self.fusions, strict=True):
            x = fusion(upsampler(ops.leaky_relu(x, LEAKY_SLOPE)))
        x = self.last(ops.leaky_relu(x, LAST_SLOPE))
        return ops.tanh(ops.cast(x, self.variable_dtype))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, frames, _ = input_shape
        for stride in self.upsampling:
            frames = None if frames is None else frames * stride
        return batch, frames, 1

    def folded(self) -> "HiFiGANGenerator":
        """Returns an equal generator without weight normalization: g and v become one kernel."""
        if not self.weight_normalization:
            return self
        plain = HiFiGANGenerator.from_config({**self.get_config(), "weight_normalization": False})
        plain.build((None, None, self.n_mels))
        plain.mean.assign(self.mean)
        fold(self, plain)
        return plain

    def graph_builder(self, observe: "Observer") -> "GraphBuilder":
        from tf_melgan.models.hifigan.graph import HiFiGANGraphBuilder

        return HiFiGANGraphBuilder(self, observe)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "n_mels": self.n_mels,
            "channels": self.channels,
            "upsampling": self.upsampling,
            "upsampling_kernels": self.upsampling_kernels,
            "kernels": self.kernels,
            "dilations": self.dilations,
            "paired": self.paired,
            "weight_normalization": self.weight_normalization,
        }
