"""Objective metrics of synthesized speech against the recording, one function per metric."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.sound_files import resample
from tf_melgan.evaluation.convention import MetricValue, metric_mel_spec
from tf_melgan.evaluation.pitch import log_f0_rmse, voicing_error

_SPEECH_RATE = 16_000
_PESQ_CHUNK_SECONDS = 20
_STFT_RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))
_SMALLEST_MAGNITUDE = 1e-5
_CEPSTRA = 24


@dataclass(frozen=True)
class Metric:
    """A metric, which is a column of the report's table.

    Args:
        key: the key in results.
        title: the column's title.
        unit: the unit, or "".
        higher_is_better: whether a higher value is better.
        digits: decimals to show.
        about: a short description.
        compute: the function (reference, synthesized, rate) → value.
    """

    key: str
    title: str
    unit: str
    higher_is_better: bool
    digits: int
    about: str
    compute: Callable[[np.ndarray, np.ndarray, int], MetricValue]


def compute_metrics(
    reference: np.ndarray, synthesized: np.ndarray, rate: int
) -> dict[str, MetricValue]:
    """Computes all metrics of `METRICS` for one utterance.

    Examples:
        >>> from tf_melgan.evaluation.metrics import compute_metrics
        >>> values = compute_metrics(recording, vocoder.vocode(mel), rate=22050)
        >>> print(values["pesq"], values["mel"])

    Args:
        reference: the recording, float (samples,) in [-1, 1].
        synthesized: the same utterance, aligned, float (samples,). The longer of the two signals
            is cut at its end.
        rate: the sample rate of both, Hz.

    Returns:
        For each metric, by key, a number, or the reason (str) why it is not defined for this pair.
    """
    length = min(len(reference), len(synthesized))
    a, b = (np.clip(x[:length], -1, 1).astype(np.float32) for x in (reference, synthesized))
    return {metric.key: metric.compute(a, b, rate) for metric in METRICS}


def pesq_wb(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """Wide-band PESQ (ITU-T P.862.2), 1 to 4.64; for long audio the mean over chunks of 20 s.

    Long audio is split because the ITU's code has a buffer for 50 bursts of speech and overruns it
    when there are more.
    """
    import pesq

    reference, synthesized = (resample(x, rate, _SPEECH_RATE) for x in (reference, synthesized))
    if not reference.any() or not synthesized.any():
        return "silent"
    chunks = -(-len(reference) // (_PESQ_CHUNK_SECONDS * _SPEECH_RATE))
    pairs = zip(*(np.array_split(x, chunks) for x in (reference, synthesized)), strict=True)
    values = []
    for a, b in pairs:
        try:
            values.append(pesq.pesq(_SPEECH_RATE, a, b, "wb"))
        except pesq.BufferTooShortError:
            return "shorter than 0.25 s"
        except pesq.NoUtterancesError:
            continue
    return float(np.mean(values)) if values else "no speech found"


def visqol(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """ViSQOL in speech mode (Chinen et al. 2020), 1 to 5; equal speech has 4.5 to 4.7.

    It needs the package visqol-python, which the extra `visqol` installs.
    """
    try:
        api = _visqol_api()
    except ModuleNotFoundError:
        return 'needs visqol-python; pip install ".[visqol]"'
    a, b = (resample(x, rate, _SPEECH_RATE).astype(float) for x in (reference, synthesized))
    if not a.any() or not b.any():
        return "silent"
    try:
        return float(api.measure_from_arrays(a, b, _SPEECH_RATE).moslqo)
    except (ValueError, IndexError):
        return "too little speech"


@cache
def _visqol_api() -> Any:
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="speech", use_lattice_model=True)
    return api


def stoi(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """Short-time objective intelligibility (STOI; Taal et al. 2011), up to 1."""
    import pystoi

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(pystoi.stoi(reference, synthesized, rate))
        except (RuntimeWarning, ValueError, IndexError):
            return "under 0.4 s of speech"


def dnsmos(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """Overall opinion score predicted without the recording (DNSMOS P.835), 1 to 5."""
    from speechmos import dnsmos as network

    audio = resample(synthesized, rate, _SPEECH_RATE)
    if not audio.any():
        return "silent"
    return float(network.run(np.clip(audio, -1, 1), _SPEECH_RATE)["ovrl_mos"])


def log_mel_l1(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """Mean absolute difference of log10 mel spectrograms, in the convention `metric_mel_spec`."""
    return float(np.abs(_mel_difference(reference, synthesized, rate)).mean())


def stft_distance(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> MetricValue:
    """Multi-resolution STFT distance in float64.

    Same formula as `tf_melgan.losses.spectral.multi_resolution_stft_loss`.
    """
    terms = []
    for n_fft, hop in _STFT_RESOLUTIONS:
        a, b = (_magnitude(x, n_fft, hop) for x in (reference, synthesized))
        terms.append(np.linalg.norm(a - b) / np.linalg.norm(a))
        terms.append(np.abs(np.log(a) - np.log(b)).mean())
    return float(np.sum(terms) / len(_STFT_RESOLUTIONS))


def mel_cepstral_distortion(
    reference: np.ndarray, synthesized: np.ndarray, rate: int
) -> MetricValue:
    """Mel cepstral distortion (MCD; Kubichek 1993) in dB, over 24 cepstra, without the level c0.

    The cepstra are the cosine transform of the log-mel in the convention `metric_mel_spec`. Frames
    must be aligned.
    """
    from scipy.fft import dct

    difference = _mel_difference(reference, synthesized, rate) * np.log(10)
    cepstra = dct(difference, type=2, axis=-1)[:, 1 : _CEPSTRA + 1] / difference.shape[-1]
    return float((10 / np.log(10) * np.sqrt(2 * (cepstra**2).sum(-1))).mean())


def _mel_difference(reference: np.ndarray, synthesized: np.ndarray, rate: int) -> np.ndarray:
    spec = metric_mel_spec(rate)
    return log_mel(reference.astype(np.float64), spec) - log_mel(
        synthesized.astype(np.float64), spec
    )


def _magnitude(audio: np.ndarray, n_fft: int, hop: int) -> np.ndarray:
    signal = np.pad(audio.astype(np.float64), (0, max(0, n_fft - len(audio))))
    frames = np.lib.stride_tricks.sliding_window_view(signal, n_fft)[::hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    return np.maximum(np.abs(np.fft.rfft(frames * window)), _SMALLEST_MAGNITUDE)


METRICS = (
    Metric("pesq", "PESQ-wb", "MOS-LQO", True, 2, "perceived quality, 1 to 4.64", pesq_wb),
    Metric("visqol", "ViSQOL", "MOS-LQO", True, 2, "perceived quality, 1 to 5", visqol),
    Metric("stoi", "STOI", "", True, 3, "intelligibility, up to 1", stoi),
    Metric("dnsmos", "DNSMOS", "MOS", True, 2, "predicted opinion, 1 to 5", dnsmos),
    Metric("mel", "log-mel L1", "log10", False, 4, "difference of log-mels", log_mel_l1),
    Metric("stft", "STFT", "", False, 3, "distance of spectra, three resolutions", stft_distance),
    Metric("mcd", "MCD", "dB", False, 2, "mel cepstral distortion", mel_cepstral_distortion),
    Metric("f0", "log-F0 RMSE", "cents", False, 0, "pitch where both are voiced", log_f0_rmse),
    Metric("vuv", "V/UV error", "%", False, 1, "frames voiced in one of the two", voicing_error),
)
