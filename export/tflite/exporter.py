"""A trained generator as a `.tflite` file that streams."""

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
from tf_melgan.export.signatures import concrete, streaming
from tf_melgan.export.tflite.calibration import int8_graph, measure_ranges
from tf_melgan.export.tflite.int8_weights import with_int8_kernels
from tf_melgan.export.tflite.strip import strip_model
from tf_melgan.models.base import Generator
from tf_melgan.voices import voice_file

# Frames that a file takes where nobody says how many.
_DEFAULT_FRAMES = 32
# Channels from which on "int8-dynamic" rounds them: fewer save little, and are heard most.
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
    """Writes a voice's file; `tf_melgan.voices.voice_file` says what is in it.

    Args:
        generator: trained, with weight normalization or folded.
        spec: the mel it was trained on.
        path: ends in .tflite by custom.
        weights: one of `voice_file.WEIGHTS`.
        name: of the voice.
        licence: of the weights.
        calibration: log-mels (frames, n_mels) of recordings, for int8; those shorter
            than a stream takes to begin are left out.

    Raises:
        UserInputError: the file cannot be written, there is nothing to calibrate with, or no layer is
            wide enough for int8-dynamic.
    """
    require_choice("weights", weights, voice_file.WEIGHTS)
    graph = _graph(generator, weights, calibration)
    model = with_default_frames(convert(graph, signatures(graph), weights), _DEFAULT_FRAMES)
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
    """The concrete functions of a voice's file, by signature."""
    mel = {"mel": (1, None, graph.n_mels)}

    def vocode_short(mel: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"audio": graph.padded_batch(mel, tf.shape(mel)[1:2])}

    return {
        "vocode": concrete(lambda mel: {"audio": graph.full(mel)}, mel),
        "vocode_short": concrete(vocode_short, mel),
        **streaming(graph),
    }


def convert(graph: InferenceGraph, signatures: dict[str, Any], weights: str) -> bytes:
    """The one place that knows the converter, which is moving out of TensorFlow."""
    if weights == "int8-dynamic":
        kernels = (kernel.numpy() for kernel in graph.int8_kernels.values())
        wide = [kernel for kernel in kernels if kernel.shape[2] >= _WIDE]
        if not wide:
            raise UserInputError(
                f"weights int8-dynamic: no layer takes {_WIDE} channels or more, so that nothing "
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


def with_default_frames(model: bytes, frames: int) -> bytes:
    """The model with `frames` where the converter leaves 1 for a length that varies.

    One frame is fewer than most signatures take, and interpreters begin with what is written.
    """
    content = schema.ModelT.InitFromPackedBuf(model)
    for graph in content.subgraphs:
        for index in graph.inputs:
            tensor = graph.tensors[index]
            if tensor.shapeSignature is not None:
                tensor.shape = [frames if size == -1 else size for size in tensor.shapeSignature]
    return strip_model(content)
