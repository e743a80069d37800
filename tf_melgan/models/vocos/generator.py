"""The Vocos generator: log-mel to one spectrum per frame, then an inverse STFT."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from tf_melgan.models.base import Generator
from tf_melgan.models.fourier.convnext_block import KERNEL, ConvNeXtBlock, pad_frames
from tf_melgan.models.fourier.inverse_stft import OVERLAP, envelope_kernel, inverse_kernel
from tf_melgan.models.fourier.spectrum import overlap_add, spectrum

if TYPE_CHECKING:
    from tf_melgan.graph.builder import GraphBuilder, Observer


@keras.saving.register_keras_serializable("tf_melgan")
class VocosGenerator(Generator):
    """ConvNeXt blocks at frame rate to magnitude and phase, then an inverse STFT.

    Source: Siuzdak, arXiv 2306.00814. Convolutions pad the log-mel and the hidden channels with
    zeros. Where fewer than four windows overlap, near both ends, the sum is divided by their
    envelope.

    Input: log-mel (batch, frames, n_mels) of at least one frame.
    Output: waveform (batch, frames · hop, 1) in the variable dtype. It is not limited to [−1, 1].

    Args:
        n_mels: number of mel bands.
        hop: samples per frame; the frames of the inverse STFT are four hops long.
        width: channels.
        hidden: channels inside the ConvNeXt blocks.
        depth: number of ConvNeXt blocks.
        center: whether the first frame is centered at the first sample (Vocos's padding "center");
            otherwise it is centered half a hop later ("same"). With `center`, the last hop of the
            output lies beyond the last frame's center, where Vocos itself ends.

    Examples:
        >>> generator = tf_melgan.VocosGenerator(n_mels=100, hop=256)
        >>> waveform = generator(np.full((1, 10, 100), -5.0))
        >>> assert waveform.shape == (1, 10 * 256, 1)
    """

    def __init__(
        self,
        n_mels: int = 100,
        hop: int = 256,
        width: int = 512,
        hidden: int = 1536,
        depth: int = 8,
        center: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.n_mels, self.hop, self.center = n_mels, hop, center
        self.width, self.hidden, self.depth = width, hidden, depth
        self.aheads = (KERNEL // 2,) * (depth + 1)
        policy = self.dtype_policy
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)

        def norm() -> keras.Layer:
            return keras.layers.LayerNormalization(epsilon=1e-6, dtype=policy)

        self.first = keras.layers.Conv1D(
            width, KERNEL, kernel_initializer=initializer, dtype=policy
        )
        self.first_norm = norm()
        self.blocks = [
            ConvNeXtBlock(width, ahead, 1 / depth, hidden, "layer", dtype=policy)
            for ahead in self.aheads[1:]
        ]
        self.last_norm = norm()
        bins = OVERLAP * hop // 2 + 1
        self.last = keras.layers.Dense(2 * bins, kernel_initializer=initializer, dtype=policy)

    @property
    def context(self) -> int:
        """The maximum number of frames on either side that an output sample depends on."""
        return sum(self.aheads) + OVERLAP // 2

    @property
    def start(self) -> int:
        """Samples from the start of the first frame's window to the first sample of the output."""
        return (OVERLAP - (not self.center)) * self.hop // 2

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (None, None, self.width)
        self.first.build((None, None, self.n_mels))
        for layer in (self.first_norm, *self.blocks, self.last_norm, self.last):
            layer.build(shape)
        self.built = True

    def call(self, mel: Any) -> Any:
        x = self.first_norm(self.first(pad_frames(mel, self.aheads[0])))
        for block in self.blocks:
            x = block(x)
        x = ops.cast(self.last(self.last_norm(x)), self.variable_dtype)
        audio = overlap_add(spectrum(x), inverse_kernel(self.hop), self.start)
        ones = ops.ones_like(x[:1, :, :1])
        return audio / overlap_add(ones, envelope_kernel(self.hop), self.start)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        batch, frames, _ = input_shape
        return batch, None if frames is None else frames * self.hop, 1

    def folded(self) -> "VocosGenerator":
        """Returns the generator itself, because it has no weight normalization."""
        return self

    def graph_builder(self, observe: "Observer") -> "GraphBuilder":
        from tf_melgan.models.vocos.graph import VocosGraphBuilder

        return VocosGraphBuilder(self, observe)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "n_mels": self.n_mels,
            "hop": self.hop,
            "width": self.width,
            "hidden": self.hidden,
            "depth": self.depth,
            "center": self.center,
        }
