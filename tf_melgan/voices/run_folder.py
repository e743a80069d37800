"""Where a run keeps the generator to vocode with, for those who do not train."""

from pathlib import Path

from tf_melgan.errors import UserInputError

CONFIG, GENERATOR = "config.yaml", "generator.npz"


def generator_file(run: Path) -> Path:
    """The weights file of the generator that a run vocodes with.

    Raises:
        UserInputError: the folder is no run, or has no checkpoint yet.
    """
    if not (run / CONFIG).exists():
        raise UserInputError(f"{run}: is no run, {CONFIG} is missing; give the folder train wrote")
    path = run / GENERATOR
    if not path.exists():
        raise UserInputError(
            f"{run}: has no checkpoint yet; train up to training.checkpoint_interval first"
        )
    return path
