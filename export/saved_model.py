"""Exports a trained generator as a SavedModel for servers."""

import json
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_melgan.audio.mel_keras import keras_log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.signatures import concrete, streaming
from tf_melgan.files import atomic_folder
from tf_melgan.inference.engines import saved_model
from tf_melgan.models.base import Generator
from tf_melgan.voices.voice_file import VoiceInfo


def export_saved_model(
    generator: Generator,
    spec: MelSpec,
    path: str | Path,
    name: str = "voice",
    licence: str = "not stated",
) -> VoiceInfo:
    """Exports a voice as a SavedModel.

    `tf_melgan.inference.engines.saved_model` describes its content and signatures.

    Examples:
        >>> from tf_melgan.export import export_saved_model
        >>> export_saved_model(model.inference_generator, model.config.mel, "models/voice/1")
        >>> vocoder = tf_melgan.Vocoder.load("models/voice/1")

    Args:
        generator: a trained generator, with weight normalization or folded.
        spec: the mel convention that it was trained with.
        path: the folder to write; an exported voice in its place is replaced.
        name: the name of the voice.
        licence: the licence of the weights.

    Returns:
        The metadata of the voice.

    Raises:
        UserInputError: the folder holds something else, or cannot be written.
    """
    path = Path(path)
    if path.exists() and not _replaceable(path):
        raise UserInputError(f"{path}: exists and is not an exported voice; give a new folder")
    graph = InferenceGraph(generator)
    info = VoiceInfo(
        name, licence, "float32", spec, graph.shortest, graph.start_frames, graph.lookahead
    )
    with atomic_folder(path) as temporary:
        tf.saved_model.save(graph, str(temporary), signatures(graph, spec))
        info = saved_model.stamped(info, temporary)
        entry = temporary / saved_model.ENTRY
        entry.parent.mkdir()
        entry.write_text(info.to_json(), encoding="utf-8")
    return info


def _replaceable(path: Path) -> bool:
    return path.is_dir() and (not any(path.iterdir()) or saved_model.is_voice(path))


def signatures(graph: InferenceGraph, spec: MelSpec) -> dict[str, Any]:
    """The concrete functions of the SavedModel, by signature.

    Args:
        graph: the generator.
        spec: its mel convention.
    """
    mels = {"mel": (None, None, graph.n_mels)}

    def vocode(mel: tf.Tensor) -> dict[str, tf.Tensor]:
        batch, frames = tf.shape(mel)[0], tf.shape(mel)[1]
        return {
            "audio": tf.cond(
                frames >= graph.shortest,
                lambda: graph.full(mel),
                lambda: graph.padded_batch(mel, tf.fill([batch], frames)),
            )
        }

    @tf.function(
        input_signature=[tf.TensorSpec(mels["mel"]), tf.TensorSpec((None,), tf.int32)],
        autograph=False,
    )
    def padded(mel: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"audio": graph.padded_batch(mel, lengths), "samples": lengths * graph.hop}

    return {
        "serving_default": concrete(vocode, mels),
        "padded": padded,
        "log_mel": concrete(
            lambda waveform: {"mel": keras_log_mel(waveform, spec)}, {"waveform": (None, None)}
        ),
        "mel_spec": concrete(lambda: {"mel_spec": tf.constant(json.dumps(spec.to_dict()))}, {}),
        **streaming(graph),
    }
