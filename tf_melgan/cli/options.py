"""What several commands share: their help, configs by name, `--set`, quiet engines."""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from tf_melgan.config import Config
from tf_melgan.errors import UserInputError

# What TensorFlow, XLA and LiteRT print while they load, on standard error and not through logging.
_ENGINE_LOG = re.compile(
    r"(INFO: |WARNING: All log messages before absl|[IWEF]\d{4} \d\d:\d\d:\d\d|"
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] |To enable the following instructions)"
)


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command's parser, with its help and an example."""
    command = commands.add_parser(
        name,
        help=description,
        description=description,
        epilog=f"example:\n  tf-melgan {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def add_run_arguments(command: argparse.ArgumentParser) -> None:
    """The run's folder and `--set`, for the commands that train."""
    command.add_argument("run_folder", metavar="run", help="the run's folder: checkpoints, logs")
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override the config"
    )


def load_config(name: str) -> Config:
    """A config file, or one that ships with the package by its name.

    Raises:
        UserInputError: there is none, or its content is wrong.
    """
    if Path(name).is_file() or Path(name).suffix:
        return Config.load(name)
    folder = resources.files("tf_melgan.configs")
    shipped = sorted(Path(x.name).stem for x in folder.iterdir() if x.name.endswith(".yaml"))
    if name not in shipped:
        raise UserInputError(f"{name}: no such config; give a YAML file or {', '.join(shipped)}")
    with resources.as_file(folder / f"{name}.yaml") as path:
        return Config.load(path)


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """`--set KEY=VALUE …` as values by dotted key. Raises `UserInputError` for what is neither."""
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserInputError(
                f"--set {pair}: has no value; give key=value, as training.steps=1000"
            )
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserInputError(
                f"--set {pair}: {value} is not YAML; give a number, word or [list]"
            ) from None
    return settings


@contextmanager
def hide_engine_logs() -> Iterator[None]:
    """Drops the log lines that engines write to standard error inside; all other lines stay.

    What is written inside appears at the end, so this is for loading and exporting.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as captured:
        stderr = os.dup(2)
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            for line in captured.read().decode(errors="replace").splitlines():
                if line.strip() and not _ENGINE_LOG.match(line):
                    print(line, file=sys.stderr)
