"""Converts log-mels to those of a voice: exactly, or by a matrix that was fitted to speech.

Log-mels of equal bands differ in their logarithm, floor or the area of filters, which converts
exactly. Other bands are estimated: with a matrix if one was fitted (`python -m benchmarks.mels`),
else by spreading each band over its frequencies with the pseudo-inverse of the filters.

Frames are kept as they are, whatever time they are apart. The voice makes `hop` samples of each, so
that its sound has another sample rate than the voice: `MelConversion.rate`.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np

from tf_melgan.audio.magnitudes import from_log10_magnitudes, log10_magnitudes
from tf_melgan.audio.mel_filters import mel_matrix
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import require

MATRICES = "mel_matrices.npz"
# The smallest log10 magnitude that a matrix reads; that of silence differs between conventions.
LOWEST = -5.5
# The voice hears its own sample rate. Farther off, speech would be that of a giant or a mouse.
_RATES = (0.75, 1.34)


def bands(spec: MelSpec) -> tuple:
    """What decides which frequencies a frame sees; specs that share it convert exactly."""
    rates = (spec.sample_rate, spec.hop)
    return (*rates, spec.n_fft, spec.window, spec.power, *_filters(spec))


def _filters(spec: MelSpec) -> tuple:
    return spec.n_mels, spec.fmin, spec.fmax, spec.htk


@dataclass(frozen=True)
class MelConversion:
    """From log-mels of `source` to log-mels of `target`, the convention of a voice.

    Raises:
        UserInputError: frames of `source` are too far apart, or too near to each other.
    """

    source: MelSpec
    target: MelSpec

    def __post_init__(self) -> None:
        low, high = _RATES
        source, target = self.source, self.target
        require(
            low <= self.rate / target.sample_rate <= high,
            f"the mel has {source.sample_rate / source.hop:.1f} frames a second, and the voice "
            f"needs about {target.sample_rate / target.hop:.1f}; compute mels with another hop",
        )

    @property
    def rate(self) -> int:
        """The sample rate of the sound that the voice makes of the converted mel."""
        return round(self.source.sample_rate * self.target.hop / self.source.hop)

    @property
    def lead(self) -> int:
        """The samples that the voice makes before the first one of the recording.

        A centered frame lies half a hop before one in the middle of its hop. Negative if it is the
        voice's frames that are centered.
        """
        return (self.source.center - self.target.center) * self.target.hop // 2

    @property
    def is_exact(self) -> bool:
        """Whether the converted mel is that of the recording, down to the floors of both."""
        return bands(self.source) == bands(self.target)

    @property
    def summary(self) -> str:
        """In words, what is done to the mels and to the sound of the voice."""
        if self.source == self.target:
            return "as this voice reads them"
        if self.is_exact:
            parts = ["converted exactly"]
        elif self._matrix is not None:
            parts = ["estimated with a matrix fitted to speech"]
        else:
            parts = ["estimated from the filters"]
        if self.lead:
            parts.append("centered frames")
        if self.rate != self.target.sample_rate:
            parts.append(f"sound of {self.rate} Hz resampled to {self.target.sample_rate} Hz")
        return ", ".join(parts)

    @cached_property
    def context(self) -> int:
        """The frames on either side that a converted frame depends on."""
        return 0 if self._matrix is None else (len(self._matrix) // self.source.n_mels - 1) // 2

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """Converts a log-mel: (frames, n_mels) → float32 (frames − 2 · context, n_mels)."""
        magnitudes = log10_magnitudes(mel, self.source)
        if self._matrix is not None:
            magnitudes = unfolded(magnitudes, self.context)
            # One product a frame: its rounding does not depend on the number of frames.
            magnitudes = (magnitudes[:, None] @ self._matrix)[:, 0]
        elif not self.is_exact:
            magnitudes = self._spread(magnitudes)
        return from_log10_magnitudes(magnitudes, self.target).astype(np.float32)

    @cached_property
    def _matrix(self) -> np.ndarray | None:
        known = bands(self.target) == bands(MelSpec()) and not self.is_exact
        return _matrices().get(bands(self.source)) if known else None

    def _spread(self, magnitudes: np.ndarray) -> np.ndarray:
        inverse, filters = self._spreading
        frequencies = 10 ** (magnitudes * self.source.power) @ inverse
        summed = np.maximum(frequencies, 1e-30) ** (self.target.power / self.source.power) @ filters
        return np.log10(np.maximum(summed, 1e-30)) / self.target.power

    @cached_property
    def _spreading(self) -> tuple[np.ndarray, np.ndarray]:
        """From the source's bands to its frequencies, and on to the target's bands."""
        source, target = self.source, self.target
        # The frequencies as the voice hears them.
        rate = source.sample_rate * target.sample_rate / self.rate
        filters = mel_matrix(rate, source.n_fft, *_filters(target), "none").T
        filters = filters / np.maximum(filters.sum(axis=0), 1e-9)
        means = source.mel_matrix() / np.maximum(source.mel_matrix().sum(axis=1), 1e-9)[:, None]
        gain = (target.window / source.window) ** target.power
        return np.linalg.pinv(means).T, filters * gain


def unfolded(magnitudes: np.ndarray, context: int) -> np.ndarray:
    """Returns what a matrix multiplies: each frame with its neighbors, and 1 for the bias.

    (frames, n_mels) → (frames − 2 · context, (2 · context + 1) · n_mels + 1)
    """
    count = len(magnitudes) - 2 * context
    near = [magnitudes[start : start + count] for start in range(2 * context + 1)]
    return np.concatenate([*(np.maximum(x, LOWEST) for x in near), np.ones((count, 1))], axis=1)


@cache
def _matrices() -> dict[tuple, np.ndarray]:
    """What `benchmarks.mels` fitted."""
    with resources.files("tf_melgan.audio").joinpath(MATRICES).open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        return {bands(SOURCES[name].spec): stored[name].astype(np.float64) for name in stored.files}
