"""Checks whether a mel fits a `MelSpec`, and converts between conventions where that is exact."""

from dataclasses import replace

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.errors import UserInputError


def check_mel(
    mel: np.ndarray, spec: MelSpec, source: MelSpec | None = None, name: str = "mel"
) -> np.ndarray:
    """A mel made elsewhere as float32 (frames, n_mels), if it can be one of `spec`.

    Args:
        mel: floats (frames, n_mels).
        spec: what is wanted.
        source: what `mel` was made with, where that is known.
        name: what messages call it, such as its file.

    Raises:
        UserInputError: `source` differs, the shape or type is wrong, or values lie where no audio
            within [-1, 1] has any. A tenth of the range is allowed beyond both ends, since models that
            predict mels overshoot a little.
    """
    unlike = spec_mismatches(source, spec) if source else []
    if unlike:
        raise UserInputError(f"{name}: was made where {'; '.join(unlike)}")
    mel = check_mel_shape(np.asarray(mel), spec, name)
    if not np.isfinite(mel).all():
        raise UserInputError(f"{name}: holds NaN or infinite values; give finite ones")
    low, high = spec.log_floor, spec.log_ceiling
    slack = (high - low) / 10
    if mel.min() < low - slack or mel.max() > high + slack:
        raise UserInputError(
            f"{name}: goes from {mel.min():.2f} to {mel.max():.2f}, but {spec.log} of magnitudes "
            f"goes from {low:.2f} to {high:.2f}; convert its logarithm, floor or normalization"
        )
    return mel.astype(np.float32)


def check_mel_shape(mel: np.ndarray, spec: MelSpec, name: str) -> np.ndarray:
    """`mel`, if it holds floats and has the shape (frames, n_mels); else `UserInputError`."""
    bands = spec.n_mels
    if not np.issubdtype(mel.dtype, np.floating):
        raise UserInputError(f"{name}: holds {mel.dtype}; give float32 log-mels")
    if mel.ndim != 2 or 0 in mel.shape:
        raise UserInputError(f"{name}: has shape {mel.shape}; give (frames, {bands})")
    if mel.shape[1] != bands:
        transposed = "; transpose it" if mel.shape[0] == bands else ""
        raise UserInputError(f"{name}: has shape {mel.shape}, not (frames, {bands}){transposed}")
    return mel


def convert_mel(
    mel: np.ndarray,
    source: MelSpec,
    target: MelSpec,
    mean: np.ndarray | float = 0.0,
    std: np.ndarray | float = 1.0,
) -> np.ndarray:
    """A log-mel (frames, n_mels) of one convention in another's logarithm and floor.

    Args:
        mel: as `source` has it, after (x − mean) / std where it was normalized.
        mean, std: one number, or (n_mels,), in the unit of `source`.

    Raises:
        UserInputError: the two differ in more than `log` and `floor`; only a new analysis of the
            audio helps then.
    """
    unlike = spec_mismatches(source, replace(target, log=source.log, floor=source.floor))
    if unlike:
        raise UserInputError(f"the mel cannot be adapted where {'; '.join(unlike)}; make it anew")
    mel = np.asarray(mel)
    natural = {"log10": np.log(10.0), "ln": 1.0}
    adapted = (mel * std + mean) * (natural[source.log] / natural[target.log])
    return np.maximum(adapted, target.log_floor).astype(mel.dtype)
