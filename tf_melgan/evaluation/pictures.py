"""Plots: stacked mel spectrograms, stacked linear spectrograms, and the curves of a run."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file

_COLORS = "magma"
_N_FFT, _HOP, _SMALLEST = 1024, 64, 1e-10
_DECIBELS = 80


def spectrograms(path: str | Path, mels: dict[str, np.ndarray], spec: MelSpec) -> None:
    """Writes a PNG of log-mels, stacked and on one color scale.

    Args:
        path: the PNG file to write.
        mels: log-mels (frames, n_mels) by title.
        spec: the convention of all mels.

    Raises:
        UserInputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3 * len(mels)), layout="constrained")
    axes = figure.subplots(len(mels), 1, squeeze=False)[:, 0]
    low, high = _range(list(mels.values()))
    for axis, (title, mel) in zip(axes, mels.items(), strict=True):
        seconds = len(mel) * spec.hop / spec.sample_rate
        image = axis.imshow(
            mel.T,
            origin="lower",
            aspect="auto",
            cmap=_COLORS,
            vmin=low,
            vmax=high,
            extent=(0, seconds, 0, spec.n_mels),
        )
        axis.set(title=title, xlabel="seconds", ylabel="mel band")
        figure.colorbar(image, ax=axis, label=spec.log)
    _save(figure, path)


def spectra(path: str | Path, sounds: dict[str, np.ndarray], rate: int, start: float) -> None:
    """Writes a PNG of magnitude spectrograms in dB over linear frequency, stacked, on one scale.

    Args:
        path: the PNG file to write.
        sounds: audio, float (samples,), by title. The color scale spans 80 dB below the peak of the
            first one.
        rate: the sample rate of all, Hz.
        start: the position of the excerpt in the utterance, seconds.

    Raises:
        UserInputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    images = {title: _decibels(sound) for title, sound in sounds.items()}
    high = next(iter(images.values())).max()
    figure = Figure(figsize=(6, 1.7 * len(sounds)), layout="constrained")
    axes = figure.subplots(len(sounds), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, image) in zip(axes, images.items(), strict=True):
        seconds = len(sounds[title]) / rate
        last_image = axis.imshow(
            image.T,
            origin="lower",
            aspect="auto",
            cmap=_COLORS,
            vmin=high - _DECIBELS,
            vmax=high,
            extent=(start, start + seconds, 0, rate / 2000),
        )
        axis.set(title=title, ylabel="kHz")
    axes[-1].set_xlabel("seconds")
    figure.colorbar(last_image, ax=axes, label="dB", aspect=40)
    _save(figure, path)


def thumbnail(mel: np.ndarray, like: np.ndarray) -> bytes:
    """A PNG image of a log-mel, one pixel per value.

    Args:
        mel: log-mel (frames, n_mels).
        like: log-mel (frames, n_mels) whose range sets the color scale.

    Returns:
        The bytes of the PNG.
    """
    from matplotlib import image

    low, high = _range([like])
    png = io.BytesIO()
    image.imsave(png, mel.T, origin="lower", cmap=_COLORS, vmin=low, vmax=high, format="png")
    return png.getvalue()


def curves(path: str | Path, history: str | Path) -> None:
    """Writes a PNG that plots each value of a run's history.jsonl over the steps.

    Args:
        path: the PNG file to write.
        history: the run's history.jsonl.

    Raises:
        UserInputError: the history is empty or cannot be read, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    rows = _rows(Path(history))
    keys = sorted({key for row in rows for key in row if key != "step"})
    columns = min(3, len(keys))
    panel_rows = -(-len(keys) // columns)
    figure = Figure(figsize=(5 * columns, 3 * panel_rows), layout="constrained")
    axes = figure.subplots(panel_rows, columns, squeeze=False).ravel()
    for axis, key in zip(axes, keys, strict=False):
        points = [(row["step"], row[key]) for row in rows if key in row]
        axis.plot(*zip(*points, strict=True), marker="." if len(points) < 50 else None)
        axis.set(title=key, xlabel="step")
        axis.grid(alpha=0.3)
    for axis in axes[len(keys) :]:
        axis.remove()
    _save(figure, path)


def _rows(history: Path) -> list[dict[str, float]]:
    try:
        lines = history.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        raise UserInputError(f"{history}: cannot be read; give a run's history.jsonl") from None
    if not rows:
        raise UserInputError(f"{history}: is empty; train until the first validation")
    return rows


def _range(mels: list[np.ndarray]) -> tuple[float, float]:
    high = max(float(mel.max()) for mel in mels)
    return min(min(float(mel.min()) for mel in mels), high - 1e-3), high


def _decibels(sound: np.ndarray) -> np.ndarray:
    padded = np.pad(sound.astype(np.float64), _N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP]
    # A sine of amplitude 1 has 0 dB.
    window = np.hanning(_N_FFT + 1)[:-1] / (_N_FFT / 4)
    return 20 * np.log10(np.maximum(np.abs(np.fft.rfft(frames * window)), _SMALLEST))


def _save(figure: Any, path: str | Path) -> None:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=120)
    with atomic_file(path) as temporary:
        temporary.write_bytes(png.getvalue())
