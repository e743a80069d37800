"""Which frequencies the bands of a mel have, going by the harmonics of voices.

Harmonics lie at the multiples of one frequency. They do so only if the bands of a mel are taken for
the frequencies that they have. So harmonics tell mels apart that begin at 0 Hz and at 80 Hz.
"""

from functools import lru_cache

import numpy as np

from tf_melgan.audio.magnitudes import log10_magnitudes
from tf_melgan.audio.mel_spec import MelSpec

_HIGHEST = 900.0  # Hz; above, bands are wider than from harmonic to harmonic
_PITCHES = np.geomspace(90, 450, 120)  # Hz
_LOUD, _CLEAR = -0.2, 0.6
_TREND = 3  # degree of the polynomial over bands that is no harmonics


def harmonic_evidence(mel: np.ndarray, claimed: MelSpec, other: MelSpec) -> np.ndarray:
    """How much better harmonics fit the one or the other bands.

    Args:
        mel: log-mel (frames, n_mels).
        claimed: the convention that it claims.
        other: a convention with the same number of bands.

    Returns:
        For each pitch that is heard, the mean over its frames, from -1 (the bands are those of
        `other`) to 1. A single pitch says little: a tone may fit either.
    """
    magnitudes = log10_magnitudes(np.maximum(mel, claimed.log_floor), claimed)
    low = int((claimed.band_centers < _HIGHEST).sum())
    loud = magnitudes[magnitudes.max(axis=1) > _LOUD, :low]
    slow = np.linalg.qr(np.vander(np.linspace(-1, 1, low), _TREND + 1))[0]
    ripple = loud - loud @ slow @ slow.T
    ripple /= np.linalg.norm(ripple, axis=1, keepdims=True) + 1e-9
    own, foreign = (ripple @ _combs(spec, low) for spec in (claimed, other))
    pitches, best = foreign.argmax(axis=1), np.maximum(own.max(axis=1), foreign.max(axis=1))
    evidence = own.max(axis=1) - foreign.max(axis=1)
    clear = best > _CLEAR
    heard, index = np.unique(pitches[clear], return_inverse=True)
    counts = np.bincount(index, minlength=len(heard))
    return np.bincount(index, evidence[clear], len(heard)) / np.maximum(counts, 1)


@lru_cache
def _combs(spec: MelSpec, count: int) -> np.ndarray:
    """A comb for each pitch, of norm 1: (count, pitches)."""
    combs = np.cos(2 * np.pi * spec.band_centers[:count, None] / _PITCHES)
    combs -= combs.mean(axis=0)
    return combs / np.linalg.norm(combs, axis=0)
