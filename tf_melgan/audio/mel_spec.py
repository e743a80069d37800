"""`MelSpec` defines the log-mel spectrogram; NumPy and keras.ops compute the same values.

This module imports NumPy only, so that a device can compute mels too.
"""

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from tf_melgan.errors import (
    UserInputError,
    require,
    require_choice,
    require_range,
    shown,
    shown_key,
)

LOGARITHMS = ("log10", "ln")


@dataclass(frozen=True)
class MelSpec:
    """The convention of a log-mel; prepared folders, checkpoints and voices store it.

    The mel is the logarithm of the magnitude (not the power) of a short-time Fourier transform
    with a periodic Hann window. Magnitudes are weighted by triangular filters on Slaney's mel
    scale, each with unit area over frequency (librosa's defaults), and raised to at least `floor`.

    Args:
        sample_rate: samples per second.
        n_fft: samples in a window.
        hop: samples from one frame to the next.
        n_mels: number of mel bands.
        fmin: lower edge of the first band, in Hz.
        fmax: upper edge of the last band, in Hz.
        log: "log10" or "ln".
        floor: the smallest magnitude; smaller ones are raised to it.

    Raises:
        UserInputError: a value is wrong; the message names the key.

    Examples:
        >>> spec = tf_melgan.MelSpec(sample_rate=16_000, fmax=8_000.0)
        >>> mel = tf_melgan.log_mel(np.zeros(16_000), spec)
        >>> assert mel.shape == (spec.frames(16_000), spec.n_mels)
    """

    sample_rate: int = 22050
    n_fft: int = 1024
    hop: int = 256
    n_mels: int = 80
    fmin: float = 0.0
    fmax: float = 11025.0
    log: str = "log10"
    floor: float = 1e-5

    def __post_init__(self) -> None:
        _check(self)

    @property
    def margin(self) -> int:
        """Samples of a window on either side of its hop: (n_fft − hop) / 2."""
        return (self.n_fft - self.hop) // 2

    @property
    def log_floor(self) -> float:
        """The smallest value of a log-mel."""
        return float(take_log(np.float64(self.floor), self))

    @property
    def log_ceiling(self) -> float:
        """An upper bound on the log-mel of audio within [-1, 1]."""
        max_magnitude = self.n_fft / 2 * self.mel_matrix().sum(axis=1).max()
        return float(take_log(np.float64(max_magnitude), self))

    def frames(self, samples: int) -> int:
        """Returns the number of frames of `samples` samples; a partial hop counts as a frame."""
        return -(-samples // self.hop)

    def mel_matrix(self) -> np.ndarray:
        """Returns the filters from magnitudes to bands: float64 (n_mels, n_fft // 2 + 1).

        The array is read-only. The mel scale is linear below 1 kHz and logarithmic above
        (Slaney, Auditory Toolbox, 1998).
        """
        return _mel_matrix(self.sample_rate, self.n_fft, self.n_mels, self.fmin, self.fmax)

    @property
    def band_centers(self) -> np.ndarray:
        """The frequency of each filter's peak in Hz: float64 (n_mels,)."""
        return _band_edges(self.n_mels, self.fmin, self.fmax)[1:-1]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict of plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MelSpec":
        """Builds a spec from a dict of `to_dict`; keys that are left out keep their defaults.

        Raises:
            UserInputError: a key is unknown or has a wrong value; the message names it.
        """
        known = {item.name for item in fields(cls)}
        for key in values:
            if key not in known:
                raise UserInputError(
                    f"mel.{shown_key(key)} is not a known key; known: {', '.join(sorted(known))}"
                )
        return cls(**values)


_FIELD_TYPES: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a string"),
}
# Wide enough for any sound, and what they allocate stays small. As float32, a lower floor is 0.
_RANGES = {
    "sample_rate": (1, 384_000),
    "n_fft": (1, 1 << 15),
    "hop": (1, 1 << 15),
    "n_mels": (1, 512),
    "fmin": (0, 192_000),
    "fmax": (0, 192_000),
    "floor": (1e-30, 1),
}


def _check(spec: MelSpec) -> None:
    for item in fields(spec):
        value = getattr(spec, item.name)
        types, expected = _FIELD_TYPES[item.type]
        valid = isinstance(value, types) and not isinstance(value, bool)
        require(valid, f"mel.{item.name} is {shown(value)}; give {expected}")
        if item.name in _RANGES:
            require_range(f"mel.{item.name}", value, *_RANGES[item.name])
    require(
        spec.n_fft >= spec.hop and (spec.n_fft - spec.hop) % 2 == 0,
        f"mel.n_fft is {spec.n_fft}; it must be mel.hop {spec.hop} plus an even number, "
        "so that both margins are equal",
    )
    nyquist = spec.sample_rate / 2
    require(
        0 <= spec.fmin < spec.fmax <= nyquist,
        f"mel.fmin is {spec.fmin} and mel.fmax {spec.fmax} Hz; "
        f"give 0 <= fmin < fmax <= {nyquist:g}, half the sample rate",
    )
    require_choice("mel.log", spec.log, LOGARITHMS)
    require(spec.floor < 1, f"mel.floor is {spec.floor}; it must be below 1")
    empty = int((spec.mel_matrix().max(axis=1) == 0).sum())
    require(
        empty == 0,
        f"mel.n_mels is {spec.n_mels}: {empty} bands contain no frequency of mel.n_fft "
        f"{spec.n_fft}; give fewer bands or a longer window",
    )


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    logarithmic = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, 3 * hz / 200, logarithmic)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _band_edges(n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    """Filter edges in Hz, (n_mels + 2,): band i starts at i, peaks at i + 1 and ends at i + 2."""
    low, high = _hz_to_mel(np.array([fmin, fmax], np.float64))
    return _mel_to_hz(np.linspace(low, high, n_mels + 2))


@lru_cache
def _mel_matrix(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    corners = _band_edges(n_mels, fmin, fmax)[:, None]
    frequencies = np.arange(n_fft // 2 + 1) * (rate / n_fft)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    matrix = triangles * 2 / (corners[2:] - corners[:-2])
    matrix.setflags(write=False)
    return matrix


def hann_window(spec: MelSpec) -> np.ndarray:
    """Returns the periodic Hann window: float64 (n_fft,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spec.n_fft) / spec.n_fft)


def take_log(mel: Any, spec: MelSpec) -> Any:
    """Returns the logarithm of `mel` to the base of `spec`."""
    return np.log10(mel) if spec.log == "log10" else np.log(mel)


def spec_mismatches(actual: MelSpec, expected: MelSpec) -> list[str]:
    """Each key in which `actual` differs from `expected`, in words; empty if they agree."""
    return [
        f"mel.{item.name} is {getattr(actual, item.name)}, not {getattr(expected, item.name)}"
        for item in fields(MelSpec)
        if getattr(actual, item.name) != getattr(expected, item.name)
    ]
