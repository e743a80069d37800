"""Checkpoints of a run. A checkpoint holds all that training needs to resume.

Checkpoints are written atomically: a folder is complete or does not exist.

RUN/checkpoints/step-00001000/model.weights.h5   weights, averaged weights, both optimizers
                              generator.npz      the generator to vocode with
                              state.json         step, seed, fingerprint of the data, lowest
                                                 validation distance so far, and whether this
                                                 checkpoint is the best
RUN/generator.npz                                copy of the best checkpoint's generator.npz; with
                                                 discriminators, of the last checkpoint's
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
    """Writes the checkpoint of step `state["step"]` and deletes all but the last two.

    Args:
        run: the run's folder.
        model: the compiled model.
        state: the content of `state.json`; needs the key "step".

    Returns:
        The checkpoint's folder.
    """
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
    """Copies a checkpoint's generator to RUN/generator.npz, which `Vocoder.load(run)` opens."""
    with atomic_file(run / GENERATOR) as temporary:
        shutil.copyfile(checkpoint / GENERATOR, temporary)


def recover(run: Path) -> None:
    """Cleans up after a run that was killed while writing.

    Deletes partial files and folders, and copies the best generator if this was not done yet.
    """
    for folder in (run, run / "checkpoints"):
        for partial in folder.glob(".*.part*"):
            if partial.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
            else:
                partial.unlink(missing_ok=True)
    last = latest(run)
    if last is not None and _state(last).get("is_best"):
        current, best = run / GENERATOR, last / GENERATOR
        if not current.exists() or not filecmp.cmp(current, best, shallow=False):
            keep_generator(run, last)


def latest(run: Path) -> Path | None:
    """The folder of the last checkpoint, or None if there is no checkpoint yet."""
    return next(reversed(_folders(run)), None)


def step_of(folder: Path) -> int:
    """The step at which a checkpoint's folder was written."""
    return int(folder.name.removeprefix("step-"))


def restore(folder: Path, model: MelGAN) -> dict[str, Any]:
    """Loads a checkpoint into a compiled model. The restored values are bit-identical.

    Args:
        folder: the checkpoint's folder.
        model: a compiled model with the same config.

    Returns:
        The content of `state.json`.

    Raises:
        UserInputError: the checkpoint is damaged or belongs to another model.
    """
    try:
        model.load_weights(folder / WEIGHTS)
        return json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise UserInputError(
            f"{folder}: cannot be restored, it is damaged or of another model; delete this folder "
            "to continue from the previous checkpoint"
        ) from error


def _state(folder: Path) -> dict[str, Any]:
    """A checkpoint's state; empty if it cannot be read, which `restore` reports later."""
    try:
        return json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _folders(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("step-*"))
