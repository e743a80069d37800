"""The layout of a run's folder, for code that vocodes and does not train."""

import re
from pathlib import Path

from tf_melgan.errors import UserInputError

CONFIG, GENERATOR = "config.yaml", "generator.npz"
CHECKPOINTS, HISTORY, CURVES = "checkpoints", "history.jsonl", "curves.png"
ORIGIN = "origin.json"
_CHECKPOINT = re.compile(r"step-(\d{8,})")


def generator_file(run: Path) -> Path:
    """The weights file of the generator to vocode with.

    Args:
        run: the run's folder.

    Returns:
        The path of RUN/generator.npz.

    Raises:
        UserInputError: `run` is not a run's folder, or has no checkpoint yet.
    """
    if not (run / CONFIG).exists():
        raise UserInputError(
            f"{run}: is not a run's folder, {CONFIG} is missing; give a folder that tf-melgan "
            "train wrote"
        )
    path = run / GENERATOR
    if not path.exists():
        raise UserInputError(
            f"{run}: has no checkpoint yet; train up to training.checkpoint_interval first"
        )
    return path


def checkpoint_folder(run: Path, step: int) -> Path:
    """The folder of the checkpoint of a step; it need not exist."""
    return run / CHECKPOINTS / f"step-{step:08}"


def checkpoint_folders(run: Path) -> list[Path]:
    """The folders of a run's checkpoints, from the first step to the last."""
    folders = (run / CHECKPOINTS).glob("step-*")
    return sorted((x for x in folders if _CHECKPOINT.fullmatch(x.name) and x.is_dir()), key=step_of)


def step_of(folder: Path) -> int:
    """The step at which a checkpoint's folder was written."""
    return int(folder.name.removeprefix("step-"))


def last_step(run: Path) -> int:
    """The step of a run's last checkpoint; 0 if it has none."""
    return max(map(step_of, checkpoint_folders(run)), default=0)
