"""MelGAN's discriminator: the same network at several scales of the waveform."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.convolutions import (
    GroupedConv1D,
    ReflectionPadding1D,
    UnfoldedConv1D,
)
from tf_melgan.layers.initializers import conv_initializers, weight_normalized
from tf_melgan.models.base import Discriminator
from tf_melgan.models.convolution_stack import ConvolutionStack
from tf_melgan.models.multi_scale import GROUP_CHANNELS


@keras.saving.register_keras_serializable("tf_melgan")
class ScaleDiscriminator(ConvolutionStack):
    """The discriminator of one scale (MelGAN, arXiv 1910.06711, appendix A).

    It scores overlapping windows of the waveform.

    Input: waveform (batch, samples, 1).
    Output: a list with the features (the activations of every layer before the score) and, at its
    end, the score (batch, windows, 1).

    Args:
        channels: channels of the first convolution; each grouped convolution multiplies them by
            its stride.
        max_channels: the maximum number of channels of a layer.
        downsampling: the strides of the grouped convolutions; each has kernel 10 · stride + 1.
        initializer: "normal" or "torch"; see `tf_melgan.layers.initializers`.
        last_channels: channels of the layer before the score; 0 for those of the layer before it.
        padding: zeros around the strided convolutions: "equal" at both ends, as in PyTorch, or
            TensorFlow's "same", which has one more at the end.
        weight_normalization: whether layers are weight-normalized; False to count the parameters
            of the folded form.
    """

    def __init__(
        self,
        channels: int = 16,
        max_channels: int = 1024,
        downsampling: Sequence[int] = (4, 4, 4, 4),
        initializer: str = "normal",
        last_channels: int = 0,
        padding: str = "equal",
        weight_normalization: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.last_channels, self.padding = last_channels, padding
        self.channels, self.max_channels = channels, max_channels
        self.downsampling = tuple(downsampling)
        self.initializer, self.weight_normalization = initializer, weight_normalization
        policy = self.dtype_policy

        def conv(filters: int, kernel: int, inputs: int, stride: int = 1) -> keras.Layer:
            groups = inputs // GROUP_CHANNELS if stride > 1 else 1
            layer_class = keras.layers.Conv1D
            if groups > 1:
                layer_class = GroupedConv1D
            elif inputs == filters and stride == 1:
                layer_class = UnfoldedConv1D
            layer = layer_class(
                filters,
                kernel,
                strides=stride,
                groups=groups,
                padding="same" if padding == "same" and stride > 1 else "valid",
                dtype=policy,
                **conv_initializers(initializer, inputs // groups * kernel),
            )
            return weight_normalized(layer, weight_normalization)

        def zeros(count: int) -> keras.Layer:
            return keras.layers.ZeroPadding1D(count, dtype=policy)

        self.paddings = [ReflectionPadding1D(7, dtype=policy)]
        self.convs = [conv(channels, 15, 1)]
        for stride in self.downsampling:
            filters = min(channels * stride, max_channels)
            self.paddings.append(zeros(0 if padding == "same" and stride > 1 else 5 * stride))
            self.convs.append(conv(filters, 10 * stride + 1, channels, stride))
            channels = filters
        self.paddings += [zeros(2), zeros(1)]
        last_channels = last_channels or channels
        self.convs += [conv(last_channels, 5, channels), conv(1, 3, last_channels)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "channels": self.channels,
            "max_channels": self.max_channels,
            "downsampling": self.downsampling,
            "initializer": self.initializer,
            "last_channels": self.last_channels,
            "padding": self.padding,
            "weight_normalization": self.weight_normalization,
        }


@keras.saving.register_keras_serializable("tf_melgan")
class MultiScaleDiscriminator(Discriminator):
    """MelGAN's discriminator: a `ScaleDiscriminator` per scale, each at half the previous rate.

    Source: MelGAN, arXiv 1910.06711, appendix A. Average pooling of kernel 4 and stride 2 halves
    the rate; its padding is not part of the averages.

    Input: waveform (batch, samples, 1).
    Output: one list per scale, with the features of each layer and, at its end, the score
    (batch, windows, 1).

    Args:
        scales: number of scales.
        channels: channels of the first convolution of each scale.
        max_channels: the maximum number of channels of a layer.
        downsampling: the strides of the grouped convolutions; each multiplies the channels.
        initializer: "normal" or "torch"; see `tf_melgan.layers.initializers`.
        last_channels: channels of the layer before each score; 0 for those of the layer before it.
        padding: "equal" or "same"; see `ScaleDiscriminator`.
        pooling_padding: samples of padding at both ends before the average pooling: 0, 1 or 2.
        weight_normalization: whether layers are weight-normalized.

    Examples:
        >>> discriminator = tf_melgan.MultiScaleDiscriminator(scales=3)
        >>> outputs = discriminator(np.zeros((1, 8192, 1)))
        >>> scores = [scale[-1] for scale in outputs]
    """

    def __init__(
        self,
        scales: int = 3,
        channels: int = 16,
        max_channels: int = 1024,
        downsampling: Sequence[int] = (4, 4, 4, 4),
        initializer: str = "normal",
        last_channels: int = 0,
        padding: str = "equal",
        pooling_padding: int = 1,
        weight_normalization: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.pooling_padding = pooling_padding
        scale_settings: dict[str, Any] = {
            "channels": channels,
            "max_channels": max_channels,
            "downsampling": tuple(downsampling),
            "initializer": initializer,
            "last_channels": last_channels,
            "padding": padding,
            "weight_normalization": weight_normalization,
        }
        self.settings = {"scales": scales, "pooling_padding": pooling_padding, **scale_settings}
        self.scales = [
            ScaleDiscriminator(**scale_settings, dtype=self.dtype_policy) for _ in range(scales)
        ]

    def build(self, input_shape: Sequence[int | None]) -> None:
        for scale in self.scales:
            scale.build(input_shape)
        self.built = True

    def call(self, audio: Any) -> list[list[Any]]:
        outputs = [self.scales[0](audio)]
        for scale in self.scales[1:]:
            audio = _average_down(audio, self.pooling_padding)
            outputs.append(scale(audio))
        return outputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings}


def _average_down(audio: Any, padding: int) -> Any:
    """Means of 4 samples, every 2 samples; padding beyond the ends is not part of the means."""
    ends = ((0, 0), (padding, padding), (0, 0))
    means, share = (
        ops.average_pool(ops.pad(signal, ends), 4, strides=2, padding="valid")
        for signal in (audio, ops.ones_like(audio))
    )
    return means / share
