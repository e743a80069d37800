"""A run's checkpoints: all that the next step depends on, each written whole or not at all.

RUN/checkpoints/step-00001000/model.weights.h5   weights, average, both optimizers
                              state.json         step, seed, data, best validation so far,
                                                 and whether that is this one
RUN/best/                                        a copy of the best of them, or of the last
                                                 where discriminators take part
"""

import json
import shutil
from pathlib import Path
from typing import Any

import keras

from tf_melgan.errors import BadInput
from tf_melgan.files import whole_folder

WEIGHTS, STATE = "model.weights.h5", "state.json"
_KEPT = 2


def save(run: Path, model: keras.Model, state: dict[str, Any]) -> Path:
    """Writes the checkpoint of `state["step"]` and drops all but the last two."""
    folder = run / "checkpoints" / f"step-{state['step']:08}"
    with whole_folder(folder) as aside:
        model.save_weights(aside / WEIGHTS)
        (aside / STATE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    for old in _folders(run)[:-_KEPT]:
        shutil.rmtree(old)
    return folder


def save_best(run: Path, checkpoint: Path) -> None:
    """Keeps a copy of a checkpoint as the run's best."""
    with whole_folder(run / "best") as aside:
        for file in checkpoint.iterdir():
            shutil.copyfile(file, aside / file.name)


def recover(run: Path) -> None:
    """Mends what a kill while writing left: half-written folders, and a best one not yet copied."""
    for place in (run, run / "checkpoints"):
        for half in place.glob(".*.part"):
            shutil.rmtree(half, ignore_errors=True)
    last = latest(run)
    if last is not None and _state(last).get("is_best"):
        kept = best(run)
        if kept is None or _state(kept) != _state(last):
            save_best(run, last)


def latest(run: Path) -> Path | None:
    """The last checkpoint's folder, or None before the first."""
    return next(reversed(_folders(run)), None)


def best(run: Path) -> Path | None:
    """The folder of the checkpoint to vocode with, or None before the first."""
    folder = run / "best"
    return folder if (folder / STATE).exists() else None


def restore(folder: Path, model: keras.Model) -> dict[str, Any]:
    """Loads a checkpoint into a compiled model, bit for bit, and returns its state.

    Raises:
        BadInput: the checkpoint is damaged or of another model.
    """
    try:
        model.load_weights(folder / WEIGHTS)
        return json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            f"{folder}: cannot be restored, it is damaged or of another model; delete this folder "
            "to go on from the checkpoint before it"
        ) from error


def _state(folder: Path) -> dict[str, Any]:
    """A checkpoint's state; empty where it cannot be read, which `restore` then says."""
    try:
        return json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _folders(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("step-*"))
