"""Pictures for the eye: spectrograms above each other, and the curves of a run."""

import io
import json
from pathlib import Path

import numpy as np

from tf_melgan.errors import BadInput
from tf_melgan.features import MelSpec
from tf_melgan.files import whole_file

_COLORS = "magma"


def spectrograms(path: str | Path, mels: dict[str, np.ndarray], spec: MelSpec) -> None:
    """Writes a PNG of log-mels (frames, n_mels) above each other, on one scale, by title."""
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


def thumbnail(mel: np.ndarray, like: np.ndarray) -> bytes:
    """A PNG of a log-mel (frames, n_mels), a pixel per value, colored on the scale of `like`."""
    from matplotlib import image

    low, high = _range([like])
    png = io.BytesIO()
    image.imsave(png, mel.T, origin="lower", cmap=_COLORS, vmin=low, vmax=high, format="png")
    return png.getvalue()


def curves(path: str | Path, history: str | Path) -> None:
    """Writes a PNG with a panel per number that a run's history.jsonl follows over its steps."""
    from matplotlib.figure import Figure

    rows = _rows(Path(history))
    keys = sorted({key for row in rows for key in row if key != "step"})
    columns = min(3, len(keys))
    lines = -(-len(keys) // columns)
    figure = Figure(figsize=(5 * columns, 3 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
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
        raise BadInput(f"{history}: cannot be read; give a run's history.jsonl") from None
    if not rows:
        raise BadInput(f"{history}: is empty; train until the first validation")
    return rows


def _range(mels: list[np.ndarray]) -> tuple[float, float]:
    high = max(float(mel.max()) for mel in mels)
    return min(min(float(mel.min()) for mel in mels), high - 1e-3), high


def _save(figure: object, path: str | Path) -> None:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=120)
    with whole_file(path) as aside:
        aside.write_bytes(png.getvalue())
