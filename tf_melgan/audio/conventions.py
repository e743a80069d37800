"""Checks that a mel is of the convention that it claims; converts logarithms and floors."""

import warnings
from dataclasses import replace

import numpy as np

from tf_melgan.audio.mel_layout import frames_first
from tf_melgan.audio.mel_sources import MelSource
from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.audio.plausibility import doubt, guess, out_of_range
from tf_melgan.errors import MelWarning, UserInputError


def check_mel(mel: np.ndarray, spec: MelSpec, name: str = "mel") -> np.ndarray:
    """Checks that a mel from another program can be a log-mel of `spec`.

    Args:
        mel: floating-point log-mel (frames, n_mels), or (1, frames, n_mels), or with frames and
            bands exchanged.
        spec: the expected convention.
        name: the name of the mel in error messages, such as its file.

    Returns:
        The mel as float32 (frames, n_mels).

    Raises:
        UserInputError: the shape or dtype is wrong, or values are outside the range of audio within
            [-1, 1]. The range is extended by a tenth at both ends, because models that predict mels
            overshoot slightly.

    Examples:
        >>> from tf_melgan.audio.conventions import check_mel
        >>> spec = tf_melgan.MelSpec()
        >>> mel = check_mel(np.load("utterance.npy"), spec, name="utterance.npy")
    """
    return read_mel(mel, MelSource(spec), name)


def read_mel(mel: np.ndarray, source: MelSource, name: str = "mel") -> np.ndarray:
    """Returns the log-mel of `source.spec` that a mel of `source` was made from.

    Args:
        mel: floating-point mel of a shape as for `check_mel`.
        source: the convention of the mel.
        name: the name of the mel in error messages, such as its file.

    Returns:
        Log-mel, float32 (frames, n_mels).

    Raises:
        UserInputError: as for `check_mel`.
    """
    spec = source.spec
    given = frames_first(np.asarray(mel), spec.n_mels, name)
    if not np.isfinite(given).all():
        raise UserInputError(f"{name}: holds NaN or infinite values; give finite ones")
    if source.limits and _beyond(given, *source.limits):
        low, high = source.limits
        raise UserInputError(
            f"{name}: goes from {given.min():.2f} to {given.max():.2f}, but mels of this "
            f"convention go from {low:g} to {high:g}; {guess(given) or 'name another convention'}"
        )
    try:
        log_mel = source.to_log_mel(given)
    except UserInputError as error:
        raise UserInputError(f"{name}: {error}") from None
    if fault := out_of_range(log_mel, spec):
        advice = guess(given) or "convert its logarithm, floor or normalization"
        raise UserInputError(f"{name}: {fault}; {advice}")
    return log_mel.astype(np.float32)


def _beyond(mel: np.ndarray, low: float, high: float) -> bool:
    """Whether values are beyond limits by more than the tenth by which models overshoot."""
    tolerance = (high - low) / 10
    return bool(mel.min() < low - tolerance or mel.max() > high + tolerance)


def warn_if_unlikely(
    mel: np.ndarray, spec: MelSpec, name: str = "mel", named: bool = False
) -> bool:
    """Warns with a `MelWarning` if a log-mel is hardly one of a recording; returns whether it did.

    Args:
        mel: log-mel (frames, n_mels) of `spec`, as `read_mel` returns it.
        spec: the convention that it claims.
        name: the name of the mel in the message, such as its file.
        named: whether the user said that it is of `spec`.
    """
    unlikely = doubt(mel, spec, named)
    if unlikely:
        warnings.warn(f"{name}: {unlikely}", MelWarning, stacklevel=3)
    return bool(unlikely)


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
