"""`tf-melgan finetune`: a trained voice and recordings of a new speaker → a run."""

import argparse
from pathlib import Path
from typing import Any

from tf_melgan.cli.options import (
    add_command,
    add_run_arguments,
    hide_engine_logs,
    parse_settings,
)


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "finetune",
        _run,
        "Give a trained voice a new speaker, from minutes of recordings; called again, continue.",
        "finetune lj-lite recordings/ runs/her",
    )
    command.add_argument("voice", help="a voice that ships, or a .npz of export --to weights")
    command.add_argument("recordings", type=Path, help="of one speaker, who agreed to it")
    add_run_arguments(command)


def _run(arguments: argparse.Namespace) -> None:
    with hide_engine_logs():
        from tf_melgan.training.finetuning import finetune
    settings = parse_settings(arguments.set)
    finetune(arguments.voice, arguments.recordings, arguments.run_folder, settings)
