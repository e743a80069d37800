"""Whether a run may resume with a config."""

from pathlib import Path
from typing import Any

from tf_melgan.config import Config
from tf_melgan.config.sections import HEARD
from tf_melgan.errors import UserInputError
from tf_melgan.training.schedules import generator_rate_at
from tf_melgan.voices.run_folder import CONFIG


def check(run: Path, config: Config, step: int) -> str | None:
    """Checks that a config equals the one that the run already has, if it has one.

    Args:
        run: the run's folder.
        config: the config to train with.
        step: the step that the run resumes from.

    Returns:
        A line about what resuming with this config changes on purpose, if anything.

    Raises:
        UserInputError: the configs differ in more than may change, or the run is already beyond
            `training.steps`.
    """
    if step > config.training.steps:
        raise UserInputError(
            f"{run}: is at step {step}, beyond training.steps {config.training.steps}; give more "
            "steps, or another run folder"
        )
    path = run / CONFIG
    if not path.exists():
        return None
    before = Config.load(path)
    saved, given = _flat(before.to_dict()), _flat(config.to_dict())
    changeable = {"training.steps"}
    if _spectral(before) and _spectral(config):
        # The discriminators never start in either config.
        changeable.add("training.discriminator_start")
    if before.training.best not in HEARD:
        changeable.add("training.scored_recordings")
    changed = [key for key in saved | given if given.get(key) != saved.get(key)]
    mismatches = [key for key in changed if key not in changeable]
    if mismatches:
        key = mismatches[0]
        raise UserInputError(
            f"{path}: {key} is {saved.get(key)}, not {given.get(key)}; give the run's own config, "
            "or another run folder"
        )
    return _jump(run, before, config, step) if step else None


def _jump(run: Path, before: Config, config: Config, step: int) -> str | None:
    """A line about the learning rate, where another number of steps moves it."""
    old, new = (generator_rate_at(each, step) for each in (before, config))
    if old == new:
        return None
    return (
        f"{run}: training.steps is {config.training.steps} in place of {before.training.steps}, "
        f"and the {config.optimizer.decay} decay is laid out anew: at step {step} the learning "
        f"rate goes from {old:.3g} to {new:.3g}"
    )


def _spectral(config: Config) -> bool:
    """Whether a run has no steps with discriminators."""
    return config.training.discriminator_start >= config.training.steps


def _flat(values: dict, prefix: str = "") -> dict:
    """A nested config as one table, by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
