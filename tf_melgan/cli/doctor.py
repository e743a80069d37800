"""`tf-melgan doctor`: says what a file or folder is, and whether it fits a voice."""

import argparse
from typing import Any

from tf_melgan.cli.options import add_command, hide_engine_logs, local_path


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "doctor",
        _run,
        "Say what a file or folder is, whether it is whole and fits a voice, and how to go on.",
        "doctor mel.npy --voice lj-lite",
    )
    command.add_argument(
        "file",
        type=local_path,
        help="a recording, a mel, a voice of any format, a checkpoint of another project, a run's "
        "folder, a prepared folder, or a config",
    )
    command.add_argument(
        "--voice", help="a voice that it is to fit: the name of a shipped one, or a path"
    )


def _run(arguments: argparse.Namespace) -> int:
    with hide_engine_logs():
        from tf_melgan.doctor.diagnosis import diagnose

        report = diagnose(arguments.file, arguments.voice)
    print("\n".join(report.lines(arguments.file)))
    return 1 if report.problem else 0
