"""Exports a trained generator as an `.onnx` file, for whole utterances or for streams."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from tf2onnx.handler import tf_op

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.onnx.stream_graph import advance
from tf_melgan.models.base import Generator
from tf_melgan.voices import onnx_file
from tf_melgan.voices.voice_file import VoiceInfo

_OPSET = 17  # of 2022; every runtime of today has it
_CHECKED_FRAMES = (1, 2, 3, 7, 32, 130)
_MOST_DIFFERENCE = 1e-5  # of the loudest sample, or of full scale for a loud one
_NO_STATE = np.zeros(0, np.float32)


def export_onnx(
    generator: Generator,
    spec: MelSpec,
    path: str | Path,
    stream: bool = False,
    name: str = "voice",
    licence: str = "not stated",
) -> VoiceInfo:
    """Exports a voice as an `.onnx` file, and compares it with the generator in ONNX Runtime.

    `tf_melgan.voices.onnx_file` describes its content.

    Examples:
        >>> from tf_melgan.export import export_onnx
        >>> export_onnx(model.inference_generator, model.config.mel, "voice.onnx")
        >>> vocoder = tf_melgan.Vocoder.load("voice.onnx")

    Args:
        generator: a trained generator, with weight normalization or folded.
        spec: the mel convention that it was trained with.
        path: the file to write, usually with the suffix `.onnx`.
        stream: write the form for streams, which takes and returns a state.
        name: the name of the voice.
        licence: the licence of the weights.

    Returns:
        The metadata of the voice.

    Raises:
        UserInputError: the file cannot be written, or ONNX Runtime gives other samples than the
            generator.
    """
    generator = generator.folded()
    graph = InferenceGraph(generator)
    converted = _converted(graph)
    if not stream:
        _for_utterances(converted)
    converted.metadata_props.add(key=onnx_file.CONTEXT, value=str(generator.context))
    model = converted.SerializeToString(deterministic=True)
    _check(model, graph, generator, spec, path)
    info = VoiceInfo(name, licence, "float32", spec, 1, graph.start_frames, graph.lookahead)
    return onnx_file.write(path, model, info)


def _converted(graph: InferenceGraph) -> onnx.ModelProto:
    """The form for streams."""

    def part(mel: tf.Tensor, state: tf.Tensor, last: tf.Tensor) -> dict[str, tf.Tensor]:
        audio, next_state = advance(graph, mel, state, last)
        return {"audio": audio, "next_state": next_state}

    inputs = (
        tf.TensorSpec((1, None, graph.n_mels), tf.float32, "mel"),
        tf.TensorSpec((None,), tf.float32, "state"),
        tf.TensorSpec((), tf.bool, "last"),
    )
    function = tf.function(part, autograph=False)
    model, _ = tf2onnx.convert.from_function(function, inputs, opset=_OPSET)
    return model


def _for_utterances(model: onnx.ModelProto) -> None:
    """Makes the form for whole utterances of that for streams, which it changes."""
    graph = model.graph
    _keep(graph.input, {"mel"})
    _keep(graph.output, {"audio"})
    for name, value in (("state", _NO_STATE), ("last", np.array(True))):
        graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    needed, nodes = {"audio"}, []
    for node in reversed(graph.node):  # a node comes after those that it reads
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(reversed(nodes))
    _keep(graph.initializer, needed)


def _keep(values: Any, names: set[str]) -> None:
    kept = [value for value in values if value.name in names]
    del values[:]
    values.extend(kept)


def _check(
    model: bytes, graph: InferenceGraph, generator: Generator, spec: MelSpec, path: str | Path
) -> None:
    """Compares a model with the generator at several lengths, a stream also in several parts."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    random, middle = np.random.default_rng(0), (spec.log_floor + spec.log_ceiling) / 2
    for frames in _CHECKED_FRAMES:
        mel = random.uniform(spec.log_floor, middle, (1, frames, spec.n_mels)).astype(np.float32)
        expected = keras.ops.convert_to_numpy(generator(mel))[:, :, 0]
        allowed = _MOST_DIFFERENCE * max(1.0, float(np.abs(expected).max()))
        cuts = [graph.start_frames, graph.start_frames + 1] if frames > graph.start_frames else []
        for parts in ([mel], np.split(mel, cuts, axis=1)):
            sound = _sound(session, parts)
            require(
                sound.shape == expected.shape and np.abs(sound - expected).max() <= allowed,
                f"{path}: not written, since ONNX Runtime {onnxruntime.__version__} gives other "
                f"samples than the voice for {frames} frames; export it to another format",
            )


def _sound(session: onnxruntime.InferenceSession, parts: list[np.ndarray]) -> np.ndarray:
    if len(session.get_inputs()) == len(onnx_file.UTTERANCE):
        return session.run(["audio"], {"mel": np.concatenate(parts, 1)})[0]
    state, samples = _NO_STATE, []
    for index, mel in enumerate(parts):
        last = np.array(index == len(parts) - 1)
        audio, state = session.run(None, {"mel": mel, "state": state, "last": last})
        samples.append(audio)
    return np.concatenate(samples, 1)


@tf_op("Erfc")
class _Erfc:
    """1 − Erf, since ONNX has no Erfc."""

    @classmethod
    def version_9(cls, context: Any, node: Any, **_: Any) -> None:
        erf = context.make_node("Erf", node.input).output[0]
        one = context.make_const(f"{node.name}/one", np.float32(1)).output[0]
        context.remove_node(node.name)
        context.make_node("Sub", [one, erf], outputs=node.output, name=node.name)
