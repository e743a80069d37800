"""Which signals of a voice are int8, and at what scale.

Ranges of signals are measured once, on whole utterances, and written into the graph that every
signature is made of, so that a stream computes with the scales of the whole: however it is cut,
the sound is the same. Weights are scaled by the converter, each filter by its own largest.
"""

from collections.abc import Collection, Sequence

import numpy as np
import tensorflow as tf

from tf_melgan.export.graph import InferenceGraph
from tf_melgan.export.hybrid import rounded
from tf_melgan.generators import AnyGenerator

Ranges = dict[str, tuple[float, float]]


def measured(generator: AnyGenerator, mels: Sequence[np.ndarray]) -> Ranges:
    """The smallest and the largest value of every signal, over log-mels (frames, n_mels)."""
    ranges: Ranges = {}

    def observe(name: str, signal: tf.Tensor) -> tf.Tensor:
        low, high = ranges.get(name, (0.0, 0.0))
        ranges[name] = min(low, float(np.min(signal))), max(high, float(np.max(signal)))
        return signal

    graph = InferenceGraph(generator, observe)
    for mel in mels:
        graph.whole(tf.constant(mel[None]))
    return ranges


def stages(graph: InferenceGraph) -> list[str]:
    """The names of those stages that have something to compute in int8, in order."""
    return list(dict.fromkeys(name.split("/")[0] for name in graph.int8_kernels))


def int8_graph(generator: AnyGenerator, ranges: Ranges, stages: Collection[str]) -> InferenceGraph:
    """The graph with the signals of the named stages rounded to 256 values over their ranges."""

    def observe(name: str, signal: tf.Tensor) -> tf.Tensor:
        if name.split("/")[0] not in stages:
            return signal
        return tf.quantization.fake_quant_with_min_max_args(signal, *ranges[name])

    return InferenceGraph(generator, observe)


def noise(generator: AnyGenerator, ranges: Ranges, mels: Sequence[np.ndarray]) -> dict[str, float]:
    """For each stage, the power of what int8 in it alone adds to the sound, over the sound's."""

    def sound(chosen: Collection[str]) -> np.ndarray:
        graph = int8_graph(generator, ranges, chosen)
        for name, kernel in graph.int8_kernels.items():
            if name.split("/")[0] in chosen:
                whole, scale = rounded(kernel.numpy())
                kernel.assign(whole * scale)
        return np.concatenate([graph.whole(tf.constant(mel[None]))[0] for mel in mels])

    clean = sound(())
    return {
        name: float(np.mean((sound({name}) - clean) ** 2) / np.mean(clean**2))
        for name in stages(InferenceGraph(generator))
    }


def mixed(noise: dict[str, float], work: dict[str, float], snr: float) -> list[str]:
    """The stages that compute in int8 when their noise must stay `snr` dB under the sound.

    Noises add up; those stages come first that save the most work for theirs.

    Args:
        noise: of each stage, over the sound.
        work: of each stage, in any unit.
        snr: in dB.
    """
    chosen, left = [], 10 ** (-snr / 10)
    for name in sorted(noise, key=lambda name: noise[name] / max(work[name], 1e-9)):
        if noise[name] <= left:
            left -= noise[name]
            chosen.append(name)
    return chosen


def work(generator: AnyGenerator) -> dict[str, float]:
    """Multiply-adds, for a sample of sound, of what can be int8 in each stage."""
    graph = InferenceGraph(generator)
    macs, rate = dict.fromkeys(stages(graph), 0.0), 1 / graph.hop
    for stage in graph.stages:
        for name, kernel in graph.int8_kernels.items():
            if name.split("/")[0] == stage.name:
                macs[stage.name] += rate * np.prod(kernel.shape)
        rate *= stage.rate
    return macs
