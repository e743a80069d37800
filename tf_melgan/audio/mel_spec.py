"""The log-mel spectrogram: `MelSpec` says which one, NumPy and keras.ops compute the same.

Importing this module needs NumPy alone, so a device can make mels too.
"""

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from tf_melgan.errors import UserInputError

LOGARITHMS = ("log10", "ln")


@dataclass(frozen=True)
class MelSpec:
    """Which log-mel spectrogram; it travels with every prepared folder, checkpoint and voice.

    The magnitude (not power) of a short-time Fourier transform with a periodic Hann window is
    weighed by triangles on Slaney's mel scale, each of unit area over frequency (librosa's
    defaults), and its logarithm taken, not below that of `floor`.

    Args:
        sample_rate: samples per second.
        n_fft: samples in a window.
        hop: samples from one frame to the next.
        n_mels: bands.
        fmin, fmax: lower edge of the first band and upper edge of the last, in Hz.
        log: "log10" or "ln".
        floor: smallest magnitude told apart.

    Raises:
        UserInputError: naming the key that is wrong.
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
        """Samples of context that the first and the last frame see beyond their hop."""
        return (self.n_fft - self.hop) // 2

    @property
    def log_floor(self) -> float:
        """The smallest value of a log-mel."""
        return float(take_log(np.float64(self.floor), self))

    @property
    def log_ceiling(self) -> float:
        """A value that no log-mel of audio within [-1, 1] can pass."""
        loudest = self.n_fft / 2 * self.mel_matrix().sum(axis=1).max()
        return float(take_log(np.float64(loudest), self))

    def frames(self, samples: int) -> int:
        """How many frames audio of `samples` samples has: a hop begun is a frame."""
        return -(-samples // self.hop)

    def mel_matrix(self) -> np.ndarray:
        """Weights float64 (n_mels, n_fft // 2 + 1) from magnitudes to bands; not to be changed.

        Slaney, Auditory Toolbox (1998): the scale is linear below 1 kHz and logarithmic above.
        """
        return _mel_matrix(self.sample_rate, self.n_fft, self.n_mels, self.fmin, self.fmax)

    @property
    def band_centers(self) -> np.ndarray:
        """Hz float64 (n_mels,), where each band's filter is highest."""
        return _band_edges(self.n_mels, self.fmin, self.fmax)[1:-1]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MelSpec":
        """Raises `UserInputError` naming a key that is unknown or has a wrong value."""
        known = {item.name for item in fields(cls)}
        for key in values:
            if key not in known:
                raise UserInputError(
                    f"mel.{key} is not a known key; known: {', '.join(sorted(known))}"
                )
        return cls(**values)


def _check(spec: MelSpec) -> None:
    def require(holds: bool, line: str) -> None:
        if not holds:
            raise UserInputError(line)

    for item in fields(spec):
        value = getattr(spec, item.name)
        kinds, words = {
            int: ((int,), "a whole number"),
            float: ((int, float), "a number"),
            str: ((str,), "a word"),
        }[item.type]
        good = isinstance(value, kinds) and not isinstance(value, bool)
        require(good, f"mel.{item.name} is {value!r}; give {words}")
        if item.type is int:
            require(value >= 1, f"mel.{item.name} is {value}; it must be at least 1")
    require(
        spec.n_fft >= spec.hop and (spec.n_fft - spec.hop) % 2 == 0,
        f"mel.n_fft is {spec.n_fft}; it must be mel.hop {spec.hop} or more by an even number, "
        "so that both margins are equal",
    )
    nyquist = spec.sample_rate / 2
    require(
        0 <= spec.fmin < spec.fmax <= nyquist,
        f"mel.fmin is {spec.fmin} and mel.fmax {spec.fmax} Hz; they must rise from 0 or more "
        f"to half the sample rate, {nyquist:g}, or less",
    )
    require(spec.log in LOGARITHMS, f"mel.log is {spec.log!r}; choose log10 or ln")
    require(0 < spec.floor < 1, f"mel.floor is {spec.floor}; it must be above 0 and below 1")
    empty = int((spec.mel_matrix().max(axis=1) == 0).sum())
    require(
        empty == 0,
        f"mel.n_mels is {spec.n_mels}: {empty} bands lie between the frequencies that mel.n_fft "
        f"{spec.n_fft} resolves; give fewer bands or a longer window",
    )


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    logarithmic = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, 3 * hz / 200, logarithmic)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _band_edges(n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    """A band begins at its own edge, is highest at the next and ends at the one after: in Hz."""
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
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spec.n_fft) / spec.n_fft)


def take_log(mel: np.ndarray, spec: MelSpec) -> np.ndarray:
    return np.log10(mel) if spec.log == "log10" else np.log(mel)


def spec_mismatches(theirs: MelSpec, ours: MelSpec) -> list[str]:
    """What is different about `theirs`, a short phrase for each key; empty where they agree."""
    return [
        f"mel.{item.name} is {getattr(theirs, item.name)}, not {getattr(ours, item.name)}"
        for item in fields(MelSpec)
        if getattr(theirs, item.name) != getattr(ours, item.name)
    ]
