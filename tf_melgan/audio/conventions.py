"""Checks that a mel matches a `MelSpec`, and converts between conventions where it is exact."""

from dataclasses import replace

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.errors import UserInputError, shown


def check_mel(
    mel: np.ndarray, spec: MelSpec, source: MelSpec | None = None, name: str = "mel"
) -> np.ndarray:
    """Checks that a mel from another program is a log-mel of `spec`.

    Args:
        mel: floating-point log-mel (frames, n_mels).
        spec: the expected convention.
        source: the convention that `mel` was computed with, if known.
        name: the name of the mel in error messages, such as its file.

    Returns:
        The mel as float32 (frames, n_mels).

    Raises:
        UserInputError: `source` differs from `spec`, the shape or dtype is wrong, or values are
            outside the range of audio within [-1, 1]. The range is extended by a tenth at both
            ends, because models that predict mels overshoot slightly.

    Examples:
        >>> from tf_melgan.audio.conventions import check_mel
        >>> spec = tf_melgan.MelSpec()
        >>> mel = check_mel(np.load("utterance.npy"), spec, name="utterance.npy")
    """
    mismatches = spec_mismatches(source, spec) if source else []
    if mismatches:
        raise UserInputError(
            f"{name}: {'; '.join(mismatches)}; compute the mel with the expected spec"
        )
    mel = np.asarray(mel)
    check_mel_shape(mel.shape, mel.dtype, spec, name)
    if not np.isfinite(mel).all():
        raise UserInputError(f"{name}: holds NaN or infinite values; give finite ones")
    low, high = spec.log_floor, spec.log_ceiling
    tolerance = (high - low) / 10
    if mel.min() < low - tolerance or mel.max() > high + tolerance:
        raise UserInputError(
            f"{name}: goes from {mel.min():.2f} to {mel.max():.2f}, but {spec.log} of magnitudes "
            f"goes from {low:.2f} to {high:.2f}; convert its logarithm, floor or normalization"
        )
    return mel.astype(np.float32)


def check_mel_shape(shape: tuple[int, ...], dtype: np.dtype, spec: MelSpec, name: str) -> None:
    """Checks that a mel has a floating-point dtype and the shape (frames, n_mels).

    Raises:
        UserInputError: the dtype or the shape is wrong.
    """
    bands = spec.n_mels
    if not np.issubdtype(dtype, np.floating):
        raise UserInputError(f"{name}: holds {dtype!s:.60}; give float32 log-mels")
    if len(shape) != 2 or 0 in shape:
        raise UserInputError(f"{name}: has shape {shown(shape)}; give (frames, {bands})")
    if shape[1] != bands:
        hint = "; transpose it" if shape[0] == bands else ""
        raise UserInputError(f"{name}: has shape {shape}, not (frames, {bands}){hint}")


def convert_mel(
    mel: np.ndarray,
    source: MelSpec,
    target: MelSpec,
    mean: np.ndarray | float = 0.0,
    std: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Converts a log-mel to another logarithm and floor, and undoes a normalization.

    Args:
        mel: log-mel (frames, n_mels) in the convention of `source`, normalized as
            (x − mean) / std if `mean` and `std` are given.
        source: the convention of `mel`.
        target: the convention to convert to.
        mean: one number or (n_mels,), in the unit of `source`.
        std: one number or (n_mels,), in the unit of `source`.

    Returns:
        The log-mel (frames, n_mels) in the convention of `target`, in the dtype of `mel`.

    Raises:
        UserInputError: the specs differ in more than `log` and `floor`. The mel must then be
            computed again from the audio.

    Examples:
        >>> source, target = tf_melgan.MelSpec(log="ln"), tf_melgan.MelSpec(log="log10")
        >>> natural = np.load("utterance.npy")
        >>> mel = tf_melgan.convert_mel(natural, source, target)
    """
    mismatches = spec_mismatches(source, replace(target, log=source.log, floor=source.floor))
    if mismatches:
        raise UserInputError(
            f"the mel cannot be converted: {'; '.join(mismatches)}; compute it again from the audio"
        )
    mel = np.asarray(mel)
    natural_log = {"log10": np.log(10.0), "ln": 1.0}
    converted = (mel * std + mean) * (natural_log[source.log] / natural_log[target.log])
    return np.maximum(converted, target.log_floor).astype(mel.dtype)
