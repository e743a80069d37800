"""Discriminators of complex spectrograms at several resolutions."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.initializers import conv_initializers, weight_normalized
from tf_melgan.layers.stft import stft
from tf_melgan.models.convolution_stack import ConvolutionStack, StackDiscriminator
from tf_melgan.models.multi_resolution.layer_shapes import layer_shapes

_COMPRESSION = 0.5
_SMALLEST_POWER = 1e-6  # 60 dB below noise of RMS 1


@keras.saving.register_keras_serializable("tf_melgan")
class ResolutionDiscriminator(ConvolutionStack):
    """The discriminator of one resolution: convolutions over frames and bins.

    It sees the complex spectrogram with magnitudes to the power of 0.5. The first convolution
    moves eight bins at once, which makes it several times cheaper than those of UnivNet and Vocos.

    Input: waveform (batch, samples, 1).
    Output: a list with the features of every layer (batch, frames, bins, channels) and, at its
    end, the score (batch, frames, bins, 1).

    Args:
        size: n_fft of the spectrogram; frames are a quarter of it apart.
        channels: channels of the first convolution; the others have twice as many.
    """

    def __init__(self, size: int, channels: int = 16, **kwargs: Any):
        super().__init__(**kwargs)
        self.size, self.channels = size, channels
        self.paddings, self.convs = [], []
        inputs, policy = 2, self.dtype_policy
        for shape in layer_shapes(channels):
            around = (shape.frames // 2,) * 2, (shape.padding,) * 2
            self.paddings.append(keras.layers.ZeroPadding2D(around, dtype=policy))
            conv = keras.layers.Conv2D(
                shape.filters,
                (shape.frames, shape.bins),
                strides=(1, shape.stride),
                dtype=policy,
                **conv_initializers("torch", inputs * shape.frames * shape.bins),
            )
            self.convs.append(weight_normalized(conv, True))
            inputs = shape.filters

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build((None, None, self.size // 2 + 1, 2))

    def call(self, audio: Any) -> list[Any]:
        return super().call(ops.cast(self._spectrogram(audio), self.compute_dtype))

    def _spectrogram(self, audio: Any) -> Any:
        """Real and imaginary parts of the compressed spectrum, as channels."""
        if self.compute_dtype in ("bfloat16", "float16"):
            audio = ops.cast(audio, "float32")
        spectrum = ops.stack(stft(audio, self.size), axis=-1)
        spectrum = spectrum * (8 / (3 * self.size)) ** 0.5  # the window's energy becomes 1
        power = ops.sum(ops.square(spectrum), axis=-1, keepdims=True)
        return spectrum * (power + _SMALLEST_POWER) ** ((_COMPRESSION - 1) / 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "channels": self.channels}


@keras.saving.register_keras_serializable("tf_melgan")
class MultiResolutionDiscriminator(StackDiscriminator):
    """A `ResolutionDiscriminator` for each n_fft.

    Source: UnivNet (arXiv 2106.07889) for spectrograms at several resolutions, and EnCodec
    (arXiv 2210.13438) for complex ones.

    Input: waveform (batch, samples, 1).
    Output: one list per resolution, with the features of each layer and, at its end, the score.

    Args:
        sizes: n_fft of each discriminator.
        channels: channels of the first convolution of each.

    Examples:
        >>> discriminator = MultiResolutionDiscriminator((512, 1024))
        >>> assert len(discriminator(np.zeros((1, 8192, 1)))) == 2
    """

    def __init__(self, sizes: Sequence[int] = (512, 1024, 2048), channels: int = 16, **kwargs: Any):
        super().__init__(**kwargs)
        self.sizes, self.channels = tuple(sizes), channels
        self.networks = [
            ResolutionDiscriminator(size, channels, dtype=self.dtype_policy) for size in self.sizes
        ]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sizes": self.sizes, "channels": self.channels}
