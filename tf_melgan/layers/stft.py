"""The short-time Fourier transform that losses and discriminators share, in keras.ops."""

from typing import Any

from keras import ops


def at_least(signal: Any, samples: int) -> Any:
    """Pads (batch, time) with zeros at the end to at least `samples`."""
    missing = samples - ops.shape(signal)[1]
    if not isinstance(missing, int):  # The length is unknown until the step runs.
        missing = ops.maximum(missing, 0)
    elif missing <= 0:
        return signal
    return ops.pad(signal, ((0, 0), (0, missing)))


def stft(audio: Any, n_fft: int, frames: int = 1) -> tuple[Any, Any]:
    """Spectra of Hann-windowed frames of `n_fft` samples, n_fft / 4 apart.

    Only waveforms of fewer than `frames` frames are padded, with zeros at the end.

    Args:
        audio: waveform (batch, samples, 1), float32 or float64.
        n_fft: samples in a frame, a multiple of 4.
        frames: the smallest number of frames.

    Returns:
        Real and imaginary parts, (batch, frames, n_fft / 2 + 1).
    """
    hop = n_fft // 4
    signal = at_least(audio[:, :, 0], n_fft + (frames - 1) * hop)
    return ops.stft(signal, n_fft, hop, n_fft, window="hann", center=False)
