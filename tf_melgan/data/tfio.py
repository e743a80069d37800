"""Recordings decoded inside a TensorFlow graph, where tensorflow-io loads: TensorFlow ≤ 2.17.1.

The same samples as `audio.read`, which needs no TensorFlow and works everywhere: bit for bit from
wav and flac, to 1e-6 from ogg and mp3.
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

        # The library behind the ops is loaded, or fails to, at the first look at one of them.
        _ = core_ops.io_audio_readable_init
    except (ImportError, NotImplementedError, AttributeError):
        raise ImportError(
            "decoding in graph needs tensorflow-io, which loads with TensorFlow up to 2.17.1: "
            'pip install "tf-melgan[io]"'
        ) from None
    return core_ops


def decode(path: Any) -> tuple[Any, Any]:
    """A scalar string tensor, the path → float32 (samples, channels) and int32 rate, in graph.

    Wavs of 32-bit integers are not for it: tensorflow-io takes them for floats.

    Raises:
        ImportError: tensorflow-io does not load.
    """
    ops = _ops()
    import tensorflow as tf

    # tensorflow-io keeps one open recording for each place in the graph: parallel calls of one
    # place would read each other's.
    alone = tf.CriticalSection(shared_name="tf_melgan_tfio")
    return alone.execute(lambda: _decode(ops, path), exclusive_resource_access=False)


def _decode(ops: Any, path: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    recording = ops.io_audio_readable_init(path)
    shape, kind, rate = ops.io_audio_readable_spec(recording)

    def samples(dtype: Any, zero: float, full: float) -> Any:
        def branch() -> Any:
            stored = ops.io_audio_readable_read(recording, 0, shape[0], dtype=dtype)
            return (tf.cast(stored, tf.float32) - zero) / full

        return branch

    kinds = {
        tf.uint8: samples(tf.uint8, 128, 2**7),
        tf.int16: samples(tf.int16, 0, 2**15),
        tf.int32: samples(tf.int32, 0, 2**31),
        tf.float32: samples(tf.float32, 0, 1),
    }
    number = tf.cast(kind, tf.int32)
    branches = [(tf.equal(number, dtype.as_datatype_enum), act) for dtype, act in kinds.items()]
    sound = tf.case(branches, exclusive=True)
    return tf.ensure_shape(sound, (None, None)), tf.cast(rate, tf.int32)


def read_audio(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """`audio.read` through `decode`; `prepare(…, read=tfio.read)` uses it."""
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
