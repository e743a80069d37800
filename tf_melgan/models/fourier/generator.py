"""The frame-rate generator: log-mel in, a spectrum for each frame, their inverse STFT out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.models.base import Generator
from tf_melgan.models.fourier.convnext_block import KERNEL, ConvNeXtBlock, pad_frames
from tf_melgan.models.fourier.inverse_stft import OVERLAP, inverse_kernel

if TYPE_CHECKING:
    from tf_melgan.graph.builder import GraphBuilder, Observer

# Of a spectrum's magnitude: more than full scale can have (Vocos clips here, too).
_LARGEST = 100.0


@keras.saving.register_keras_serializable("tf_melgan")
class FourierGenerator(Generator):
    """Convolutions at frame rate to magnitude and phase, then an inverse STFT (Vocos, 2306.00814).

    Unlike Vocos it begins with the magnitudes that the mel itself gives
    (`initial_log_magnitude`), so that the network learns corrections; norms by the root mean square; sees a limited number of
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
        self.blocks = [ConvNeXtBlock(width, ahead, 1 / depth, dtype=policy) for ahead in aheads[1:]]
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

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (None, None, self.width)
        self.first.build((None, None, self.n_mels))
        for layer in (self.first_norm, *self.blocks, self.last_norm, self.last):
            layer.build(shape)
        self.built = True

    def call(self, mel: Any) -> Any:
        # Zeros are then silence, beyond both ends as within.
        mel = mel - self.floor
        x = self.first_norm(self.first(pad_frames(mel, self.aheads[0])))
        for block in self.blocks:
            x = block(x)
        x = ops.cast(self.last(self.last_norm(x)), self.variable_dtype)
        kernel, bias = (
            ops.convert_to_tensor(y, dtype=x.dtype) for y in initial_log_magnitude(self.mel)
        )
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

    def graph_builder(self, observe: "Observer") -> "GraphBuilder":
        from tf_melgan.models.fourier.graph import FourierGraphBuilder

        return FourierGraphBuilder(self, observe)

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


def initial_log_magnitude(mel: MelSpec) -> tuple[np.ndarray, np.ndarray]:
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
