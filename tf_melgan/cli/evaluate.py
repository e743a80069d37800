"""`tf-melgan evaluate`: compares synthesized speech with recordings, writes an HTML report."""

import argparse
import sys
from typing import Any

from tf_melgan.cli.options import add_command, local_path
from tf_melgan.files import require_writable

_NAMED = 5


def add_parser(commands: Any) -> None:
    command = add_command(
        commands,
        "evaluate",
        _run,
        "Compute metrics of synthesized speech against recordings with the same file names.",
        "evaluate recordings/ wavs/ --griffin-lim --out scores/",
    )
    command.add_argument("reference", type=local_path, help="the folder of recordings")
    command.add_argument(
        "systems", nargs="*", type=local_path, help="folders of synthesized speech, one per system"
    )
    command.add_argument(
        "--griffin-lim", action="store_true", help="add Griffin-Lim as a baseline system"
    )
    command.add_argument("--out", required=True, type=local_path, help="the folder for the report")


def _run(arguments: argparse.Namespace) -> None:
    from tf_melgan.evaluation import report
    from tf_melgan.evaluation.comparison import add_griffin_lim, evaluate

    require_writable(arguments.out)
    systems = list(arguments.systems)
    if arguments.griffin_lim:
        baseline = arguments.out / "griffin-lim"
        systems.append(add_griffin_lim(arguments.reference, systems, baseline))
    evaluation = evaluate(arguments.reference, systems)
    report.write(evaluation, arguments.out)
    print(report.summary(evaluation))
    if evaluation.left_out:
        names, more = evaluation.left_out[:_NAMED], len(evaluation.left_out) - _NAMED
        text = ", ".join(names) + (f" and {more} more" if more > 0 else "")
        print(f"left out, since no folder has them: {text}", file=sys.stderr)
    print(f"{arguments.out / 'report.html'} has the table, the audio and the spectrograms")
