"""What a vocoder's sound must not have: noise in silence, clicks at the ends, lines at frame rate.

Levels are in dB of full scale (a square wave of amplitude 1 has 0). Sounds are float (samples,);
a recording and what was made of its mel are aligned and of one length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import get_window

_TINY = 1e-12  # power of −120 dB, which digital silence counts as
_ACTIVE_FRAME, _ACTIVE_RANGE = 0.02, 30.0  # seconds, dB
_EDGE, _EDGE_FLOOR = 0.01, -80.0  # seconds, dB
_NOISE_FLATNESS, _NOISE_LEVEL = 0.3, -60.0  # the latter in dB
_NOISE_BAND, _NOISE_RANGE = 500.0, (100.0, 4000.0)  # Hz
_WINDOW = 8  # hops; so many bins lie between two lines
_BESIDE = (-5, -4, -3, 3, 4, 5)  # bins that neither a line nor the next reaches


def level(sound: np.ndarray) -> float:
    """RMS of (samples,), dB; −120 at the least."""
    return _decibels(np.mean(np.square(sound, dtype=np.float64)))


def active_level(sound: np.ndarray, rate: int) -> float:
    """RMS of (samples,) where somebody speaks, dB.

    That is in the frames of 20 ms no more than 30 dB under the loud ones (their 95th percentile).
    """
    size = round(_ACTIVE_FRAME * rate)
    frames = sound[: len(sound) // size * size].reshape(-1, size)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return _decibels(power[power >= np.quantile(power, 0.95) * 10 ** (-_ACTIVE_RANGE / 10)].mean())


def silence_depth(silence: np.ndarray, speech: np.ndarray, rate: int) -> float:
    """How far what is made of silence lies under the same voice's speech, dB; more is better.

    Args:
        silence: the output for a mel at its floor, (samples,).
        speech: the output for speech, (samples,).
        rate: of both, Hz.
    """
    return active_level(speech, rate) - level(silence)


def edge_excess(recording: np.ndarray, sound: np.ndarray, rate: int) -> tuple[float, float]:
    """How much louder than the recording the first and the last 10 ms are, dB.

    Levels under −80 dB count as −80 dB, so that digital silence has a finite one.

    Args:
        recording, sound: (samples,) each.
        rate: of both, Hz.
    """
    size = round(_EDGE * rate)
    first, last = (
        max(level(sound[part]), _EDGE_FLOOR) - max(level(recording[part]), _EDGE_FLOOR)
        for part in (slice(size), slice(-size, None))
    )
    return first, last


@dataclass(frozen=True)
class Lines:
    """How far the spectrum of noise stands out at multiples of the frame rate.

    Attributes:
        frames: how many went into the spectrum.
        excess: of the 1st, 2nd, … multiple over its neighbours, dB (multiples,).
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
        """Where it is."""
        return float((self.excess.argmax() + 1) * self.frame_rate)


def noise_frames(recording: np.ndarray, rate: int, hop: int) -> np.ndarray:
    """Which windows of eight hops, one every two, hold noise: fricatives, breath, the room.

    In such a window the spectrum is flat in every band of 500 Hz from 100 Hz to 4 kHz: its
    geometric mean over its arithmetic one is 0.3 or more (0.56 for white noise; harmonics are far
    below). Windows under −60 dB are none: where a room is that quiet, the mains hum in it.

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
    """Spectral lines at multiples of rate / hop in what was made of noise.

    The power spectra of the windows where the recordings hold noise (`noise_frames`), each scaled
    to a power of 1, are averaged. A line stands in one bin of eight; its excess is the power there
    over the median of six bins in the middle between it and the lines beside it.

    Args:
        recordings, sounds: (samples,) each.
        rate: Hz.
        hop: samples per frame of the mel.

    Returns:
        None, if the recordings hold no noise.
    """
    total, count = np.zeros(_WINDOW * hop // 2 + 1), 0
    for recording, sound in zip(recordings, sounds, strict=True):
        power = _powers(sound, hop)[noise_frames(recording, rate, hop)]
        total += (power / (power.sum(axis=1, keepdims=True) + 1e-20)).sum(axis=0)
        count += len(power)
    if count == 0:
        return None
    lines = _WINDOW * np.arange(1, hop // 2)
    beside = np.median([total[lines + offset] for offset in _BESIDE], axis=0)
    excess = 10 * np.log10((total[lines] + 1e-20) / (beside + 1e-20))
    return Lines(count, excess, rate / hop)


def _windows(sound: np.ndarray, hop: int) -> np.ndarray:
    size = _WINDOW * hop
    signal = np.pad(sound.astype(np.float64), (0, max(0, size - len(sound))))
    return np.lib.stride_tricks.sliding_window_view(signal, size)[:: 2 * hop]


def _powers(sound: np.ndarray, hop: int) -> np.ndarray:
    size = _WINDOW * hop
    return np.abs(np.fft.rfft(_windows(sound, hop) * get_window("hann", size))) ** 2


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, _TINY)))
