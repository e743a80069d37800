"""Damages files of every kind at random; each must be refused in one line or give what it gave.

    python -m benchmarks.fuzz [--inputs 500] [--seed 0] [--only CLASS …]

Each class of files runs in processes of its own, of 100 inputs each. An input is *refused* if it
ends in a `UserInputError` of one line, *right* if it gives the same result as the file that was
damaged, and *wrong* otherwise: another exception, another result, a process that ends or hangs, or
more than 1 GB of memory.

Prints a line for each class and each wrong input, and exits with 1 unless none is wrong. Writes
benchmarks/results/fuzz.json.
"""

import argparse
import ast
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import add_out_option, machine, table, versions, write_result
from benchmarks.fuzz import samples
from benchmarks.fuzz.classes import CLASSES

# Keras keeps some memory of every model that was built; the peak is to be that of one input.
_PER_PROCESS = 100


def verdicts(
    folder: Path, name: str, seed: int, first: int, end: int
) -> Iterator[tuple[int, str, str]]:
    """Tries the inputs `first` to `end` of a class in one process.

    Yields:
        (number, verdict, reason) for each input, until the process ends.
    """
    arguments = map(str, (folder, name, seed, first, end))
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fuzz.worker", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        )
        trying = None
        for line in process.stdout:
            word, number, *rest = line.split(maxsplit=2)
            trying = int(number) if word == "try" else None
            if trying is None:
                yield int(number), word, ast.literal_eval(rest[0])
        status = process.wait()
        if trying is not None:
            # A worker that takes too long ends itself with SIGALRM.
            ended = signal.Signals(-status).name if status < 0 else f"status {status}"
            yield trying, "wrong", f"the process ended with {ended}"
        elif status:
            errors.seek(0)
            raise RuntimeError(f"the worker of {name} failed:\n{errors.read()[-2000:]}")


def run_class(folder: Path, name: str, seed: int, inputs: int) -> dict[str, Any]:
    """Tries all inputs of a class; returns its row of the result."""
    counts, wrong, done = Counter(), [], 0
    while done < inputs:
        end = min(done + _PER_PROCESS, inputs)
        for number, verdict, reason in verdicts(folder, name, seed, done, end):
            counts[verdict] += 1
            done = number + 1
            if verdict == "wrong":
                wrong.append({"input": number, "reason": reason})
                print(f"{name} {number}: {reason}", flush=True)
    numbers = {word: counts[word] for word in ("refused", "right", "wrong")}
    return {"class": name, "tried": inputs, **numbers, "wrong_inputs": wrong}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=500, help="of each class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=list(CLASSES), metavar="CLASS")
    add_out_option(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples.build(Path(folder))
        rows = [
            run_class(Path(folder), name, arguments.seed, arguments.inputs)
            for name in arguments.only
        ]
    columns = ["class", "tried", "refused", "right", "wrong"]
    print(table([columns, *([str(row[column]) for column in columns] for row in rows)]))
    packages = versions("ai-edge-litert", "h5py", "keras", "numpy", "PyYAML", "tensorflow")
    result = {"machine": machine(), "versions": packages, "seed": arguments.seed, "rows": rows}
    write_result("fuzz", result, arguments.out)
    if any(row["wrong"] for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
