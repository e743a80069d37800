"""The filters of PQMF banks: sub-bands of equal width, cosine-modulated from one prototype.

Source: Nguyen, "Near-perfect-reconstruction pseudo-QMF banks" (1994). The Kaiser prototype follows
Lin and Vaidyanathan (1998). Imports NumPy only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from tf_melgan.errors import require, require_choice, require_range

DESIGNS = ("near_perfect", "parallel_wavegan", "coqui")
_TAPS_PER_BAND = 16
_MOST_TAPS = 1 << 12


@dataclass(frozen=True)
class FilterBank:
    """The config section of a bank's filters: sub-bands mean sound only through the right one.

    Args:
        design: "near_perfect", whose cutoff is searched for the best reconstruction;
            "parallel_wavegan", that of ParallelWaveGAN and TensorFlowTTS; or "coqui".
        taps: the length of the prototype, odd; 0 for 16 · bands − 1.
        cutoff: of the prototype, where 1 is half the sample rate; 0 to search it, with the design
            "near_perfect" alone.
        beta: of the prototype's Kaiser window.

    Raises:
        UserInputError: a value is wrong; the message names the key.
    """

    design: str = "near_perfect"
    taps: int = 0
    cutoff: float = 0.0
    beta: float = 9.0

    def __post_init__(self) -> None:
        section = "generator.filter_bank"
        require_choice(f"{section}.design", self.design, DESIGNS)
        require_range(f"{section}.taps", self.taps, 0, _MOST_TAPS)
        require(
            self.taps == 0 or self.taps % 2 == 1,
            f"{section}.taps is {self.taps}; it must be odd, or 0",
        )
        require_range(f"{section}.beta", self.beta, 0, 100)
        searched = self.design == "near_perfect"
        require(
            self.cutoff == 0 if searched else 0 < self.cutoff < 1,
            f"{section}.cutoff is {self.cutoff}; it must be "
            f"{'0, since it is searched' if searched else 'above 0 and below 1'}",
        )

    def length(self, bands: int) -> int:
        """The number of taps of each filter."""
        return self.taps or _TAPS_PER_BAND * bands - 1

    def prototype(self, bands: int) -> np.ndarray:
        """The symmetric low-pass prototype: float64 (length,)."""
        return _prototype(self, bands)

    def filters(self, bands: int) -> tuple[np.ndarray, np.ndarray]:
        """The filters of analysis and of synthesis: float64 (bands, length) each.

        They are for convolution: a filter's middle applies to the sample of the same time.
        """
        taps = self.prototype(bands)
        middle = len(taps) // 2 + (0.5 if self.design == "coqui" else 0.0)
        band = np.arange(bands)[:, None]
        phase = (-1.0) ** band * np.pi / 4
        # Projects that correlate instead of convolving have the phase's sign reversed.
        if self.design != "near_perfect":
            phase = -phase
        angle = (2 * band + 1) * np.pi / (2 * bands) * (np.arange(len(taps)) - middle)
        analysis, synthesis = (2 * taps * np.cos(angle + sign * phase) for sign in (1, -1))
        if self.design == "near_perfect":
            return np.sqrt(bands) * analysis, np.sqrt(bands) * synthesis
        return analysis, bands * synthesis


@cache
def _prototype(bank: FilterBank, bands: int) -> np.ndarray:
    length = bank.length(bands)
    position = np.arange(length) - length // 2
    window = np.kaiser(length, bank.beta)

    def lowpass(cutoff: float) -> np.ndarray:
        return cutoff * np.sinc(cutoff * position) * window

    if bank.design == "near_perfect":
        taps = lowpass(_best_cutoff(lowpass, bands))
        return taps / np.sqrt(2 * bands * np.sum(taps**2))
    taps = lowpass(bank.cutoff)
    return taps / taps.sum() if bank.design == "coqui" else taps


def _best_cutoff(lowpass: Callable[[float], np.ndarray], bands: int) -> float:
    """The cutoff that minimizes the prototype's autocorrelation at multiples of 2 · bands.

    Neighboring bands then cancel each other's aliases.
    """

    def ripple(cutoff: float) -> float:
        taps = lowpass(cutoff)
        shifts = np.convolve(taps, taps)[len(taps) - 1 :: 2 * bands]
        return float(np.abs(shifts[1:]).max() / shifts[0])

    low, high = 0.5 / bands, 1.0 / bands
    for _ in range(4):
        grid = np.linspace(low, high, 65)
        best = int(np.argmin([ripple(cutoff) for cutoff in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 64)]
    return (low + high) / 2
