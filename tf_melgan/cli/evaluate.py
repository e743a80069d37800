"""`tf-melgan evaluate`: synthesized speech against recordings → a table and a page."""

import argparse
from pathlib import Path
from typing import Any

from tf_melgan.cli.options import add_command


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "evaluate",
        _run,
        "Score synthesized speech against recordings; files pair by name.",
        "evaluate recordings/ wavs/ --griffin-lim --out scores/",
    )
    command.add_argument("reference", type=Path, help="the folder of recordings")
    command.add_argument("systems", nargs="*", type=Path, help="folders of synthesized speech")
    command.add_argument("--griffin-lim", action="store_true", help="add this baseline")
    command.add_argument("--out", required=True, type=Path, help="where the report goes")


def _run(arguments: argparse.Namespace) -> None:
    from tf_melgan.evaluation import report
    from tf_melgan.evaluation.comparison import add_griffin_lim, evaluate

    systems = list(arguments.systems)
    if arguments.griffin_lim:
        baseline = arguments.out / "griffin-lim"
        systems.append(add_griffin_lim(arguments.reference, systems, baseline))
    evaluation = evaluate(arguments.reference, systems)
    report.write(evaluation, arguments.out)
    print(report.summary(evaluation))
    print(f"{arguments.out / 'report.html'} has the table, the sound and the spectrograms")
