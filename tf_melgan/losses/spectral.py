"""Losses that compare the spectra of two waveforms, in keras.ops: float32 or float64 scalars.

Waveforms are (batch, samples, 1). All losses take (real, fake, mel), as `SpectralLoss` in
`tf_melgan.losses.registry` defines. Some of them do not depend on `mel` and ignore it.
"""

from typing import Any

from keras import ops

from tf_melgan.audio.mel_keras import keras_log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.layers.backends import sum_over_replicas
from tf_melgan.layers.stft import at_least, stft

_STFT_SIZES = (512, 1024, 2048)
_COMPRESSED_STFT_SIZES = (128, 256, 512, 1024, 2048)
_PHASE_STFT_SIZES = (512, 1024)
_COMPRESSION = 0.3
_SMALLEST_MAGNITUDE = 1e-5
_FRAME_HOPS = 4  # of the coherence loss
_BAND = 32  # bins in a band of the coherence loss
_BLOCK = 32  # samples; each level of the envelope loss spans two blocks
_SMALLEST_POWER = 1e-8
_SMALLEST_RATIO = 1e-14
_SMALLEST_STEP = 1e-18  # squared magnitude of a step from one bin to the next
_SMALLEST_PRODUCT = 1e-12  # of the squared magnitudes of two steps


def multi_resolution_stft_loss(real: Any, fake: Any, mel: MelSpec | None = None) -> Any:
    """Distance of magnitude spectrograms at three resolutions (arXiv 1910.11480, equations 3–6).

    Each resolution has two terms: the spectral convergence ‖S − Ŝ‖ / ‖S‖ over the batch, and the
    mean absolute difference of log magnitudes. Their sum is averaged over n_fft 512, 1024 and
    2048, with hop n_fft / 4 and a periodic Hann window. Only signals shorter than a window are
    padded. Magnitudes are raised to at least 1e-5.
    """
    terms = []
    for n_fft in _STFT_SIZES:
        a, b = _magnitude(real, n_fft), _magnitude(fake, n_fft)
        terms += [_convergence(a, b), ops.mean(ops.abs(ops.log(a) - ops.log(b)))]
    return ops.sum(ops.stack(terms)) / len(_STFT_SIZES)


def compressed_stft_loss(real: Any, fake: Any, mel: MelSpec | None = None) -> Any:
    """Like `multi_resolution_stft_loss`, at five resolutions and with compressed magnitudes.

    Each resolution has two terms: the spectral convergence, and three times the mean absolute
    difference of the magnitudes to the power of 0.3. Their sum is averaged over n_fft 128, 256,
    512, 1024 and 2048. The quiet bins between harmonics have a small weight here, whereas their
    gradients are the largest with logarithms.
    """
    terms = []
    for n_fft in _COMPRESSED_STFT_SIZES:
        a, b = _magnitude(real, n_fft), _magnitude(fake, n_fft)
        terms += [_convergence(a, b), 3 * ops.mean(ops.abs(a**_COMPRESSION - b**_COMPRESSION))]
    return ops.sum(ops.stack(terms)) / len(_COMPRESSED_STFT_SIZES)


def _convergence(real: Any, fake: Any) -> Any:
    """Spectral convergence of a batch, which replicas that share the batch compute together."""
    error = sum_over_replicas(ops.sum(ops.square(real - fake)))
    ratio = error / sum_over_replicas(ops.sum(ops.square(real)))
    # The square root of 0, of two silent batches, has no gradient.
    return ops.sqrt(ops.maximum(ratio, _SMALLEST_RATIO))


def _magnitude(audio: Any, n_fft: int) -> Any:
    """Magnitudes of `stft`, raised to at least 1e-5: (batch, frames, bins)."""
    real, imaginary = stft(audio, n_fft)
    power = ops.square(real) + ops.square(imaginary)
    return ops.sqrt(ops.maximum(power, _SMALLEST_MAGNITUDE**2))


def log_mel_l1_loss(real: Any, fake: Any, mel: MelSpec) -> Any:
    """Mean absolute difference of the log-mel spectrograms."""
    return ops.mean(ops.abs(keras_log_mel(real[:, :, 0], mel) - keras_log_mel(fake[:, :, 0], mel)))


