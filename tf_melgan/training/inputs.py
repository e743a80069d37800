"""Checks the batches that a `MelGAN` is given, and gives them the shapes that its losses take."""

from typing import Any

import keras
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require
from tf_melgan.training import backends


def mel_and_waveform(data: Any, spec: MelSpec, dtype: str) -> tuple[Any, Any]:
    """The log-mel and the waveform of a batch.

    Sizes that a `tf.data.Dataset` leaves open are checked when the step runs.

    Args:
        data: (log-mel, waveform), with shapes (batch, frames, n_mels) and (batch, frames · hop, 1)
            or (batch, frames · hop). Both are floating-point.
        spec: the mel convention.
        dtype: the dtype of the waveform that is returned.

    Returns:
        The log-mel (batch, frames, n_mels), and the waveform (batch, frames · hop, 1).

    Raises:
        UserInputError: a shape, a dtype, or the length of the waveform is another one; there is no
            waveform; or there are sample weights.
    """
    mel, audio, weights = keras.utils.unpack_x_y_sample_weight(data)
    require(
        hasattr(mel, "shape") and hasattr(audio, "shape"),
        "a batch is not (log-mel, waveform); give both, each as one array",
    )
    require(weights is None, "sample weights do not apply to the losses of a GAN; leave them out")
    mel = backends.with_rank(mel, 3)
    audio = backends.with_rank(audio, 3)
    shape = f"(batch, frames, {spec.n_mels})"
    _require_floats("log-mels", mel)
    require(
        len(mel.shape) == 3 and mel.shape[2] in (spec.n_mels, None),
        f"log-mels have the shape {_text(mel)}; give {shape}",
    )
    _require_floats("waveforms", audio)
    require(
        len(audio.shape) == 2 or (len(audio.shape) == 3 and audio.shape[2] in (1, None)),
        f"waveforms have the shape {_text(audio)}; give (batch, samples, 1) or (batch, samples)",
    )
    frames, samples = mel.shape[1], audio.shape[1]
    if frames is None or samples is None:
        audio = backends.checked_length(audio, mel, spec.hop)
    else:
        require(
            samples == frames * spec.hop,
            f"waveforms have {samples} samples, but {frames} frames of hop {spec.hop} are "
            f"{frames * spec.hop}; give frames · hop samples",
        )
    if len(audio.shape) == 2:
        audio = ops.expand_dims(audio, -1)
    return mel, ops.cast(audio, dtype)


def require_pairs(mels: Any, waveforms: Any) -> None:
    """Checks that two arrays hold equally many examples; what is no array is not checked.

    Raises:
        UserInputError: there are more of one than of the other.
    """
    if getattr(mels, "shape", None) and getattr(waveforms, "shape", None):
        require(
            len(mels) == len(waveforms),
            f"there are {len(mels)} log-mels, but {len(waveforms)} waveforms; give as many of each",
        )


def _require_floats(name: str, array: Any) -> None:
    dtype = keras.backend.standardize_dtype(array.dtype)
    require("float" in dtype, f"{name} are {dtype}; give floating-point values")


def _text(array: Any) -> str:
    return str(tuple(array.shape)).replace("None", "?")
