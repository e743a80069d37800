"""The streaming stages of a Fourier generator; `InferenceGraph` runs them."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_melgan.graph.builder import GraphBuilder, Observer, depth_to_time, time_to_depth
from tf_melgan.graph.stage import StreamingStage
from tf_melgan.models.base import Generator
from tf_melgan.models.fourier import fast_inverse_stft
from tf_melgan.models.fourier.convnext_block import KERNEL, ConvNeXtBlock
from tf_melgan.models.fourier.inverse_stft import OVERLAP, envelope_kernel
from tf_melgan.models.fourier.spectrum import initial_log_magnitude, spectrum

# Kernel (…, channels, filters) and bias (filters,).
Dense = tuple[np.ndarray, np.ndarray]


class SpectralGraphBuilder(GraphBuilder):
    """Stages of a generator with ConvNeXt blocks and an inverse STFT.

    Args:
        generator: a trained generator.
        observe: (name, signal) → signal; every signal that may be int8 passes through it.
        carried: channels of the first stage's input that follow the hidden channels up to the
            last stage.
    """

    def __init__(self, generator: Any, observe: Observer, carried: int = 0):
        super().__init__(observe)
        self._generator, self._carried = generator, carried

    def network(self) -> Iterator[StreamingStage]:
        """The first convolution, and the blocks."""
        yield self._first()
        for index, block in enumerate(self._generator.blocks):
            yield self._block(f"block_{index}", block)

    def _first(self) -> StreamingStage:
        conv, norm = self._generator.first, self._generator.first_norm
        kernel, bias = conv.kernel.numpy(), conv.bias.numpy()
        convolve = self.convolution("first/conv", kernel, bias, int8=False)
        gain = self.variable("first/gain", _gain(norm))
        values = _offset(norm)
        offset = None if values is None else self.variable("first/offset", values)

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            scaled = _normed(convolve(padded), norm) * gain
            return self._with_carried(scaled if offset is None else scaled + offset, middle)

        return _windowed("first", kernel.shape[1], self._generator.aheads[0], apply)

    def _block(self, name: str, block: ConvNeXtBlock) -> StreamingStage:
        width = block.width
        depthwise = self.depthwise(
            f"{name}/depthwise", block.depthwise.kernel.numpy(), block.depthwise.bias.numpy()
        )
        # The norm's gain is folded into the next kernel, the block's into the previous one.
        expand = self.convolution(f"{name}/expand", *_normed_dense(block.norm, block.expand))
        gain = block.gain.numpy()
        contract = self.convolution(
            f"{name}/contract",
            block.contract.kernel.numpy()[None] * gain,
            block.contract.bias.numpy() * gain,
        )

        def apply(padded: tf.Tensor, middle: tf.Tensor) -> tf.Tensor:
            branch = _normed(depthwise(padded[..., :width]), block.norm)
            branch = expand(self.observe(f"{name}/normed", branch))
            branch = tf.nn.gelu(self.observe(f"{name}/expanded", branch))
            branch = self.observe(
                f"{name}/branch", contract(self.observe(f"{name}/active", branch))
            )
            return self._with_carried(middle[..., :width] + branch, middle)

        return _windowed(name, width + self._carried, block.ahead, apply)

    def _with_carried(self, hidden: tf.Tensor, signal: tf.Tensor) -> tf.Tensor:
        if not self._carried:
            return hidden
        return tf.concat([hidden, signal[..., -self._carried :]], 3)

    def last(self, envelope: Dense | None = None) -> StreamingStage:
        """From the last block's output to the groups' signals, which the overlap stage adds.

        Args:
            envelope: from the carried channels to initial log-magnitudes.
        """
        generator = self._generator
        width, norm = generator.width, generator.last_norm
        head = _normed_dense(norm, generator.last)
        groups = [
            self._group(f"last/{index}", bins, head, envelope)
            for index, bins in enumerate(fast_inverse_stft.groups(generator.hop))
        ]

        def apply(signal: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            normed = self.observe("last/normed", _normed(signal[..., :width], norm))
            carried = signal[..., width:]
            return tf.concat([group(normed, carried) for group in groups], 3)

        return pointwise("last", width + self._carried, apply)

    def _group(
        self, name: str, bins: np.ndarray, head: Dense, envelope: Dense | None
    ) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Computes a group's signal from the hidden and the carried channels."""
        kernel, bias = head
        columns = np.concatenate((bins, bins + kernel.shape[-1] // 2))
        polar = self.convolution(f"{name}/polar", kernel[..., columns], bias[columns])
        initial = None
        if envelope is not None:
            initial_kernel, initial_bias = envelope
            initial = self.convolution(
                f"{name}/envelope", initial_kernel[None, :, bins], initial_bias[bins], int8=False
            )
        invert = self._inversion(name, bins)

        def apply(normed: tf.Tensor, carried: tf.Tensor) -> tf.Tensor:
            corrections = self.observe(f"{name}/polar", polar(normed))
            return invert(spectrum(corrections, 0.0 if initial is None else initial(carried)))

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

    def overlap(self, start: int, enveloped: bool = False) -> StreamingStage:
        """Window and overlap-add of the groups' signals.

        Args:
            start: samples from the start of the first window to the first sample of the output.
            enveloped: whether to divide by the sum of the squared windows.
        """
        hop, past = self._generator.hop, OVERLAP - 1
        add = self.depthwise("overlap/add", fast_inverse_stft.overlap_kernel(hop)[:, :, None])
        windows = None
        if enveloped:
            windows = self.convolution("overlap/envelope", envelope_kernel(hop), int8=False)

        def apply(padded: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            parts = add(padded[..., : OVERLAP * hop] if windows else padded)
            first, second, *odd = (parts[..., i * hop : (i + 1) * hop] for i in range(OVERLAP))
            sums = (first + second) + (odd[0] + odd[1])
            return depth_to_time(sums / windows(padded[..., -1:]) if windows else sums, hop)

        channels, pad, crop = OVERLAP * hop + enveloped, (past, past), (start, past * hop - start)
        return StreamingStage("overlap", _as_is, channels, pad, False, past, apply, hop, crop)


class FourierGraphBuilder(SpectralGraphBuilder):
    """Builds the stages. Between the first and the last stage, the mel follows the channels.

    Args:
        generator: a trained FourierGenerator.
        observe: (name, signal) → signal; every signal that may be int8 passes through it.
    """

    def __init__(self, generator: Generator, observe: Observer):
        super().__init__(generator, observe, carried=generator.n_mels)

    def stages(self) -> Iterator[StreamingStage]:
        generator = self._generator
        yield pointwise("shift", generator.n_mels, lambda mel, _: mel - generator.floor)
        yield from self.network()
        yield self.last(initial_log_magnitude(generator.mel))
        yield self.overlap((OVERLAP - 1) * generator.hop // 2)


def _as_is(signal: tf.Tensor) -> tf.Tensor:
    return signal


def pointwise(name: str, channels: int, apply: Callable) -> StreamingStage:
    """A stage with windows of one frame, and therefore without state."""
    return StreamingStage(name, _as_is, channels, (0, 0), False, 0, apply)


def _windowed(name: str, channels: int, ahead: int, apply: Callable) -> StreamingStage:
    """A stage with windows of 7 frames, of which `ahead` are future frames."""
    pad = (KERNEL - 1 - ahead, ahead)
    return StreamingStage(name, _as_is, channels, pad, False, KERNEL - 1, apply)


def _normed(signal: tf.Tensor, norm: keras.Layer) -> tf.Tensor:
    """The normalization of each frame, without gain and offset; the caller applies them."""
    if isinstance(norm, keras.layers.LayerNormalization):
        signal -= tf.reduce_mean(signal, 3, keepdims=True)
    power = tf.reduce_mean(tf.square(signal), 3, keepdims=True)
    return signal * tf.math.rsqrt(power + norm.epsilon)


def _gain(norm: keras.Layer) -> np.ndarray:
    return (norm.scale if _offset(norm) is None else norm.gamma).numpy()


def _offset(norm: keras.Layer) -> np.ndarray | None:
    """The offset of a layer normalization; None for one by the root mean square."""
    return norm.beta.numpy() if isinstance(norm, keras.layers.LayerNormalization) else None


def _normed_dense(norm: keras.Layer, dense: keras.layers.Dense) -> Dense:
    """Kernel (1, channels, filters) and bias of a dense layer with the norm's gain and offset."""
    kernel, bias, offset = dense.kernel.numpy(), dense.bias.numpy(), _offset(norm)
    folded = (kernel * _gain(norm)[:, None])[None]
    return folded, bias if offset is None else bias + offset @ kernel
