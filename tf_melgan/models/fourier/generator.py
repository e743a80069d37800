"""The Fourier generator: log-mel to one spectrum per frame, then an inverse STFT."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.models.base import Generator
from tf_melgan.models.fourier.convnext_block import KERNEL, ConvNeXtBlock, pad_frames
from tf_melgan.models.fourier.inverse_stft import OVERLAP, inverse_kernel
from tf_melgan.models.fourier.spectrum import initial_log_magnitude, overlap_add, spectrum

if TYPE_CHECKING:
    from tf_melgan.graph.builder import GraphBuilder, Observer


@keras.saving.register_keras_serializable("tf_melgan")
class FourierGenerator(Generator):
    """Convolutions at frame rate to magnitude and phase, then an inverse STFT.

    Source: Vocos, arXiv 2306.00814. There are four differences from Vocos. The network learns
    corrections to initial magnitudes, which are computed from the mel (`initial_log_magnitude`).
    Normalization is by the root mean square. The number of future frames is limited. Frames beyond
    both ends of the mel are silence.

    Input: log-mel (batch, frames, n_mels) of at least one frame.
    Output: waveform (batch, frames · hop, 1) in the variable dtype. It is a sum of windowed frames
    of 4 · hop samples, and is not limited to [−1, 1].

    Args:
        mel: the mel spectrogram; the default `MelSpec` if None.
        width: channels.
        depth: number of ConvNeXt blocks.
        lookahead: number of future frames that a frame's spectrum depends on, at most 3 for each
            of the `depth` + 1 convolutions. The first convolutions use them up.

    Examples:
        >>> spec = tf_melgan.MelSpec()
        >>> generator = tf_melgan.FourierGenerator(spec, width=256, depth=5)
        >>> waveform = generator(np.full((1, 10, spec.n_mels), spec.log_floor))
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
        each = KERNEL // 2
        aheads = [min(each, max(0, lookahead - each * layer)) for layer in range(depth + 1)]
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
        """The number of bins of a spectrum: 2 · hop + 1."""
        return OVERLAP * self.hop // 2 + 1

    @property
    def context(self) -> int:
        """The maximum number of frames on either side that an output sample depends on."""
        past = sum(KERNEL - 1 - ahead for ahead in self.aheads)
        return max(past, self.lookahead) + OVERLAP // 2

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (None, None, self.width)
        self.first.build((None, None, self.n_mels))
        for layer in (self.first_norm, *self.blocks, self.last_norm, self.last):
            layer.build(shape)
        self.built = True

    def call(self, mel: Any) -> Any:
        # Silence is then 0, as are the zeros that pad both ends.
        mel = mel - self.floor
        x = self.first_norm(self.first(pad_frames(mel, self.aheads[0])))
        for block in self.blocks:
            x = block(x)
        x = ops.cast(self.last(self.last_norm(x)), self.variable_dtype)
        kernel, bias = (
            ops.convert_to_tensor(y, dtype=x.dtype) for y in initial_log_magnitude(self.mel)
        )
        initial = ops.matmul(ops.cast(mel, x.dtype), kernel) + bias
        start = (OVERLAP - 1) * self.hop // 2
        return overlap_add(spectrum(x, initial), inverse_kernel(self.hop), start)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, frames, _ = input_shape
        return batch, None if frames is None else frames * self.hop, 1

    def folded(self) -> "FourierGenerator":
        """Returns the generator itself, because it has no weight normalization."""
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
