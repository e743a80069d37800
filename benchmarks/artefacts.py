"""Measures a vocoder's artefacts: noise in silence, clicks at the ends, lines at the frame rate.

A module of benchmarks.quality, without a command of its own. Levels are in dB of full scale (a
square wave of amplitude 1 has 0 dB). Audio is float (samples,); a recording and what was
synthesized from its mel are aligned and have the same length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import get_window

_MIN_POWER = 1e-12  # −120 dB; digital silence counts as this
_ACTIVE_FRAME, _ACTIVE_RANGE = 0.02, 30.0  # seconds, dB
_EDGE, _EDGE_FLOOR = 0.01, -80.0  # seconds, dB
_NOISE_FLATNESS, _NOISE_LEVEL = 0.3, -60.0  # the latter in dB
_NOISE_BAND, _NOISE_RANGE = 500.0, (100.0, 4000.0)  # Hz
_WINDOW = 8  # hops; two lines are as many bins apart
_NEIGHBOURS = (-5, -4, -3, 3, 4, 5)  # bins between two lines that neither of them reaches


def level(sound: np.ndarray) -> float:
    """RMS in dB, at least −120."""
    return _decibels(np.mean(np.square(sound, dtype=np.float64)))


def active_level(sound: np.ndarray, rate: int) -> float:
    """RMS in dB of the active speech.

    Active are the frames of 20 ms at most 30 dB below the 95th percentile of all frames.
    """
    size = round(_ACTIVE_FRAME * rate)
    frames = sound[: len(sound) // size * size].reshape(-1, size)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return _decibels(power[power >= np.quantile(power, 0.95) * 10 ** (-_ACTIVE_RANGE / 10)].mean())


def silence_depth(silence: np.ndarray, speech: np.ndarray, rate: int) -> float:
    """How far a voice's output for silence is below its output for speech, dB; higher is better.

    Args:
        silence: the output for a mel at its floor.
        speech: the output for speech.
        rate: of both, Hz.
    """
    return active_level(speech, rate) - level(silence)


def edge_excess(recording: np.ndarray, sound: np.ndarray, rate: int) -> tuple[float, float]:
    """How much louder than the recording the first and the last 10 ms are, dB.

    Levels below −80 dB count as −80 dB, so that digital silence has a finite level.
    """
    size = round(_EDGE * rate)
    first, last = (
        max(level(sound[part]), _EDGE_FLOOR) - max(level(recording[part]), _EDGE_FLOOR)
        for part in (slice(size), slice(-size, None))
    )
    return first, last


@dataclass(frozen=True)
class Lines:
    """Spectral lines at multiples of the frame rate, in what should be noise.

    Attributes:
        frames: the number of windows in the average spectrum.
        excess: of the 1st, 2nd, … multiple over its neighbours, dB, (multiples,).
        frame_rate: Hz.
    """

    frames: int
    excess: np.ndarray
    frame_rate: float

    @property
    def largest(self) -> float:
        """The largest excess, dB."""
        return float(self.excess.max())

    @property
    def hertz(self) -> float:
        """The frequency of the largest excess, Hz."""
        return float((self.excess.argmax() + 1) * self.frame_rate)


def noise_frames(recording: np.ndarray, rate: int, hop: int) -> np.ndarray:
    """Which windows of eight hops, at every second hop, contain noise: fricatives, breath, room.

    In such a window the spectrum is flat in every band of 500 Hz from 100 Hz to 4 kHz: the ratio of
    its geometric to its arithmetic mean is 0.3 or more (0.56 for white noise, far less for
    harmonics). Windows below −60 dB do not count: at that level, mains hum dominates.

    Args:
        recording: (samples,).
        rate: Hz.
        hop: samples per frame of the mel.

    Returns:
        bool (windows,).
    """
    power = _powers(recording, hop)
    bins = _WINDOW * hop / rate
    width = round(_NOISE_BAND * bins)
    low, high = (round(edge * bins) for edge in _NOISE_RANGE)
    flat = np.ones(len(power), bool)
    for start in range(low, high - width + 1, width):
        band = power[:, start : start + width] + 1e-20
        flat &= np.exp(np.log(band).mean(1)) >= _NOISE_FLATNESS * band.mean(1)
    windows = _windows(recording, hop)
    return flat & (np.mean(windows**2, axis=1) > 10 ** (_NOISE_LEVEL / 10))


def frame_lines(
    recordings: Sequence[np.ndarray], sounds: Sequence[np.ndarray], rate: int, hop: int
) -> Lines | None:
    """Spectral lines at multiples of rate / hop where the recordings contain noise.

    The power spectra of the windows of `noise_frames`, each scaled to a power of 1, are averaged.
    A line is in every eighth bin; its excess is its power over the median of six bins halfway
    between it and the neighbouring lines.

    Args:
        recordings: (samples,) each.
        sounds: what was synthesized from their mels, in the same order.
        rate: Hz.
        hop: samples per frame of the mel.

    Returns:
        None if the recordings contain no noise.
    """
    total, count = np.zeros(_WINDOW * hop // 2 + 1), 0
    for recording, sound in zip(recordings, sounds, strict=True):
        power = _powers(sound, hop)[noise_frames(recording, rate, hop)]
        total += (power / (power.sum(axis=1, keepdims=True) + 1e-20)).sum(axis=0)
        count += len(power)
    if count == 0:
        return None
    lines = _WINDOW * np.arange(1, hop // 2)
    neighbours = np.median([total[lines + offset] for offset in _NEIGHBOURS], axis=0)
    excess = 10 * np.log10((total[lines] + 1e-20) / (neighbours + 1e-20))
    return Lines(count, excess, rate / hop)


def _windows(sound: np.ndarray, hop: int) -> np.ndarray:
    size = _WINDOW * hop
    signal = np.pad(sound.astype(np.float64), (0, max(0, size - len(sound))))
    return np.lib.stride_tricks.sliding_window_view(signal, size)[:: 2 * hop]


def _powers(sound: np.ndarray, hop: int) -> np.ndarray:
    size = _WINDOW * hop
    return np.abs(np.fft.rfft(_windows(sound, hop) * get_window("hann", size))) ** 2


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, _MIN_POWER)))
