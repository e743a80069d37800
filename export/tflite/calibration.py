"""The fixed scales of a voice whose activations are int8.

The ranges of all activations are measured once, on calibration mels, and written into the graph
that every signature is made of. A stream therefore computes with the same scales as a whole
utterance and gives the same samples, whatever the chunks. The converter scales the weights, one
scale per filter.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.models.base import Generator

Ranges = dict[str, tuple[float, float]]


def measure_ranges(generator: Generator, mels: Sequence[np.ndarray]) -> Ranges:
    """The smallest and the largest value of every signal, over log-mels (frames, n_mels)."""
    ranges: Ranges = {}

    def observe(name: str, signal: tf.Tensor) -> tf.Tensor:
        low, high = ranges.get(name, (0.0, 0.0))
        ranges[name] = min(low, float(np.min(signal))), max(high, float(np.max(signal)))
        return signal

    graph = InferenceGraph(generator, observe)
    for mel in mels:
        graph.full(tf.constant(mel[None]))
    return ranges


def int8_graph(generator: Generator, ranges: Ranges) -> InferenceGraph:
    """The graph with every int8 stage's signals rounded to 256 values over their ranges."""
    # Stages whose kernels all stay float stay float as a whole.
    stages = {name.split("/")[0] for name in InferenceGraph(generator).int8_kernels}

    def observe(name: str, signal: tf.Tensor) -> tf.Tensor:
        if name.split("/")[0] not in stages:
            return signal
        return tf.quantization.fake_quant_with_min_max_args(signal, *ranges[name])

    return InferenceGraph(generator, observe)
