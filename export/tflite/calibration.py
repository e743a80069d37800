"""Calibrates the fixed scales of a voice with int8 activations.

The ranges of all activations are measured once, on calibration mels, and stored in the graph that
all signatures use. A stream therefore uses the same scales as a whole utterance and gives the same
samples for any chunk sizes. The converter chooses the scales of the weights, one per filter.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.models.base import Generator

Ranges = dict[str, tuple[float, float]]


def measure_ranges(generator: Generator, mels: Sequence[np.ndarray]) -> Ranges:
    """Measures the range of each signal.

    Args:
        generator: a trained generator.
        mels: log-mels, float32 (frames, n_mels).

    Returns:
        The smallest and the largest value of each signal, by name; the range includes 0.
    """
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
    """Builds the graph with fake quantization: int8 stages round their signals to 256 values.

    Args:
        generator: a trained generator.
        ranges: the range of each signal, from `measure_ranges`.

    Returns:
        The graph.
    """
    # A stage without int8 kernels stays in float.
    stages = {name.split("/")[0] for name in InferenceGraph(generator).int8_kernels}

    def observe(name: str, signal: tf.Tensor) -> tf.Tensor:
        if name.split("/")[0] not in stages:
            return signal
        return tf.quantization.fake_quant_with_min_max_args(signal, *ranges[name])

    return InferenceGraph(generator, observe)
