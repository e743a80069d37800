"""`tf-melgan finetune`: trains a voice further on recordings of a new speaker."""

import argparse
from typing import Any

from tf_melgan.cli.options import (
    add_command,
    add_mels_argument,
    add_run_arguments,
    hide_engine_logs,
    local_path,
    parse_settings,
)
from tf_melgan.cli.runs import report_end, resumable


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "finetune",
        _run,
        "Fine-tune a voice with a few minutes of recordings of a new speaker, or resume the run.",
        "finetune lj-lite recordings/ runs/speaker",
    )
    command.add_argument(
        "voice",
        type=local_path,
        help="a run's folder, the name of a shipped voice, or a .npz file from export --to weights",
    )
    command.add_argument(
        "recordings",
        type=local_path,
        help="a folder of recordings of one speaker, who has consented",
    )
    add_mels_argument(command)
    add_run_arguments(command)


def _run(arguments: argparse.Namespace) -> None:
    run, settings = arguments.run_folder, parse_settings(arguments.set)
    with resumable(run):
        with hide_engine_logs():
            from tf_melgan.training.finetuning import finetune
        model = finetune(
            arguments.voice,
            arguments.recordings,
            run,
            settings,
            minutes=arguments.minutes,
            data_changed=arguments.data_changed,
            mels=arguments.mels,
        )
    report_end(run, model.config.training.steps)
