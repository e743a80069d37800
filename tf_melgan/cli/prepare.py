"""`tf-melgan prepare`: checks and resamples recordings, writes a prepared folder."""

import argparse
from typing import Any

from tf_melgan.cli.options import add_command, add_mels_argument, local_path
from tf_melgan.config import Config


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "prepare",
        _run,
        "Check recordings, resample them and store them in a folder for training.",
        "prepare recordings/ data/ --config melgan_24k",
    )
    command.add_argument(
        "recordings",
        type=local_path,
        help="a folder tree of wav, flac, ogg, mp3 and other sound files",
    )
    command.add_argument("out", type=local_path, help="the prepared folder; created or updated")
    command.add_argument(
        "--config", default="melgan", help="config whose mel section to use (default: melgan)"
    )
    command.add_argument(
        "--validation",
        type=float,
        default=0.05,
        help="share of recordings for validation (default: 0.05)",
    )
    command.add_argument(
        "--validation-ids", help="a text file with names of recordings for validation, one per line"
    )
    add_mels_argument(command)
    command.add_argument("--jobs", type=int, help="number of threads (default: all cores)")


def _run(arguments: argparse.Namespace) -> int:
    from tf_melgan.data.prepare import prepare

    report = prepare(
        arguments.recordings,
        arguments.out,
        Config.load(arguments.config).mel,
        validation=arguments.validation,
        validation_ids=arguments.validation_ids,
        jobs=arguments.jobs,
        mels=arguments.mels,
    )
    print(report)
    return 1 if report.refused else 0
