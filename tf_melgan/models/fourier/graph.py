"""The streaming stages of a Fourier generator; `InferenceGraph` runs them."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from tf_melgan.graph.builder import GraphBuilder, Observer, depth_to_time, time_to_depth
from tf_melgan.graph.stage import StreamingStage
from tf_melgan.models.base import Generator
from tf_melgan.models.fourier import fast_inverse_stft
from tf_melgan.models.fourier.convnext_block import KERNEL, ConvNeXtBlock
from tf_melgan.models.fourier.inverse_stft import OVERLAP
from tf_melgan.models.fourier.spectrum import initial_log_magnitude, spectrum

# Kernel (channels, filters) and bias (filters,).
Dense = tuple[np.ndarray, np.ndarray]


class FourierGraphBuilder(GraphBuilder):
    """Builds the stages. Between the first and the last stage, the mel follows the channels.

    Args:
        generator: a trained generator.
        observe: (name, signal) → signal; every signal that may be int8 passes through it.
    """

    def __init__(self, generator: Generator, observe: Observer):
        super().__init__(observe)
        self._generator = generator

    def stages(self) -> Iterator[StreamingStage]:
        generator = self._generator
        yield _pointwise("shift", generator.n_mels, lambda mel, _: mel - generator.floor)
        yield self._first()
        for index, block in enumerate(generator.blocks):
            yield self._block(f"block_{index}", block)
        yield self._last()
        yield self._overlap()

    def _first(self) -> StreamingStage:
        conv, norm = self._generator.first, self._generator.first_norm
        kernel, bias = conv.kernel.numpy(), conv.bias.numpy()
        convolve = self.convolution("first/conv", kernel, bias, int8=False)
        gain = self.variable("first/gain", norm.scale.numpy())

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            return tf.concat([_normed(convolve(padded), norm) * gain, middle], 3)

        return _windowed("first", self._generator.n_mels, self._generator.aheads[0], apply)

    def _block(self, name: str, block: ConvNeXtBlock) -> StreamingStage:
        depthwise = self.depthwise(
            f"{name}/depthwise", block.depthwise.kernel.numpy(), block.depthwise.bias.numpy()
        )
        # The norm's gain is folded into the next kernel, the block's into the previous one.
        expand = self.convolution(
            f"{name}/expand",
            block.expand.kernel.numpy()[None] * block.norm.scale.numpy()[:, None],
            block.expand.bias.numpy(),
        )
        gain = block.gain.numpy()
        contract = self.convolution(
            f"{name}/contract",
            block.contract.kernel.numpy()[None] * gain,
            block.contract.bias.numpy() * gain,
        )

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            branch = _normed(depthwise(padded[..., : block.width]), block.norm)
            branch = expand(self.observe(f"{name}/normed", branch))
            branch = tf.nn.gelu(self.observe(f"{name}/expanded", branch))
            branch = contract(self.observe(f"{name}/active", branch))
            channels, mel = middle[..., : block.width], middle[..., block.width :]
            return tf.concat([channels + self.observe(f"{name}/branch", branch), mel], 3)

        return _windowed(name, block.width + self._generator.n_mels, block.ahead, apply)

    def _last(self) -> StreamingStage:
        """From the last block's output to the groups' signals, which the overlap stage adds."""
        generator = self._generator
        norm, width = generator.last_norm, generator.width
        kernel = generator.last.kernel.numpy() * norm.scale.numpy()[:, None]
        head = kernel, generator.last.bias.numpy()
        groups = [
            self._group(f"last/{index}", bins, head, initial_log_magnitude(generator.mel))
            for index, bins in enumerate(fast_inverse_stft.groups(generator.hop))
        ]

        def apply(signal: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            normed = self.observe("last/normed", _normed(signal[..., :width], norm))
            mel = signal[..., width:]
            return tf.concat([group(normed, mel) for group in groups], 3)

        return _pointwise("last", width + generator.n_mels, apply)

    def _group(
        self, name: str, bins: np.ndarray, head: Dense, begin: Dense
    ) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Computes a group's signal from the hidden channels (`head`) and the mel (`begin`)."""
        columns = np.concatenate((bins, bins + self._generator.bins))
        (kernel, bias), (initial_kernel, initial_bias) = head, begin
        polar = self.convolution(f"{name}/polar", kernel[None, :, columns], bias[columns])
        initial = self.convolution(
            f"{name}/envelope", initial_kernel[None, :, bins], initial_bias[bins], int8=False
        )
        invert = self._inversion(name, bins)

        def apply(normed: tf.Tensor, mel: tf.Tensor) -> tf.Tensor:
            return invert(spectrum(self.observe(f"{name}/polar", polar(normed)), initial(mel)))

        return apply

    def _inversion(self, name: str, bins: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns the inverse DFT of a group: from its spectrum to one period of its signal."""
        hop = self._generator.hop
        # int8 has too little range for quiet bins next to loud ones.
        basis = fast_inverse_stft.basis(hop, bins)
        invert = self.convolution(f"{name}/basis", basis[None], int8=False)
        cosines, sines = (x.astype(np.float32) for x in fast_inverse_stft.turns(hop, bins))

        def apply(spectra: tf.Tensor) -> tf.Tensor:
            swapped = tf.concat([spectra[..., len(bins) :], spectra[..., : len(bins)]], 3)
            rows = [spectra]
            for cosine, sine in zip(cosines[1:], sines[1:], strict=True):
                terms = [x * y for x, y in ((spectra, cosine), (swapped, sine)) if y.any()]
                rows.append(sum(terms[1:], terms[0]))
            signal = invert(depth_to_time(tf.concat(rows, 3), len(rows)))
            return time_to_depth(signal, len(rows))

        return apply

    def _overlap(self) -> StreamingStage:
        hop = self._generator.hop
        add = self.depthwise("overlap/add", fast_inverse_stft.overlap_kernel(hop)[:, :, None])

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            parts = add(padded)
            first, second, *odd = (parts[..., i * hop : (i + 1) * hop] for i in range(OVERLAP))
            sums = (first + second) + (odd[0] + odd[1])
            return depth_to_time(sums, hop)

        past = OVERLAP - 1
        start = past * hop // 2
        crop, pad = (start, past * hop - start), (past, past)
        return StreamingStage("overlap", _as_is, OVERLAP * hop, pad, False, past, apply, hop, crop)


def _as_is(signal: tf.Tensor) -> tf.Tensor:
    return signal


def _pointwise(name: str, channels: int, apply: Callable) -> StreamingStage:
    """A stage with windows of one frame, and therefore without state."""
    return StreamingStage(name, _as_is, channels, (0, 0), False, 0, apply)


def _windowed(name: str, channels: int, ahead: int, apply: Callable) -> StreamingStage:
    """A stage with windows of 7 frames, of which `ahead` are future frames."""
    pad = (KERNEL - 1 - ahead, ahead)
    return StreamingStage(name, _as_is, channels, pad, False, KERNEL - 1, apply)


def _normed(signal: tf.Tensor, norm: keras.layers.RMSNormalization) -> tf.Tensor:
    """RMS normalization of each frame, without the gain; the caller applies it."""
    power = tf.reduce_mean(tf.square(signal), 3, keepdims=True)
    return signal * tf.math.rsqrt(power + norm.epsilon)
