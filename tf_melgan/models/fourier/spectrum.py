"""From log-magnitudes and phases to a waveform, and the log-magnitudes to begin with."""

from typing import Any

import numpy as np
from keras import ops

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.models.fourier.inverse_stft import OVERLAP

# Upper bound of magnitudes, above those of full-scale audio. Vocos uses the same bound.
_LARGEST = 100.0
# Beyond 88, exp overflows in float32, and the bound's gradient would be 0 times infinity.
_LARGEST_EXPONENT = 80.0


def spectrum(x: Any, rough: Any = 0.0) -> Any:
    """Returns the real and then imaginary parts of a spectrum: (batch, frames, 2 · bins).

    Args:
        x: corrections of the log-magnitudes and then phases, (batch, frames, 2 · bins).
        rough: initial natural log-magnitudes, (batch, frames, bins), or 0.
    """
    bins = x.shape[-1] // 2
    exponent = ops.minimum(x[..., :bins] + rough, _LARGEST_EXPONENT)
    magnitude = ops.minimum(ops.exp(exponent), _LARGEST)
    phase = x[..., bins:]
    return ops.concatenate((magnitude * ops.cos(phase), magnitude * ops.sin(phase)), axis=-1)


def overlap_add(frames: Any, kernel: np.ndarray, start: int) -> Any:
    """Adds what each frame gives to four hops: (batch, frames, n) → (batch, frames · hop, 1).

    Args:
        frames: such as spectra with real and then imaginary parts.
        kernel: (4, n, hop), such as `inverse_kernel`.
        start: samples from the start of the first frame to the first sample of the output.
    """
    pad, hop = OVERLAP - 1, kernel.shape[-1]
    padded = ops.pad(frames, ((0, 0), (pad, pad), (0, 0)))
    sums = ops.conv(padded, ops.convert_to_tensor(kernel, dtype=frames.dtype), padding="valid")
    batch, count = ops.shape(frames)[0], ops.shape(frames)[1]
    audio = ops.reshape(sums, (-1, (count + pad) * hop, 1))
    return ops.slice(audio, (0, start, 0), (batch, count * hop, 1))


def initial_log_magnitude(mel: MelSpec) -> tuple[np.ndarray, np.ndarray]:
    """Returns a linear map from a log-mel to log-magnitudes of the inverse STFT's bins.

    At the center of a band the magnitude is the mel divided by the sum of the band's filter, or the
    root of that for a mel of power. The sum is n_fft / sample_rate times the filter's area over Hz.
    Between the centers, log-magnitudes are interpolated linearly.

    Returns:
        Kernel (n_mels, bins) and bias (bins,), float64. Their input is the log-mel minus its
        floor; their output is natural log-magnitudes.
    """
    size = OVERLAP * mel.hop
    frequencies = np.arange(size // 2 + 1) * mel.sample_rate / size
    interpolation = np.stack(
        [np.interp(frequencies, mel.band_centers, x) for x in np.eye(mel.n_mels)]
    )
    kernel = interpolation * (np.log(10) if mel.log == "log10" else 1.0) / mel.power
    # Magnitudes are proportional to the window's length.
    gain = np.log(size / mel.window * (mel.sample_rate / mel.n_fft) ** (1 / mel.power))
    bias = mel.log_floor * kernel.sum(axis=0) + gain
    if mel.norm == "none":
        bias -= np.log(mel.band_widths) @ interpolation / mel.power
    return kernel, bias
