"""Checkpoints of a run. A checkpoint holds all that training needs to resume.

A checkpoint's folder is complete or does not exist. What it holds is written only if it is finite,
and used only if it has the checksums it was written with.

RUN/checkpoints/step-00001000/model.weights.h5   weights, averaged weights, both optimizers
                              generator.npz      the generator to vocode with
                              state.json         step, seed, fingerprint of the data, best
                                                 validation value so far, and whether this
                                                 checkpoint is the best
                              SHA256SUMS         checksums of the three, as of `sha256sum`
RUN/generator.npz                                the best checkpoint's generator.npz; see
                                                 `tf_melgan.training.best`
"""

import filecmp
import hashlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.src.saving import saving_lib

from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file, atomic_folder, remove_partials
from tf_melgan.training.gan import MelGAN
from tf_melgan.voices.archive import read_archive
from tf_melgan.voices.run_folder import (
    CHECKPOINTS,
    CONFIG,
    CURVES,
    GENERATOR,
    HISTORY,
    ORIGIN,
    checkpoint_folder,
    checkpoint_folders,
)
from tf_melgan.voices.weights_file import save_weights

WEIGHTS, STATE, SUMS = "model.weights.h5", "state.json", "SHA256SUMS"
_FILES = (WEIGHTS, GENERATOR, STATE)
_KEPT = 2


def save(run: Path, model: MelGAN, state: dict[str, Any]) -> Path:
    """Writes the checkpoint of step `state["step"]` and deletes all but the last two.

    Args:
        run: the run's folder.
        model: the compiled model.
        state: the content of `state.json`; needs the key "step".

    Returns:
        The checkpoint's folder.

    Raises:
        UserInputError: the model holds NaN or infinite values, or the folder cannot be written.
            The checkpoints before stay as they are.
    """
    _require_finite(run, model, state["step"])
    folder = checkpoint_folder(run, state["step"])
    with atomic_folder(folder) as temporary:
        (temporary / WEIGHTS).write_bytes(_weights(model))
        generator = model.inference_generator
        save_weights(temporary / GENERATOR, model.config, generator, dtype=np.float32)
        (temporary / STATE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        sums = [f"{_checksum(temporary / name)}  {name}\n" for name in _FILES]
        (temporary / SUMS).write_text("".join(sums), encoding="utf-8")
    for old in checkpoint_folders(run)[:-_KEPT]:
        shutil.rmtree(old)
    return folder


def keep_generator(run: Path, checkpoint: Path) -> None:
    """Makes a checkpoint's generator RUN/generator.npz, which `Vocoder.load(run)` opens."""
    with atomic_file(run / GENERATOR) as temporary:
        try:
            os.link(checkpoint / GENERATOR, temporary)
        except OSError:  # a file system without hard links
            shutil.copyfile(checkpoint / GENERATOR, temporary)


def recover(run: Path) -> None:
    """Cleans up after a run that was killed while writing; call it with the run's lock.

    Deletes the partial files and folders of training. Restores the best generator if it was not
    kept yet, or was damaged since; if no checkpoint has the best one any more, the last one.
    """
    for written in (CONFIG, GENERATOR, HISTORY, CURVES, ORIGIN, f"{CHECKPOINTS}/step-*"):
        remove_partials(run / written)
    whole = [x for x in reversed(checkpoint_folders(run)) if not _damaged(x)]
    if latest(run) not in whole:
        return
    best = next((x for x in whole if _state(x)["is_best"]), None)
    current = run / GENERATOR
    if best is not None:
        if not current.exists() or not filecmp.cmp(current, best / GENERATOR, shallow=False):
            keep_generator(run, best)
    elif not _is_archive(current):
        keep_generator(run, whole[0])


def _is_archive(path: Path) -> bool:
    try:
        read_archive(path)
    except ValueError:
        return False
    return True


def latest(run: Path) -> Path | None:
    """The folder of the last checkpoint, or None if there is no checkpoint yet."""
    return next(reversed(checkpoint_folders(run)), None)


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
    require_whole(folder)
    try:
        model.load_weights(folder / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise UserInputError(
            f"{folder}: is of another model, whose weights do not fit; {_remedy(folder)}"
        ) from error
    return _state(folder)


def _weights(model: MelGAN) -> memoryview:
    """The content of `model.weights.h5`: what `model.save_weights` writes, but in memory.

    Where a disk is full, HDF5 cannot close a file on it, and ends the process.
    """
    content = io.BytesIO()
    store = saving_lib.H5IOStore(content, mode="w")
    saving_lib._save_state(model, store, None, inner_path="", visited_saveables=set())
    store.close()
    return content.getbuffer()


def _require_finite(run: Path, model: MelGAN, step: int) -> None:
    parts = {
        "generator": model.generator,
        "averaged generator": model.average,
        "discriminators": model.discriminator,
        "generator's optimizer": model.generator_optimizer,
        "discriminators' optimizer": model.discriminator_optimizer,
    }
    for name, part in parts.items():
        variables = part.variables if part is not None else []
        if not all(np.isfinite(keras.ops.convert_to_numpy(x)).all() for x in variables):
            raise diverged(run, step, f"its {name} holds NaN or infinite values")


def diverged(run: Path, step: int, reason: str) -> UserInputError:
    """The error of a run that is of no more use at `step`; it names the checkpoint that is kept."""
    last = latest(run)
    kept = f"{last} is kept" if last is not None else "no checkpoint was written"
    return UserInputError(
        f"{run}: training diverged before step {step}, {reason}; start a new run with a lower "
        f"optimizer.learning_rate; {kept}"
    )


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_whole(folder: Path) -> None:
    """Compares the checksums of a checkpoint.

    Raises:
        UserInputError: a file is damaged or missing.
    """
    damaged = _damaged(folder)
    if damaged is not None:
        raise UserInputError(f"{folder}/{damaged}; {_remedy(folder)}")


def _damaged(folder: Path) -> str | None:
    """The first file of a checkpoint that is not as it was written, and why; None if all are."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return f"{SUMS}: cannot be read"
    for name in _FILES:
        try:
            if f"{_checksum(folder / name)}  {name}" not in lines:
                return f"{name}: is damaged, its checksum differs"
        except OSError as error:
            return f"{name}: cannot be read ({error.strerror})"
    return None


def _remedy(folder: Path) -> str:
    """What to do instead of restoring `folder`."""
    others = [x for x in checkpoint_folders(folder.parents[1]) if x != folder]
    whole = next((x for x in reversed(others) if not _damaged(x)), None)
    if whole is None:
        return "no other checkpoint is whole; start a new run"
    return f"delete {folder} to continue from {whole.name}, which is whole"


def _state(folder: Path) -> dict[str, Any]:
    return json.loads((folder / STATE).read_text(encoding="utf-8"))
