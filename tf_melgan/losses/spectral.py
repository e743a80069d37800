"""Losses that compare the spectra of two waveforms, on keras.ops: scalars in float32 or float64.

Waveforms are (batch, samples, 1). All take (real, fake, mel), as `tf_melgan.losses.registry` says;
those that do not depend on the mel convention leave `mel` unused.
"""

from typing import Any

from keras import ops

from tf_melgan.audio.mel_keras import keras_log_mel
from tf_melgan.audio.mel_spec import MelSpec

_STFT_SIZES = (512, 1024, 2048)
_COMPRESSED_STFT_SIZES = (128, 256, 512, 1024, 2048)
_COMPRESSION = 0.3
_SMALLEST_MAGNITUDE = 1e-5
_FRAME_HOPS = 4  # of the coherence loss
_BAND = 32  # bins of such a frame
_BLOCK = 32  # samples; a level is taken over two
_SMALLEST_POWER = 1e-8


def multi_resolution_stft_loss(real: Any, fake: Any, mel: MelSpec | None = None) -> Any:
    """Distance of magnitude spectrograms at three resolutions (arXiv 1910.11480, equations 3–6).

    Per resolution, spectral convergence ‖S − Ŝ‖ / ‖S‖ over the batch plus the mean absolute
    difference of log magnitudes; averaged over n_fft 512, 1024 and 2048 with hop n_fft / 4, a
    periodic Hann window and no padding but that of signals shorter than a window. Magnitudes
    are kept at or above 1e-5.
    """
    terms = []
    for n_fft in _STFT_SIZES:
        a, b = _magnitude(real, n_fft), _magnitude(fake, n_fft)
        terms += [_convergence(a, b), ops.mean(ops.abs(ops.log(a) - ops.log(b)))]
    return ops.sum(ops.stack(terms)) / len(_STFT_SIZES)


def compressed_stft_loss(real: Any, fake: Any, mel: MelSpec | None = None) -> Any:
    """As `multi_resolution_stft_loss`, with two shorter frames, and powers for logarithms.

    Per resolution, spectral convergence plus three times the mean absolute difference of the
    magnitudes to the power of 0.3; averaged over n_fft 128, 256, 512, 1024 and 2048. What lies
    between harmonics then counts little, where logarithms have the steepest gradients.
    """
    terms = []
    for n_fft in _COMPRESSED_STFT_SIZES:
        a, b = _magnitude(real, n_fft), _magnitude(fake, n_fft)
        terms += [_convergence(a, b), 3 * ops.mean(ops.abs(a**_COMPRESSION - b**_COMPRESSION))]
    return ops.sum(ops.stack(terms)) / len(_COMPRESSED_STFT_SIZES)


def _convergence(real: Any, fake: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(real - fake)) / ops.sum(ops.square(real)))


def _magnitude(audio: Any, n_fft: int) -> Any:
    """Hann-windowed magnitudes (batch, frames, bins), frames n_fft / 4 apart, from 1e-5 up.

    Nothing is padded but a signal (batch, samples, 1) that is shorter than a frame.
    """
    signal = _at_least(audio[:, :, 0], n_fft)
    real, imaginary = ops.stft(signal, n_fft, n_fft // 4, n_fft, window="hann", center=False)
    power = ops.square(real) + ops.square(imaginary)
    return ops.sqrt(ops.maximum(power, _SMALLEST_MAGNITUDE**2))


def log_mel_l1_loss(real: Any, fake: Any, mel: MelSpec) -> Any:
    """Mean absolute difference of the log-mel spectrograms."""
    return ops.mean(ops.abs(keras_log_mel(real[:, :, 0], mel) - keras_log_mel(fake[:, :, 0], mel)))


def coherence_loss(real: Any, fake: Any, mel: MelSpec) -> Any:
    """Mean absolute difference of how alike neighbouring frames are (`_coherence`).

    A generator at frame rate is tempted to make noise from what it repeats every hop, which has
    lines at multiples of the frame rate, and which a spectrogram of one frame hardly shows.
    """
    return ops.mean(ops.abs(_coherence(real, mel.hop) - _coherence(fake, mel.hop)))


def _coherence(audio: Any, hop: int) -> Any:
    """How alike a frame and the next are, by bands: 1 where one repeats the other, 0 in noise.

    Of the spectra X of Hann-windowed frames of four hops, a hop apart, the sum of
    Re Xₜ · conj Xₜ₊₁ over the 32 bins of a band, over the mean of both frames' power there.
    """
    size = _FRAME_HOPS * hop
    signal = _at_least(audio[:, :, 0], size + hop)
    real, imaginary = ops.stft(signal, size, hop, size, window="hann", center=False)
    bands = size // 2 // _BAND

    def summed(x: Any) -> Any:
        return ops.sum(ops.reshape(x[..., : bands * _BAND], (*x.shape[:-1], bands, _BAND)), axis=-1)

    power = summed(ops.square(real) + ops.square(imaginary))
    alike = summed(real[:, 1:] * real[:, :-1] + imaginary[:, 1:] * imaginary[:, :-1])
    return alike / ((power[:, 1:] + power[:, :-1]) / 2 + _SMALLEST_POWER)


def envelope_loss(real: Any, fake: Any, mel: MelSpec | None = None) -> Any:
    """Mean absolute difference of the logarithms of the RMS of 64 samples, 32 apart.

    It hears what sounds before an onset, where a frame has but one level. RMS is kept at 1e-4.
    """
    return ops.mean(ops.abs(_levels(real) - _levels(fake)))


def _levels(audio: Any) -> Any:
    signal = _at_least(audio[:, :, 0], 2 * _BLOCK)
    blocks = signal.shape[1] // _BLOCK
    square = ops.reshape(ops.square(signal[:, : blocks * _BLOCK]), (-1, blocks, _BLOCK))
    power = ops.mean(square, axis=-1)
    return ops.log(ops.maximum((power[:, 1:] + power[:, :-1]) / 2, _SMALLEST_POWER)) / 2


def _at_least(signal: Any, samples: int) -> Any:
    """(batch, samples) with zeros behind, if it is shorter."""
    missing = samples - signal.shape[1]
    return ops.pad(signal, ((0, 0), (0, missing))) if missing > 0 else signal
