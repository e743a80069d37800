"""The frame-rate generator: log-mel in, a spectrum for each frame, their inverse STFT out."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_melgan.config import OVERLAP, Config
from tf_melgan.features import MelSpec

KERNEL = 7
# Of a spectrum's magnitude: more than full scale can have (Vocos clips here, too).
_LARGEST = 100.0
_EXPANSION = 3
_register = keras.saving.register_keras_serializable("tf_melgan")


@_register
class FourierBlock(keras.layers.Layer):
    """A ConvNeXt block (arXiv 2201.03545) over frames: (batch, frames, width) → the same shape.

    Depthwise convolution of kernel 7, RMS norm, × 3 channels, GELU, back, a gain for each channel,
    and the input added.

    Args:
        width: channels.
        ahead: frames after its own that the convolution sees, 0–3; the others of the 7 are before.
        gain: what the gains begin with.
    """

    def __init__(self, width: int, ahead: int = KERNEL // 2, gain: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.ahead, self.initial_gain = width, ahead, gain
        policy = self.dtype_policy
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.depthwise = keras.layers.DepthwiseConv1D(KERNEL, dtype=policy)
        self.norm = keras.layers.RMSNormalization(epsilon=1e-6, dtype=policy)
        self.expand = keras.layers.Dense(
            _EXPANSION * width, kernel_initializer=initializer, dtype=policy
        )
        self.contract = keras.layers.Dense(width, kernel_initializer=initializer, dtype=policy)

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (None, None, self.width)
        for layer in (self.depthwise, self.norm, self.expand):
            layer.build(shape)
        self.contract.build((None, None, _EXPANSION * self.width))
        self.gain = self.add_weight(
            shape=(self.width,),
            initializer=keras.initializers.Constant(self.initial_gain),
            name="gain",
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = self.norm(self.depthwise(_padded(inputs, self.ahead)))
        x = self.contract(ops.gelu(self.expand(x), approximate=False))
        return inputs + x * self.gain

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        own = {"width": self.width, "ahead": self.ahead, "gain": self.initial_gain}
        return {**super().get_config(), **own}


@_register
class FourierGenerator(keras.Model):
    """Convolutions at frame rate to magnitude and phase, then an inverse STFT (Vocos, 2306.00814).

    Unlike Vocos it begins with the magnitudes that the mel itself gives (`envelope`), so that what
    is learned of them is corrections; norms by the root mean square; sees a limited number of
    frames ahead; and takes what lies beyond both ends of the mel for silence.

    Input: log-mel (batch, frames, n_mels); any number of frames from one up.
    Output: waveform (batch, frames · hop, 1) in the variable dtype; a sum of windowed frames of
    4 · hop samples, so that nothing keeps it within [−1, 1] but training.

    Args:
        mel: what the mel spectrogram is.
        width: channels.
        depth: ConvNeXt blocks.
        lookahead: frames after its own that a frame's spectrum depends on, at most 3 for each of
            the `depth` + 1 convolutions; the first ones see them.
    """

    def __init__(
        self,
        mel: MelSpec | None = None,
        width: int = 256,
        depth: int = 5,
        lookahead: int = 6,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.mel = mel or MelSpec()
        self.n_mels, self.hop, self.floor = self.mel.n_mels, self.mel.hop, self.mel.log_floor
        self.width, self.depth, self.lookahead = width, depth, lookahead
        policy = self.dtype_policy
        most = KERNEL // 2
        aheads = [min(most, max(0, lookahead - most * layer)) for layer in range(depth + 1)]
        self.aheads = tuple(aheads)
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.first = keras.layers.Conv1D(
            width, KERNEL, kernel_initializer=initializer, dtype=policy
        )
        self.first_norm = keras.layers.RMSNormalization(epsilon=1e-6, dtype=policy)
        self.blocks = [FourierBlock(width, ahead, 1 / depth, dtype=policy) for ahead in aheads[1:]]
        self.last_norm = keras.layers.RMSNormalization(epsilon=1e-6, dtype=policy)
        self.last = keras.layers.Dense(2 * self.bins, kernel_initializer=initializer, dtype=policy)

    @property
    def bins(self) -> int:
        """Frequencies of a spectrum."""
        return OVERLAP * self.hop // 2 + 1

    @property
    def context(self) -> int:
        """Frames on either side, at most, that a sample of the output depends on."""
        back = sum(KERNEL - 1 - ahead for ahead in self.aheads)
        return max(back, self.lookahead) + OVERLAP // 2

    @classmethod
    def from_settings(cls, config: Config, **kwargs: Any) -> "FourierGenerator":
        """The generator that a `Config` describes, with its variables made."""
        own = config.generator
        generator = cls(config.mel, own.width, own.depth, own.lookahead, **kwargs)
        generator.build((None, None, config.mel.n_mels))
        return generator

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (None, None, self.width)
        self.first.build((None, None, self.n_mels))
        for layer in (self.first_norm, *self.blocks, self.last_norm, self.last):
            layer.build(shape)
        self.built = True

    def call(self, mel: Any) -> Any:
        # Zeros are then silence, beyond both ends as within.
        mel = mel - self.floor
        x = self.first_norm(self.first(_padded(mel, self.aheads[0])))
        for block in self.blocks:
            x = block(x)
        x = ops.cast(self.last(self.last_norm(x)), self.variable_dtype)
        kernel, bias = (ops.convert_to_tensor(y, dtype=x.dtype) for y in envelope(self.mel))
        rough = ops.matmul(ops.cast(mel, x.dtype), kernel) + bias
        return self._inverse(spectrum(x, rough))

    def _inverse(self, spectra: Any) -> Any:
        """(batch, frames, 2 · bins), real parts and then imaginary → (batch, frames · hop, 1)."""
        kernel = ops.convert_to_tensor(inverse_kernel(self.hop), dtype=spectra.dtype)
        aside = OVERLAP - 1
        padded = ops.pad(spectra, ((0, 0), (aside, aside), (0, 0)))
        sums = ops.conv(padded, kernel, padding="valid")
        frames, crop = ops.shape(spectra)[1], aside * self.hop // 2
        sound = ops.reshape(sums, (-1, (frames + aside) * self.hop, 1))
        return ops.slice(sound, (0, crop, 0), (ops.shape(spectra)[0], frames * self.hop, 1))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, frames, _ = input_shape
        return batch, None if frames is None else frames * self.hop, 1

    def folded(self) -> "FourierGenerator":
        """Itself: nothing is weight-normalized."""
        return self

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mel": self.mel.to_dict(),
            "width": self.width,
            "depth": self.depth,
            "lookahead": self.lookahead,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "FourierGenerator":
        return cls(**{**config, "mel": MelSpec.from_dict(config["mel"])})


def _padded(signal: Any, ahead: int) -> Any:
    return ops.pad(signal, ((0, 0), (KERNEL - 1 - ahead, ahead), (0, 0)))


def spectrum(x: Any, rough: Any) -> Any:
    """What a spectrum's real and imaginary parts are, (batch, frames, 2 · bins).

    Args:
        x: logarithms that the magnitudes are to be multiplied with, and phases, as many.
        rough: log-magnitudes (batch, frames, bins) to begin with.
    """
    bins = x.shape[-1] // 2
    magnitude = ops.minimum(ops.exp(x[..., :bins] + rough), _LARGEST)
    phase = x[..., bins:]
    return ops.concatenate((magnitude * ops.cos(phase), magnitude * ops.sin(phase)), axis=-1)


def envelope(mel: MelSpec) -> tuple[np.ndarray, np.ndarray]:
    """The log-magnitudes of the inverse STFT's bins that a log-mel stands for.

    On straight lines between the bands' centers, where a band's magnitude is its mel over the sum
    of its filter; that is n_fft / sample_rate, since filters have an area of 1 over Hz.

    Returns:
        Kernel (n_mels, bins) and bias (bins,), float64, from a log-mel less its floor to natural
        logarithms.
    """
    size = OVERLAP * mel.hop
    frequencies = np.arange(size // 2 + 1) * mel.sample_rate / size
    lines = np.stack([np.interp(frequencies, mel.band_centers, x) for x in np.eye(mel.n_mels)])
    kernel = lines * (np.log(10) if mel.log == "log10" else 1.0)
    # A longer frame has magnitudes that are as much larger.
    gain = np.log(size / mel.n_fft * mel.sample_rate / mel.n_fft)
    return kernel, mel.log_floor * kernel.sum(axis=0) + gain


def inverse_kernel(hop: int) -> np.ndarray:
    """Inverse DFT, window and overlap-add as one convolution: (4, 2 · bins, hop) float64.

    A frame is `inverse_dft` times `window`; frames are `hop` apart. Channel r of step n is sample
    n · hop + r, counted from 3 frames before the first frame's begin.
    """
    basis = inverse_dft(hop, np.arange(OVERLAP * hop // 2 + 1), OVERLAP * hop) * window(hop)
    # Tap t meets the frame that began 3 − t hops ago.
    return np.flip(basis.reshape(-1, OVERLAP, hop).transpose(1, 0, 2), axis=0).copy()


def inverse_dft(hop: int, bins: np.ndarray, samples: int) -> np.ndarray:
    """What some bins, real parts and then imaginary, add to a frame's first samples.

    Returns:
        float64 (2 · bins, samples), of the real inverse DFT of size 4 · hop.
    """
    size = OVERLAP * hop
    frequency = bins[:, None]
    angle = 2 * np.pi * (frequency * np.arange(samples) % size) / size
    weight = np.where(frequency % (size // 2) == 0, 1.0, 2.0) / size
    return np.concatenate((weight * np.cos(angle), -weight * np.sin(angle)))


def window(hop: int) -> np.ndarray:
    """Periodic Hann of 4 · hop samples over 1.5, the sum of its squares that meet: float64."""
    size = OVERLAP * hop
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)) / 1.5
