"""The command `tf-melgan`: parses arguments, runs a command and prints errors."""

import argparse
import sys
from collections.abc import Sequence

from tf_melgan import __version__
from tf_melgan.cli import demo, evaluate, export, finetune, prepare, train, vocode
from tf_melgan.errors import UserInputError
from tf_melgan.extras import require_extra

_COMMANDS = (prepare, train, finetune, vocode, export, evaluate, demo)
_BAD_INPUT, _INTERRUPTED = 2, 130


def parser() -> argparse.ArgumentParser:
    """The argument parser. Parsed arguments have `command` (its name) and `run` (its function)."""
    parser = argparse.ArgumentParser(
        prog="tf-melgan",
        description="Train neural vocoders on recordings, run and export them.",
    )
    parser.add_argument("--version", action="version", version=f"tf-melgan {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit code: 0 for success, 2 for bad input (after a one-line error), 130 for Ctrl-C.
    """
    arguments = parser().parse_args(argv)
    try:
        with require_extra(f"tf-melgan {arguments.command}"):
            arguments.run(arguments)
    except (UserInputError, ImportError) as error:
        return _failed(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        return _failed(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        hint = "; run the same command again to resume from the last checkpoint, if there is one"
        resumes = arguments.command in ("train", "finetune")
        print(f"\ntf-melgan: interrupted{hint if resumes else ''}", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _failed(line: str) -> int:
    print(f"tf-melgan: {line}", file=sys.stderr)
    return _BAD_INPUT
