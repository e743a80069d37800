"""The streaming stages of a Vocos generator; `InferenceGraph` runs them."""

from collections.abc import Iterator

import tensorflow as tf

from tf_melgan.graph.stage import StreamingStage
from tf_melgan.models.fourier.graph import SpectralGraphBuilder, pointwise
from tf_melgan.models.fourier.inverse_stft import OVERLAP


class VocosGraphBuilder(SpectralGraphBuilder):
    """Builds the stages.

    Args:
        generator: a trained VocosGenerator.
        observe: (name, signal) → signal; every signal that may be int8 passes through it.
    """

    def stages(self) -> Iterator[StreamingStage]:
        generator = self._generator
        yield from self.network()
        yield self.last()
        # The overlap stage knows by the ones where a signal has frames.
        yield pointwise("frames", OVERLAP * generator.hop, _with_ones)
        yield self.overlap(generator.start, enveloped=True)


def _with_ones(signal: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
    return tf.pad(signal, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=1.0)
