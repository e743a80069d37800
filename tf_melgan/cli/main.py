"""The command `tf-melgan`: parses arguments, runs a command and prints errors."""

import argparse
import os
import sys
from collections.abc import Sequence

from tf_melgan import __version__
from tf_melgan.cli import (
    demo,
    doctor,
    evaluate,
    export,
    finetune,
    import_,
    prepare,
    train,
    vocode,
)
from tf_melgan.cli.signals import Terminated, sigterm_interrupts
from tf_melgan.errors import UserInputError
from tf_melgan.extras import require_extra

_COMMANDS = (prepare, train, finetune, vocode, export, import_, doctor, evaluate, demo)
_BAD_INPUT, _INTERRUPTED, _BROKEN_PIPE, _TERMINATED = 2, 130, 141, 143


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
        The exit code: 0 for success, 1 if some of the input was left out, 2 for bad input (after a
        one-line error), 130 for Ctrl-C, 143 for SIGTERM, 141 if nobody reads the output any more.
    """
    _open_standard_streams()
    arguments = parser().parse_args(argv)
    try:
        with sigterm_interrupts(), require_extra(f"tf-melgan {arguments.command}"):
            code = arguments.run(arguments) or 0
            sys.stdout.flush()
            return code
    except (UserInputError, ImportError) as error:
        return _failed(str(error))
    except BrokenPipeError:
        _discard(1, 2)
        return _BROKEN_PIPE
    except OSError as error:
        if error.filename is None:
            # Errors of output files name them.
            _discard(1)
            return _failed(f"standard output: cannot be written ({error.strerror})")
        return _failed(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt as error:
        print("\ntf-melgan: interrupted", file=sys.stderr)
        return _TERMINATED if isinstance(error, Terminated) else _INTERRUPTED


def _discard(*descriptors: int) -> None:
    """Lets what Python still flushes to these streams when it exits go nowhere."""
    for descriptor in descriptors:
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _failed(line: str) -> int:
    print(f"tf-melgan: {line}", file=sys.stderr)
    return _BAD_INPUT


def _open_standard_streams() -> None:
    """Opens what the caller closed, so that no output file gets the number of a standard stream."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if descriptor else "r"))  # noqa: SIM115
    # Names of files need not be UTF-8.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
