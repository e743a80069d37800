"""Brings arrays of mels into the shape (frames, n_mels)."""

import warnings

import numpy as np

from tf_melgan.errors import MelWarning, UserInputError, shown


def frames_first(mel: np.ndarray, n_mels: int, name: str = "mel") -> np.ndarray:
    """Undoes a batch axis of 1 and a transposition, if the shape leaves no doubt.

    Warns with a `MelWarning` if it did.

    Args:
        mel: floating-point values of any shape; it may be a memory map, of which nothing is read.
        n_mels: the number of bands.
        name: the name of the mel in messages, such as its file.

    Returns:
        A view of (frames, n_mels).

    Raises:
        UserInputError: as for `require_layout`.
    """
    frames = with_frames_first(mel, n_mels, name)
    if frames.shape != mel.shape:
        warnings.warn(
            f"{name}: shape {mel.shape} is read as {len(frames)} frames of {n_mels} bands",
            MelWarning,
            stacklevel=3,
        )
    return frames


def with_frames_first(mel: np.ndarray, n_mels: int, name: str) -> np.ndarray:
    """Does what `frames_first` does, and says nothing."""
    require_layout(mel.shape, mel.dtype, n_mels, name)
    frames = mel[0] if mel.ndim == 3 else mel
    return frames if frames.shape[1] == n_mels else frames.T


def require_layout(shape: tuple[int, ...], dtype: np.dtype, n_mels: int, name: str) -> None:
    """Checks that an array is a mel, as it is or with its axes in another order.

    Raises:
        UserInputError: the dtype or the shape is wrong, or the shape is ambiguous.
    """
    if not np.issubdtype(dtype, np.floating):
        raise UserInputError(f"{name}: holds {dtype!s:.60}; give float32 log-mels")
    axes = shape[1:] if len(shape) == 3 and shape[0] == 1 else shape
    if len(axes) != 2 or 0 in shape:
        raise UserInputError(f"{name}: has shape {shown(shape)}; give (frames, {n_mels})")
    if n_mels not in axes:
        raise UserInputError(f"{name}: has shape {shape}, not (frames, {n_mels})")
    if axes != shape and axes == (n_mels, n_mels):
        raise UserInputError(
            f"{name}: has shape {shape}, in which bands look like frames; give (frames, {n_mels})"
        )
