"""Fits the matrices that `tf_melgan.audio.mel_conversion` reads, for benchmarks.mels.

They are least squares between log10 magnitudes of one convention and of the voices', on the same
recordings.

A module of benchmarks.mels, without a command of its own.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_melgan.audio.magnitudes import log10_magnitudes
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_conversion import MelConversion, bands, unfolded
from tf_melgan.audio.mel_sources import SOURCES
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio, resample
from tf_melgan.progress import Progress

_RIDGE = 1e-4
_SHORT_WINDOW = 0.04  # seconds; the voices' window is longer, so neighbors help
_GAINS = (-1.5, 0.0)  # log10

Pair = tuple[np.ndarray, np.ndarray]


def fit(files: list[Path], target: MelSpec) -> dict[str, np.ndarray]:
    """Returns the float16 arrays to store, by name."""
    names = {bands(source.spec): name for name, source in reversed(SOURCES.items())}
    names.pop(bands(target))
    with Progress(len(names), "fit", "conventions") as progress:
        arrays = {}
        for name in names.values():
            spec = SOURCES[name].spec
            if not MelConversion(spec, target).is_exact:
                arrays[name] = _matrix(files, spec, target)
            progress.advance()
    return {name: array.astype(np.float16) for name, array in arrays.items()}


def _matrix(files: list[Path], spec: MelSpec, target: MelSpec) -> np.ndarray:
    """Least squares with a little damping: (inputs, n_mels); see `unfolded`."""
    context = int(spec.window / spec.sample_rate < _SHORT_WINDOW)
    squares: np.ndarray | float = 0.0
    products: np.ndarray | float = 0.0
    for source_mel, target_mel in _pairs(files, spec, target):
        x = unfolded(np.pad(source_mel, ((context, context), (0, 0)), "edge"), context)
        squares, products = squares + x.T @ x, products + x.T @ target_mel
    damping = np.full(len(squares), _RIDGE * squares[-1, -1])
    damping[-1] = 0  # the bias
    return np.linalg.solve(squares + np.diag(damping), products)


def _pairs(files: list[Path], spec: MelSpec, target: MelSpec) -> Iterator[Pair]:
    """log10 magnitudes of the same frames in both conventions, (frames, bands) each."""
    conversion, random = MelConversion(spec, target), np.random.default_rng(0)
    for path in files:
        recording = load_audio(path, target.sample_rate) * 10 ** random.uniform(*_GAINS)
        rates = [target.sample_rate]
        if spec.sample_rate > target.sample_rate:
            # As if it were of the higher rate, so that there is sound in the highest bands.
            rates.append(spec.sample_rate)
        for rate in rates:
            heard = resample(recording, rate, spec.sample_rate)
            made = resample(recording, rate, conversion.rate)
            made = np.pad(made, (conversion.lead, 0)).astype(np.float64)
            a = log10_magnitudes(log_mel(heard.astype(np.float64), spec), spec)
            b = log10_magnitudes(log_mel(made, target), target)
            count = min(len(a), len(b))
            yield a[:count], b[:count]
