"""Decodes recordings in a TensorFlow graph with tensorflow-io, up to TensorFlow 2.17.1.

The samples are those of `tf_melgan.audio.sound_files.read_audio`, which works without TensorFlow:
bit-identical for wav and flac, within 1e-6 for ogg and mp3.
"""

import os
from typing import Any

import numpy as np
import soundfile

from tf_melgan.audio.sound_files import check_samples, require_file
from tf_melgan.errors import UserInputError


def _ops() -> Any:
    try:
        from tensorflow_io.python.ops import core_ops

        # The shared library is loaded, or fails to load, at the first access to an op.
        _ = core_ops.io_audio_readable_init
    except (ImportError, NotImplementedError, AttributeError):
        raise ImportError(
            "decoding in graph needs tensorflow-io, which loads with TensorFlow up to 2.17.1: "
            'pip install "tf-melgan[io]"'
        ) from None
    return core_ops


def decode(path: Any) -> tuple[Any, Any]:
    """Decodes a recording in graph.

    Wavs of 32-bit integers are not supported, because tensorflow-io reads them as floats.

    Args:
        path: scalar string tensor.

    Returns:
        float32 samples (samples, channels) and the rate in Hz, an int32 scalar.

    Raises:
        ImportError: tensorflow-io cannot be loaded.
    """
    ops = _ops()
    import tensorflow as tf

    # tensorflow-io keeps one open recording per node of the graph. Parallel calls of one node
    # would read each other's recordings.
    lock = tf.CriticalSection(shared_name="tf_melgan_tfio")
    return lock.execute(lambda: _decode(ops, path), exclusive_resource_access=False)


def _decode(ops: Any, path: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    recording = ops.io_audio_readable_init(path)
    shape, encoding, rate = ops.io_audio_readable_spec(recording)

    def samples(dtype: Any, zero: float, full: float) -> Any:
        def branch() -> Any:
            stored = ops.io_audio_readable_read(recording, 0, shape[0], dtype=dtype)
            return (tf.cast(stored, tf.float32) - zero) / full

        return branch

    decoders = {
        tf.uint8: samples(tf.uint8, 128, 2**7),
        tf.int16: samples(tf.int16, 0, 2**15),
        tf.int32: samples(tf.int32, 0, 2**31),
        tf.float32: samples(tf.float32, 0, 1),
    }
    stored_dtype = tf.cast(encoding, tf.int32)
    branches = [
        (tf.equal(stored_dtype, dtype.as_datatype_enum), decoder)
        for dtype, decoder in decoders.items()
    ]
    sound = tf.case(branches, exclusive=True)
    return tf.ensure_shape(sound, (None, None)), tf.cast(rate, tf.int32)


def read_audio(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """Reads a recording with `decode`, for `tf_melgan.prepare(…, read=read_audio)`.

    Returns:
        float32 samples (samples, channels) and the rate in Hz.

    Raises:
        UserInputError: the file is missing, cannot be decoded, is empty, is a wav of 32-bit
            integers, or holds NaN or infinity.
        ImportError: tensorflow-io cannot be loaded.
    """
    _ops()
    import tensorflow as tf

    path = require_file(path)
    try:
        if soundfile.info(path).subtype == "PCM_32":
            raise UserInputError(f"{path}: holds 32-bit integers; decode it with soundfile")
        sound, rate = decode(tf.constant(str(path)))
    except (soundfile.SoundFileError, tf.errors.OpError):
        raise UserInputError(
            f"{path}: cannot be decoded (by tensorflow-io); give a wav, flac, ogg or mp3 recording"
        ) from None
    return check_samples(path, sound.numpy()), int(rate)
