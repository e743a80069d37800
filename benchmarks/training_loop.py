"""Steps per second of `tf-melgan train` as a whole: steps, validation, checkpoints, drawing.

    python -m benchmarks.training_loop DATA [--config lj-lite] [--beside FOLDER] [--rounds 9]

DATA is a prepared folder. A run is started in its own process on each backend, and once more with
the code in FOLDER, an older checkout, if one is given. The runs take turns of one interval and are
stopped while others work; the first interval, with the compilation, does not count.

Prints the medians. Writes benchmarks/results/training_loop.json.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks import common

THREADS = 2
_HERE = Path(__file__).parents[1]
_THREADS = {
    "OMP_NUM_THREADS": str(THREADS),
    "TF_NUM_INTRAOP_THREADS": str(THREADS),
    "TF_NUM_INTEROP_THREADS": str(THREADS),
}


class Run:
    """A run of `tf-melgan train` that goes on for one interval at a time."""

    def __init__(self, code: Path, backend: str, arguments: list[str]):
        environment = {"PYTHONPATH": str(code), "KERAS_BACKEND": backend, **_THREADS}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tf_melgan", "train", *arguments],
            env={**os.environ, **environment},
            cwd=code,
            stderr=subprocess.PIPE,
            text=True,
        )

    def interval(self) -> float:
        """Goes on to the end of the next interval; returns the seconds that it took.

        Raises:
            RuntimeError: the run ended.
        """
        start = time.perf_counter()
        self._process.send_signal(signal.SIGCONT)
        for line in self._process.stderr:
            if line.startswith("step "):
                self._process.send_signal(signal.SIGSTOP)
                return time.perf_counter() - start
        raise RuntimeError(f"the run ended with status {self._process.wait()}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def measure(runs: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """The seconds of `rounds` intervals of each run, in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(run.interval())
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--config", default="lj-lite")
    parser.add_argument("--beside", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--interval", type=int, default=25)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    common.add_out_option(parser)
    arguments = parser.parse_args()
    steps = arguments.interval * (arguments.rounds + 2)  # the first is left out
    settings = [
        f"training.steps={steps}",
        f"training.checkpoint_interval={arguments.interval}",
        *arguments.set,
    ]
    codes = {"": _HERE} | ({"before, ": arguments.beside} if arguments.beside else {})
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for backend in ("tensorflow", "jax"):
                for name, code in codes.items():
                    words = [arguments.config, arguments.data.absolute(), f"{folder}/{len(runs)}"]
                    words += [word for setting in settings for word in ("--set", setting)]
                    run = Run(code.absolute(), backend, [str(word) for word in words])
                    runs[f"{name}{backend}"] = run
                    run.interval()
            seconds = measure(runs, arguments.rounds)
        finally:
            for run in runs.values():
                run.close()
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    result = {
        "date": date.today().isoformat(),
        "machine": common.machine(),
        "versions": common.versions("tensorflow", "jax", "keras"),
        "config": arguments.config,
        "settings": settings,
        "threads": THREADS,
        "steps_per_second": {name: arguments.interval / each for name, each in medians.items()},
        "seconds_per_interval": seconds,
    }
    rows = [["", "steps/s", "ms/step"]]
    for name, each in medians.items():
        milliseconds = 1e3 * each / arguments.interval
        rows.append([name, f"{1e3 / milliseconds:.2f}", f"{milliseconds:.0f}"])
    print(f"{arguments.config}, {', '.join(settings)}, {THREADS} threads, {result['machine']}")
    print(common.table(rows))
    common.write_result("training_loop", result, arguments.out)


if __name__ == "__main__":
    main()