def coherence_loss(real: Any, fake: Any, mel: MelSpec) -> Any:
    """Mean absolute difference of the coherence of neighboring frames (`_coherence`).

    A generator at frame rate tends to imitate noise with a signal that repeats every hop. Such a
    signal has spectral lines at multiples of the frame rate, which a spectrogram of single frames
    hardly shows.
    """
    return ops.mean(ops.abs(_coherence(real, mel.hop) - _coherence(fake, mel.hop)))


def _coherence(audio: Any, hop: int) -> Any:
    """Coherence of each frame with the next, by band: 1 if they are equal, 0 in noise.

    X are the spectra of Hann-windowed frames of four hops, one hop apart. The coherence is the sum
    of Re Xₜ · conj Xₜ₊₁ over the 32 bins of a band, divided by the mean power of both frames in
    the band.
    """
    size = _FRAME_HOPS * hop
    signal = at_least(audio[:, :, 0], size + hop)
    real, imaginary = ops.stft(signal, size, hop, size, window="hann", center=False)
    bands = size // 2 // _BAND

    def summed(x: Any) -> Any:
        batch, frames, _ = ops.shape(x)
        return ops.sum(ops.reshape(x[..., : bands * _BAND], (batch, frames, bands, _BAND)), axis=-1)

    power = summed(ops.square(real) + ops.square(imaginary))
    similarity = summed(real[:, 1:] * real[:, :-1] + imaginary[:, 1:] * imaginary[:, :-1])
    return similarity / ((power[:, 1:] + power[:, :-1]) / 2 + _SMALLEST_POWER)


def phase_loss(real: Any, fake: Any, mel: MelSpec | None = None) -> Any:
    """Distance of the phase's steps along time and along frequency, from 0 to 2.

    A mel does not hold the phase of a bin, but it says much of the step from one frame or bin to
    the next, which are frequency and group delay. The distance of two steps is 1 − cos of their
    difference. Its mean over an utterance is weighted by |step|^0.3, where |step| is the product
    of the recording's magnitudes at both ends. The loss is the mean over utterances, both
    directions, and n_fft 512 and 1024 with hop n_fft / 4.
    """
    terms = []
    for n_fft in _PHASE_STFT_SIZES:
        a, b = stft(real, n_fft, 2), stft(fake, n_fft, 2)
        terms += [_step_distance(_steps(*a, axis), _steps(*b, axis)) for axis in (1, 2)]
    return ops.mean(ops.stack(terms))


def _steps(real: Any, imaginary: Any, axis: int) -> tuple[Any, Any]:
    """Products of each bin and its conjugate predecessor along `axis`, as real and imaginary."""
    before, after = ((slice(None),) * axis + (part,) for part in (slice(-1), slice(1, None)))
    return (
        real[after] * real[before] + imaginary[after] * imaginary[before],
        imaginary[after] * real[before] - real[after] * imaginary[before],
    )


def _step_distance(real: tuple[Any, Any], fake: tuple[Any, Any]) -> Any:
    """Mean over utterances of the weighted mean of 1 − cos of the difference of phases."""
    real_power, fake_power = (ops.square(x) + ops.square(y) for x, y in (real, fake))
    product = real[0] * fake[0] + real[1] * fake[1]
    # Without the constant, the square root of silence would have no gradient.
    cosine = product / ops.sqrt(real_power * fake_power + _SMALLEST_PRODUCT)
    weight = ops.maximum(real_power, _SMALLEST_STEP) ** (_COMPRESSION / 2)
    return ops.mean(ops.sum(weight * (1 - cosine), (1, 2)) / ops.sum(weight, (1, 2)))


def envelope_loss(real: Any, fake: Any, mel: MelSpec | None = None) -> Any:
    """Mean absolute difference of the log RMS level over 64 samples, every 32 samples.

    The loss penalizes pre-echo before an onset, which is shorter than an STFT frame. RMS is raised
    to at least 1e-4.
    """
    return ops.mean(ops.abs(_levels(real) - _levels(fake)))


def _levels(audio: Any) -> Any:
    signal = at_least(audio[:, :, 0], 2 * _BLOCK)
    blocks = ops.shape(signal)[1] // _BLOCK
    square = ops.reshape(ops.square(signal[:, : blocks * _BLOCK]), (-1, blocks, _BLOCK))
    power = ops.mean(square, axis=-1)
    return ops.log(ops.maximum((power[:, 1:] + power[:, :-1]) / 2, _SMALLEST_POWER)) / 2
