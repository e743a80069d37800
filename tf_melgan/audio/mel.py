"""Log-mel spectrograms in NumPy."""

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, hann_window, take_log
from tf_melgan.errors import UserInputError


def mel_valid(padded: np.ndarray, spec: MelSpec) -> np.ndarray:
    """The mel before floor and logarithm; otherwise the same as `log_mel_valid`."""
    padded = np.asarray(padded)
    if padded.dtype not in (np.float32, np.float64):
        raise UserInputError(f"the audio is {padded.dtype}; give float32 or float64 within [-1, 1]")
    frames = np.lib.stride_tricks.sliding_window_view(padded, spec.n_fft, axis=-1)
    frames = frames[..., :: spec.hop, :] * hann_window(spec).astype(padded.dtype)
    magnitude = np.abs(np.fft.rfft(frames)).astype(padded.dtype)
    if spec.power == 2 or spec.epsilon:
        power = magnitude**2 + padded.dtype.type(spec.epsilon)
        magnitude = power if spec.power == 2 else np.sqrt(power)
    return magnitude @ spec.mel_matrix().T.astype(padded.dtype)


def log_mel_valid(padded: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Computes the log-mel of audio that already includes its margins.

    Args:
        padded: float32 or float64 samples within [-1, 1], (…, (frames − 1) · hop + n_fft).
        spec: the convention.

    Returns:
        Log-mel (…, frames, n_mels) in the dtype of `padded`.

    Raises:
        UserInputError: `padded` has another dtype.
    """
    mel = mel_valid(padded, spec)
    return take_log(np.maximum(mel, mel.dtype.type(spec.floor)), spec)


def log_mel(audio: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Computes the log-mel of a whole recording.

    Unless frames are centered, the last hop is filled up with zeros. Both ends are then padded over
    `spec.margin` samples, with zeros or by reflection, which is repeated if the audio is shorter
    than the margin, as `numpy.pad` does.

    Args:
        audio: float32 or float64 samples within [-1, 1], (samples,) or (batch, samples); at least
            one sample.
        spec: the convention.

    Returns:
        Log-mel (…, frames, n_mels) in the dtype of `audio`. `frames` is `spec.frames(samples)`,
        which is samples / hop for whole hops, or one more if frames are centered.

    Raises:
        UserInputError: `audio` is empty or has another dtype.

    Examples:
        >>> spec = tf_melgan.MelSpec()
        >>> audio = tf_melgan.load_audio("speech.wav", spec.sample_rate)
        >>> mel = tf_melgan.log_mel(audio, spec)
    """
    return log_mel_valid(pad_audio(audio, spec), spec)


def pad_audio(audio: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Pads audio for `log_mel_valid`, by `spec.margin` at both ends.

    Raises:
        UserInputError: the audio is empty.
    """
    audio = np.asarray(audio)
    samples = audio.shape[-1]
    if samples == 0:
        raise UserInputError("the audio has no samples; give at least one")
    batch_axes = [(0, 0)] * (audio.ndim - 1)
    if not spec.center:
        audio = np.pad(audio, [*batch_axes, (0, -samples % spec.hop)])
    return np.pad(audio, [*batch_axes, (spec.margin, spec.margin)], spec.pad_mode)  # type: ignore
