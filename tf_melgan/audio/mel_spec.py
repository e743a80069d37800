"""`MelSpec` defines the log-mel spectrogram; NumPy and keras.ops compute the same values.

This module imports NumPy only, so that a device can compute mels too.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from tf_melgan.audio.mel_filters import band_edges, mel_matrix
from tf_melgan.errors import (
    UserInputError,
    require,
    require_choice,
    require_range,
    shown,
    shown_key,
)

LOGARITHMS = ("log10", "ln")
NORMS = ("slaney", "none")
PAD_MODES = ("reflect", "constant")


@dataclass(frozen=True)
class MelSpec:
    """The convention of a log-mel; prepared folders, checkpoints and voices store it.

    The mel is a logarithm of the magnitude of a short-time Fourier transform with a periodic Hann
    window, or of its power. It is weighted by triangular filters on a mel scale and raised to at
    least `floor`. Names and meanings are librosa's.

    Args:
        sample_rate: samples per second.
        n_fft: samples in a frame of the Fourier transform.
        hop: samples from one frame to the next.
        n_mels: number of mel bands.
        fmin: lower edge of the first band, in Hz.
        fmax: upper edge of the last band, in Hz.
        log: "log10" or "ln".
        floor: the smallest value before the logarithm; smaller ones are raised to it.
        win_length: samples in the window, which is in the middle of the frame; 0 is `n_fft`.
        power: 1 for magnitudes, 2 for power.
        epsilon: added to the power of each frequency, such as HiFi-GAN's 1e-9.
        htk: whether the mel scale is HTK's; else Slaney's.
        norm: "slaney" for filters of unit area over frequency, "none" for a peak of 1.
        center: whether frame t is centered at the sample t · hop; else in the middle of its hop.
        pad_mode: "reflect" or "constant" (zeros): what lies beyond both ends of the audio.

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
    win_length: int = 0
    power: float = 1.0
    epsilon: float = 0.0
    htk: bool = False
    norm: str = "slaney"
    center: bool = False
    pad_mode: str = "reflect"

    def __post_init__(self) -> None:
        if self.win_length == self.n_fft:
            object.__setattr__(self, "win_length", 0)
        _check(self)

    @property
    def window(self) -> int:
        """Samples in the window."""
        return self.win_length or self.n_fft

    @property
    def margin(self) -> int:
        """Samples that a frame needs on either side of its hop, or of its center if centered."""
        return self.n_fft // 2 if self.center else (self.n_fft - self.hop) // 2

    @property
    def log_floor(self) -> float:
        """The smallest value of a log-mel."""
        return float(take_log(np.float64(self.floor), self))

    @property
    def log_ceiling(self) -> float:
        """An upper bound on the log-mel of audio within [-1, 1]."""
        peak = ((self.window / 2) ** 2 + self.epsilon) ** (self.power / 2)
        return float(take_log(np.float64(peak * self.mel_matrix().sum(axis=1).max()), self))

    def frames(self, samples: int) -> int:
        """Returns the number of frames of `samples` samples.

        A partial hop counts as a frame. Centered frames are one for each whole hop, and one more.
        """
        return 1 + samples // self.hop if self.center else -(-samples // self.hop)

    def mel_matrix(self) -> np.ndarray:
        """Returns the filters from frequencies to bands: float64 (n_mels, n_fft // 2 + 1).

        The array is read-only. Slaney's scale (Auditory Toolbox, 1998) is linear below 1 kHz and
        logarithmic above.
        """
        return mel_matrix(
            self.sample_rate, self.n_fft, self.n_mels, self.fmin, self.fmax, self.htk, self.norm
        )

    @property
    def band_centers(self) -> np.ndarray:
        """The frequency of each filter's peak in Hz: float64 (n_mels,)."""
        return self._edges[1:-1]

    @property
    def band_widths(self) -> np.ndarray:
        """Half the distance from edge to edge of each filter in Hz: float64 (n_mels,)."""
        edges = self._edges
        return (edges[2:] - edges[:-2]) / 2

    @property
    def _edges(self) -> np.ndarray:
        return band_edges(self.n_mels, self.fmin, self.fmax, self.htk)

    def require_bands(self) -> None:
        """Checks that every band contains a frequency, as training needs.

        Raises:
            UserInputError: a band is empty.
        """
        empty = int((self.mel_matrix().max(axis=1) == 0).sum())
        require(
            empty == 0,
            f"mel.n_mels is {self.n_mels}: {empty} bands contain no frequency of mel.n_fft "
            f"{self.n_fft}; give fewer bands or a longer window",
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict of plain values.

        Fields from `win_length` on are left out where they have their default: files written before
        these fields were there then have the same values.
        """
        values = asdict(self)
        return {
            item.name: values[item.name]
            for index, item in enumerate(fields(self))
            if index < _ALWAYS or values[item.name] != item.default
        }

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
    bool: ((bool,), "true or false"),
}
_ALWAYS = 8  # fields that every version has
# Wide enough for any sound, and what they allocate stays small. As float32, a lower floor is 0.
_RANGES = {
    "sample_rate": (1, 384_000),
    "n_fft": (1, 1 << 15),
    "hop": (1, 1 << 15),
    "n_mels": (1, 512),
    "fmin": (0, 192_000),
    "fmax": (0, 192_000),
    "floor": (1e-30, 1),
    "win_length": (0, 1 << 15),
    "epsilon": (0, 1),
}


def _check(spec: MelSpec) -> None:
    for item in fields(spec):
        value = getattr(spec, item.name)
        types, expected = _FIELD_TYPES[item.type]
        valid = isinstance(value, types) and isinstance(value, bool) == (item.type is bool)
        require(valid, f"mel.{item.name} is {shown(value)}; give {expected}")
        if item.name in _RANGES:
            require_range(f"mel.{item.name}", value, *_RANGES[item.name])
    require(
        spec.n_fft % 2 == 0
        if spec.center
        else spec.n_fft >= spec.hop and (spec.n_fft - spec.hop) % 2 == 0,
        f"mel.n_fft is {spec.n_fft}; it must be "
        + ("even" if spec.center else f"mel.hop {spec.hop} plus an even number")
        + ", so that both margins are equal",
    )
    require(
        spec.win_length <= spec.n_fft,
        f"mel.win_length is {spec.win_length}; it must be at most mel.n_fft {spec.n_fft}",
    )
    nyquist = spec.sample_rate / 2
    require(
        0 <= spec.fmin < spec.fmax <= nyquist,
        f"mel.fmin is {spec.fmin} and mel.fmax {spec.fmax} Hz; "
        f"give 0 <= fmin < fmax <= {nyquist:g}, half the sample rate",
    )
    require_choice("mel.log", spec.log, LOGARITHMS)
    require_choice("mel.norm", spec.norm, NORMS)
    require_choice("mel.pad_mode", spec.pad_mode, PAD_MODES)
    require(spec.power in (1, 2), f"mel.power is {shown(spec.power)}; give 1 or 2")
    require(spec.floor < 1, f"mel.floor is {spec.floor}; it must be below 1")


def hann_window(spec: MelSpec) -> np.ndarray:
    """Returns the periodic Hann window in the middle of a frame: float64 (n_fft,)."""
    size = spec.window
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    before = (spec.n_fft - size) // 2
    return np.pad(window, (before, spec.n_fft - size - before))


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
