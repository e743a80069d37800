"""`tf-melgan prepare`: recordings → a prepared folder."""

import argparse
from typing import Any

from tf_melgan.cli.options import add_command, load_config


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "prepare",
        _run,
        "Check recordings, resample them and store them for training.",
        "prepare recordings/ data/ --config melgan_24k",
    )
    command.add_argument("recordings", help="a folder tree of wav, flac, ogg and mp3")
    command.add_argument("out", help="the prepared folder; created, or brought up to date")
    command.add_argument("--config", default="melgan", help="its mel decides (default: melgan)")
    command.add_argument("--validation", type=float, default=0.05, help="share (default: 0.05)")
    command.add_argument("--validation-ids", help="a text file of names to validate on, one a line")
    command.add_argument("--jobs", type=int, help="threads (default: all cores)")


def _run(arguments: argparse.Namespace) -> None:
    from tf_melgan.data.prepare import prepare

    report = prepare(
        arguments.recordings,
        arguments.out,
        load_config(arguments.config).mel,
        validation=arguments.validation,
        validation_ids=arguments.validation_ids,
        jobs=arguments.jobs,
    )
    print(report)
