"""Exports a trained generator as a `.tflite` file, with signatures for streaming."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError, require_choice
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.signatures import concrete, one_utterance, streaming
from tf_melgan.export.tflite.calibration import int8_graph, measure_ranges
from tf_melgan.export.tflite.int8_weights import with_int8_kernels
from tf_melgan.export.tflite.strip import strip_model
from tf_melgan.models.base import Generator
from tf_melgan.voices import voice_file

# Default number of frames of the inputs in the file; callers can resize them.
_DEFAULT_FRAMES = 32
# Minimum number of input channels for int8 kernels in "int8-dynamic": narrower layers save little
# and are the most audible when quantized.
_WIDE = 64


def export_tflite(
    generator: Generator,
    spec: MelSpec,
    path: str | Path,
    weights: str = "float32",
    name: str = "voice",
    licence: str = "not stated",
    calibration: Sequence[np.ndarray] = (),
) -> voice_file.VoiceInfo:
    """Exports a voice as a `.tflite` file.

    `tf_melgan.voices.voice_file` describes its content and signatures.

    Examples:
        >>> from tf_melgan.export import export_tflite
        >>> export_tflite(model.inference_generator, model.config.mel, "voice.tflite", "float16")
        >>> vocoder = tf_melgan.Vocoder.load("voice.tflite")

    Args:
        generator: a trained generator, with weight normalization or folded.
        spec: the mel convention that it was trained with.
        path: the file to write, usually with the suffix `.tflite`.
        weights: how to store the weights: "float32", "float16", "int8-dynamic" or "int8".
        name: the name of the voice.
        licence: the licence of the weights.
        calibration: log-mels of recordings, float32 (frames, n_mels), to calibrate "int8". Mels
            shorter than the `start_frames` of the graph are ignored.

    Returns:
        The metadata of the voice.

    Raises:
        UserInputError: the file cannot be written, `weights` is unknown, "int8" has no mels to
            calibrate with, or no layer is wide enough for "int8-dynamic".
    """
    require_choice("weights", weights, voice_file.WEIGHTS)
    graph = _graph(generator, weights, calibration)
    model = finished(convert(graph, signatures(graph), weights), _DEFAULT_FRAMES)
    info = voice_file.VoiceInfo(
        name, licence, weights, spec, graph.shortest, graph.start_frames, graph.lookahead
    )
    voice_file.write(path, model, info)
    return voice_file.read(path)


def _graph(generator: Generator, weights: str, calibration: Sequence[np.ndarray]) -> InferenceGraph:
    graph = InferenceGraph(generator)
    if weights not in voice_file.CALIBRATED:
        return graph
    mels = [mel for mel in calibration if len(mel) >= graph.start_frames]
    if not mels:
        least = f" of at least {graph.start_frames} frames" if calibration else ""
        raise UserInputError(
            f"weights {weights}: need recordings{least} to calibrate with; give --calibration"
        )
    return int8_graph(generator, measure_ranges(generator, mels))


def signatures(graph: InferenceGraph) -> dict[str, Any]:
    """The concrete functions of the `.tflite` file, by signature."""
    mel = {"mel": (1, None, graph.n_mels)}

    def vocode_short(mel: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"audio": graph.padded_batch(one_utterance(mel), tf.shape(mel)[1:2])}

    return {
        "vocode": concrete(lambda mel: {"audio": graph.full(one_utterance(mel))}, mel),
        "vocode_short": concrete(vocode_short, mel),
        **streaming(graph),
    }


def convert(graph: InferenceGraph, signatures: dict[str, Any], weights: str) -> bytes:
    """Converts the signatures to a LiteRT model.

    Only this function uses the converter, because the converter is moving out of TensorFlow.

    Args:
        graph: the generator.
        signatures: its concrete functions, by signature.
        weights: how to store the weights, one of `voice_file.WEIGHTS`.

    Returns:
        The model.

    Raises:
        UserInputError: no layer is wide enough for "int8-dynamic".
    """
    if weights == "int8-dynamic":
        kernels = (kernel.numpy() for kernel in graph.int8_kernels.values())
        wide = [kernel for kernel in kernels if kernel.shape[2] >= _WIDE]
        if not wide:
            raise UserInputError(
                f"weights int8-dynamic: no layer has {_WIDE} input channels or more, so nothing "
                "would be int8; use float16 or int8"
            )
        return with_int8_kernels(convert(graph, signatures, "float32"), wide)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(graph, folder, signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(signatures)
        )
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def finished(model: bytes, frames: int) -> bytes:
    """Prepares a converted model for interpreters with and without signatures.

    Sets the default length of variable-length inputs: the converter writes 1, but most signatures
    need more frames, and interpreters allocate the default length first. Makes `vocode` the first
    subgraph, which interpreters run that know no signatures. Removes what no engine reads.

    Args:
        model: the LiteRT model.
        frames: the default number of frames.

    Returns:
        The changed model.
    """
    content = schema.ModelT.InitFromPackedBuf(model)
    for graph in content.subgraphs:
        for index in graph.inputs:
            tensor = graph.tensors[index]
            if tensor.shapeSignature is not None:
                tensor.shape = [frames if size == -1 else size for size in tensor.shapeSignature]
    # Every subgraph is that of one signature; Python's sort keeps the others in order.
    content.signatureDefs.sort(key=lambda entry: entry.signatureKey != b"vocode")
    content.subgraphs = [content.subgraphs[entry.subgraphIndex] for entry in content.signatureDefs]
    for index, entry in enumerate(content.signatureDefs):
        entry.subgraphIndex = index
    return strip_model(content)
