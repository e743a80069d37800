"""`tf-melgan train`: trains a vocoder on a prepared folder, or resumes a run."""

import argparse
from pathlib import Path
from typing import Any

from tf_melgan.cli.options import (
    add_command,
    add_run_arguments,
    hide_engine_logs,
    local_path,
    parse_settings,
)
from tf_melgan.cli.runs import report_end, resumable
from tf_melgan.config import Config


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "train",
        _run,
        "Train a vocoder, or resume a run from its last checkpoint.",
        "train melgan data/ runs/voice --set training.batch=8",
    )
    command.add_argument(
        "config", help="a YAML file, or the name of a shipped config (melgan, lite…)"
    )
    command.add_argument("data", type=local_path, help="a folder written by tf-melgan prepare")
    add_run_arguments(command)
    command.add_argument(
        "--dry-run",
        action="store_true",
        help="print model sizes, memory and the amount of data without training",
    )


def _run(arguments: argparse.Namespace) -> None:
    config = Config.load(arguments.config).with_values(**parse_settings(arguments.set))
    if arguments.dry_run:
        _dry_run(config, arguments.data)
        return
    run = arguments.run_folder
    with resumable(run):
        with hide_engine_logs():
            from tf_melgan.training.loop import train
        train(
            config,
            arguments.data,
            run,
            minutes=arguments.minutes,
            data_changed=arguments.data_changed,
        )
    report_end(run, config.training.steps)


def _dry_run(config: Config, data: Path) -> None:
    from tf_melgan.data.prepared import Prepared
    from tf_melgan.training.cost import summary

    prepared = Prepared.open(data)
    prepared.require_spec(config.mel)
    print(summary(config))
    samples = {}
    for split in ("train", "validation"):
        utterances = prepared.utterances(split)
        samples[split] = sum(utterance.samples for utterance in utterances)
        minutes = samples[split] / config.mel.sample_rate / 60
        recordings = len({utterance.path for utterance in utterances})
        print(f"{split:<15}{recordings:,} recordings, {minutes:.1f} minutes")
    training = config.training
    batches = max(1, round(samples["train"] / (training.batch * training.segment)))
    print(f"{'epoch':<15}{batches:,} batches; {training.steps / batches:,.0f} epochs in all")
