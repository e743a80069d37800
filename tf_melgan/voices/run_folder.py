"""Finds the generator to vocode with in a run's folder, without importing training code."""

from pathlib import Path

from tf_melgan.errors import UserInputError

CONFIG, GENERATOR = "config.yaml", "generator.npz"


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
