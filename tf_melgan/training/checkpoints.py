"""A run's checkpoints: all that the next step depends on, each written whole or not at all.

RUN/checkpoints/step-00001000/model.weights.h5   weights, average, both optimizers
                              generator.npz      the generator to vocode with, by itself
                              state.json         step, seed, data, best validation so far, and
                                                 whether that is this one
RUN/generator.npz                                a copy of the best checkpoint's, or of the last
                                                 one's where discriminators take part
"""

import filecmp
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file, atomic_folder
from tf_melgan.training.gan import MelGAN
from tf_melgan.voices.run_folder import GENERATOR
from tf_melgan.voices.weights_file import save_weights

WEIGHTS, STATE = "model.weights.h5", "state.json"
_KEPT = 2


def save(run: Path, model: MelGAN, state: dict[str, Any]) -> Path:
    """Writes the checkpoint of `state["step"]` and drops all but the last two."""
    folder = run / "checkpoints" / f"step-{state['step']:08}"
    with atomic_folder(folder) as temporary:
        model.save_weights(temporary / WEIGHTS)
        generator = model.inference_generator
        save_weights(temporary / GENERATOR, model.config, generator, dtype=np.float32)
        (temporary / STATE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    for old in _folders(run)[:-_KEPT]:
        shutil.rmtree(old)
    return folder


def keep_generator(run: Path, checkpoint: Path) -> None:
    """Makes a checkpoint's generator the one that the run vocodes with."""
    with atomic_file(run / GENERATOR) as temporary:
        shutil.copyfile(checkpoint / GENERATOR, temporary)


def recover(run: Path) -> None:
    """Mends what a kill while writing left: partial folders, a best generator not yet copied."""
    for place in (run, run / "checkpoints"):
        for partial in place.glob(".*.part*"):
            if partial.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
            else:
                partial.unlink(missing_ok=True)
    last = latest(run)
    if last is not None and _state(last).get("is_best"):
        kept, best = run / GENERATOR, last / GENERATOR
        if not kept.exists() or not filecmp.cmp(kept, best, shallow=False):
            keep_generator(run, last)


def latest(run: Path) -> Path | None:
    """The last checkpoint's folder, or None before the first."""
    return next(reversed(_folders(run)), None)


def restore(folder: Path, model: MelGAN) -> dict[str, Any]:
    """Loads a checkpoint into a compiled model, bit for bit, and returns its state.

    Raises:
        UserInputError: the checkpoint is damaged or of another model.
    """
    try:
        model.load_weights(folder / WEIGHTS)
        return json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise UserInputError(
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
