"""Log-mel spectrograms in NumPy."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, hann_window, take_log
from tf_melgan.errors import UserInputError


def mel_valid(padded: np.ndarray, spec: MelSpec) -> np.ndarray:
    """`log_mel_valid` before floor and logarithm."""
    padded = np.asarray(padded)
    if padded.dtype not in (np.float32, np.float64):
        raise UserInputError(f"the audio is {padded.dtype}; give float32 or float64 within [-1, 1]")
    frames = np.lib.stride_tricks.sliding_window_view(padded, spec.n_fft, axis=-1)
    frames = frames[..., :: spec.hop, :] * hann_window(spec).astype(padded.dtype)
    magnitude = np.abs(np.fft.rfft(frames)).astype(padded.dtype)
    return magnitude @ spec.mel_matrix().T.astype(padded.dtype)


def log_mel_valid(padded: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Log-mel of audio that brings its margins: (…, frames·hop + 2·margin) → (…, frames, n_mels).

    Args:
        padded: float32 or float64 samples in [-1, 1]; the result has its dtype.
    """
    mel = mel_valid(padded, spec)
    return take_log(np.maximum(mel, mel.dtype.type(spec.floor)), spec)


def log_mel(audio: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Log-mel of whole audio: (samples,) or (batch, samples) → (…, frames, n_mels).

    An unfinished last hop is filled with zeros, then both ends are reflected over `spec.margin`
    samples, repeatedly where the audio is shorter than that, as `numpy.pad` does. There are
    `spec.frames(samples)` frames: samples / hop for whole hops.

    Args:
        audio: float32 or float64 samples in [-1, 1], at least one; the result has its dtype.
    """
    return log_mel_valid(pad_audio(audio, spec), spec)


def pad_audio(audio: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Whole audio as `log_mel` sees it: (…, samples) → (…, frames·hop + 2·margin)."""
    audio = np.asarray(audio)
    samples = audio.shape[-1]
    if samples == 0:
        raise UserInputError("the audio has no samples; give at least one")
    lead = [(0, 0)] * (audio.ndim - 1)
    whole = np.pad(audio, [*lead, (0, -samples % spec.hop)])
    return np.pad(whole, [*lead, (spec.margin, spec.margin)], "reflect")
