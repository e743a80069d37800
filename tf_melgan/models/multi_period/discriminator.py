"""HiFi-GAN's discriminators: each sees every period-th sample of the waveform."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.initializers import conv_initializers, weight_normalized
from tf_melgan.models.convolution_stack import ConvolutionStack, StackDiscriminator
from tf_melgan.models.multi_period.layer_shapes import layer_shapes


@keras.saving.register_keras_serializable("tf_melgan")
class PeriodDiscriminator(ConvolutionStack):
    """The discriminator of one period (HiFi-GAN, arXiv 2010.05646, section 2.3).

    The waveform is padded with zeros to a multiple of the period. Every period-th sample is then
    a signal of its own, with the same convolutions.

    Input: waveform (batch, samples, 1).
    Output: a list with the features of every layer (batch · period, steps, channels) and, at its
    end, the score (batch · period, steps, 1).

    Args:
        period: in samples.
        channels: channels of the first convolution; each of the next ones has four times as many.
        max_channels: the maximum number of channels of a layer.
    """

    def __init__(self, period: int, channels: int = 32, max_channels: int = 1024, **kwargs: Any):
        super().__init__(**kwargs)
        self.period, self.channels, self.max_channels = period, channels, max_channels
        self.paddings, self.convs = [], []
        inputs, policy = 1, self.dtype_policy
        for shape in layer_shapes(channels, max_channels):
            self.paddings.append(keras.layers.ZeroPadding1D(shape.kernel // 2, dtype=policy))
            conv = keras.layers.Conv1D(
                shape.filters,
                shape.kernel,
                strides=shape.stride,
                dtype=policy,
                **conv_initializers("torch", inputs * shape.kernel),
            )
            self.convs.append(weight_normalized(conv, True))
            inputs = shape.filters

    def call(self, audio: Any) -> list[Any]:
        steps = -(-ops.shape(audio)[1] // self.period)
        missing = steps * self.period - ops.shape(audio)[1]
        padded = ops.pad(audio, ((0, 0), (0, missing), (0, 0)))
        signals = ops.transpose(ops.reshape(padded, (-1, steps, self.period)), (0, 2, 1))
        return super().call(ops.reshape(signals, (-1, steps, 1)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "period": self.period,
            "channels": self.channels,
            "max_channels": self.max_channels,
        }


@keras.saving.register_keras_serializable("tf_melgan")
class MultiPeriodDiscriminator(StackDiscriminator):
    """HiFi-GAN's discriminator: a `PeriodDiscriminator` for each period.

    Input: waveform (batch, samples, 1).
    Output: one list per period, with the features of each layer and, at its end, the score.

    Args:
        periods: in samples; prime numbers, so that they overlap least.
        channels: channels of the first convolution of each.
        max_channels: the maximum number of channels of a layer.

    Examples:
        >>> discriminator = MultiPeriodDiscriminator((2, 3), channels=8, max_channels=128)
        >>> assert len(discriminator(np.zeros((1, 8192, 1)))) == 2
    """

    def __init__(
        self,
        periods: Sequence[int] = (2, 3, 5, 7, 11),
        channels: int = 32,
        max_channels: int = 1024,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.settings: dict[str, Any] = {"channels": channels, "max_channels": max_channels}
        self.periods = tuple(periods)
        self.networks = [
            PeriodDiscriminator(period, **self.settings, dtype=self.dtype_policy)
            for period in self.periods
        ]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "periods": self.periods, **self.settings}
