"""A generator as one function for whole utterances and for every part of a stream.

`InferenceGraph` has a graph for each part of a signal: with its beginning, its end, both or
neither. Here the lengths of paddings and crops are numbers of the graph, so that one, with one
set of weights, serves them all.
"""

import tensorflow as tf

from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.graph.stage import StreamingStage

_TIME = 2


def advance(
    graph: InferenceGraph, mel: tf.Tensor, state: tf.Tensor, last: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Vocodes the next frames of an utterance.

    Args:
        graph: the generator.
        mel: the next frames, float32 (1, frames, n_mels). Without a state, at least the
            `start_frames` of the graph, or the whole utterance; with one, any number, and none only
            where `last` holds.
        state: the state that the previous call returned; float32 (0,) before the first call.
        last: bool (); whether the utterance ends after these frames.

    Returns:
        The samples that can be computed now, float32 (1, samples), and the new state.
    """
    begins, ends = tf.cast(tf.equal(tf.size(state), 0), tf.int32), tf.cast(last, tf.int32)
    signal, states, offset = tf.expand_dims(mel, 1), [], 0
    for stage in graph.stages:
        numbers = stage.state_length * stage.channels
        past = tf.slice(state, [offset * (1 - begins)], [numbers * (1 - begins)])
        offset += numbers
        with tf.name_scope(stage.name):
            past = tf.reshape(past, (1, 1, -1, stage.channels))
            signal, kept = _stage(stage, signal, past, begins, ends)
        states.append(tf.reshape(kept, (-1,)))
    return tf.reshape(signal, (1, -1)), tf.concat(states, 0)


def _stage(
    stage: StreamingStage, new: tf.Tensor, past: tf.Tensor, begins: tf.Tensor, ends: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The output and the new state; `begins` and `ends` are 1 where the signal does, and else 0."""
    signal = stage.pre_op(tf.concat([past, new], _TIME))
    left, right = stage.pad[0] * begins, stage.pad[1] * ends
    windows = tf.shape(signal)[_TIME] + left + right - stage.state_length
    # Engines convolve no signal without a window: it gets one of zeros, whose output is dropped.
    spare = 1 - tf.minimum(windows, 1)
    padded = _padded(signal, left, right + spare, stage)
    output = stage.apply(padded, _part(padded, stage.pad[0], windows + spare))
    front, back = stage.crop[0] * begins, stage.crop[1] * ends + stage.rate * spare
    output = _part(output, front, tf.shape(output)[_TIME] - front - back)
    return output, _part(padded, windows, stage.state_length)


def _part(signal: tf.Tensor, start: tf.Tensor | int, count: tf.Tensor | int) -> tf.Tensor:
    # Not by indexing: the converter computes a variable end in float32, exact up to 2²⁴ only.
    return tf.slice(signal, [0, 0, start, 0], [1, 1, count, signal.shape[-1]])


def _padded(
    signal: tf.Tensor, left: tf.Tensor, right: tf.Tensor, stage: StreamingStage
) -> tf.Tensor:
    if not stage.reflect:
        return tf.pad(signal, ((0, 0), (0, 0), (left, right), (0, 0)))
    before = tf.slice(tf.range(stage.pad[0], 0, -1), [0], [left])
    after = tf.slice(tf.range(1, stage.pad[1] + 1), [0], [right])
    end = tf.shape(signal)[_TIME] - 1
    return tf.concat([_reflected(signal, before), signal, _reflected(signal, end + after)], _TIME)


def _reflected(signal: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """The samples at positions ≥ 0 of a signal that is reflected at its ends again and again."""
    end = tf.shape(signal)[_TIME] - 1
    period = tf.maximum(2 * end, 1)
    # Plus a period, since ONNX Runtime 1.32 makes 1 of 1 // period · period (its DivMulFusion).
    positions = (positions + period) % period
    return tf.gather(signal, tf.minimum(positions, tf.abs(2 * end - positions)), axis=_TIME)
