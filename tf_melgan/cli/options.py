"""Shared code of the commands: help texts, paths, `--set`, hidden engine logs."""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tf_melgan.config.strict_yaml import parse_yaml
from tf_melgan.errors import UserInputError
from tf_melgan.files import require_local

# Log lines of TensorFlow, XLA and LiteRT, which write them directly to standard error.
_ENGINE_LOG = re.compile(
    r"(INFO: |WARNING: All log messages before absl|[IWEF]\d{4} \d\d:\d\d:\d\d|"
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] |To enable the following instructions)"
)


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    """Adds a command to the parser.

    Args:
        commands: the subparsers of the main parser.
        name: the name of the command.
        run: the function that runs it, called with the parsed arguments; may return an exit code.
        description: one sentence about the command.
        example: an example call, without "tf-melgan".

    Returns:
        The parser of the command.
    """
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
    """Adds the run's folder and the options that all commands that train share."""
    command.add_argument(
        "run_folder",
        type=local_path,
        metavar="run",
        help="the run's folder, for checkpoints and logs",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set a key of the config; can be repeated",
    )
    command.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="stop after N minutes with a checkpoint; the same command goes on from there",
    )
    command.add_argument(
        "--data-changed",
        action="store_true",
        help="resume with other recordings than the run was trained on so far",
    )


def add_mels_argument(command: argparse.ArgumentParser) -> None:
    """Adds `--mels`, for training on the mels of an acoustic model."""
    command.add_argument(
        "--mels",
        type=local_path,
        metavar="FOLDER",
        help="a folder of .npy log-mels to train on, one for each recording and named like it, as "
        "an acoustic model predicts them under teacher forcing; may be that of the recordings",
    )


def local_path(text: str) -> Path:
    """The type of arguments that are paths; refuses addresses such as gs://bucket/voice."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; give a path")
    try:
        return require_local(text)
    except UserInputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """Parses the pairs of `--set KEY=VALUE`.

    Args:
        pairs: strings "key=value" with a dotted key and a YAML value.

    Returns:
        The values by dotted key.

    Raises:
        UserInputError: a pair has no "=", or its value is not YAML.
    """
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserInputError(
                f"--set {pair}: has no value; give key=value, such as training.steps=1000"
            )
        try:
            settings[key] = parse_yaml(value)
        except UserInputError:
            raise UserInputError(
                f"--set {pair}: {value} is not YAML; give a number, word or [list]"
            ) from None
    return settings


@contextmanager
def hide_engine_logs() -> Iterator[None]:
    """Hides the log lines of engines on standard error inside the block.

    Other lines are printed at the end of the block, so use it only for loading and exporting.
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
