"""The processes of benchmarks.inference and benchmarks.streaming: a row, or a roofline's product.

    python -m benchmarks.inference_worker THREADS FOLDER ROW     ROW as JSON
    python -m benchmarks.inference_worker THREADS LIBRARY

It is pinned to as many cores as it has threads.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks import common, roofline
from benchmarks.inference_peers import Row

_ROUND_SECONDS = 0.2
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def build(folder: Path, files: Iterable[str], model: str | None) -> str:
    """Has another process make the files, the mels and the reference's sound.

    Returns:
        The kind of generator.
    """
    command = [sys.executable, "-m", "benchmarks.inference_peers.build", str(folder)]
    built = subprocess.run(
        [*command, *sorted(files), *(["--model", model] if model else [])],
        env={**os.environ, **ENVIRONMENT},
        cwd=Path(__file__).parents[1],
        stderr=subprocess.PIPE,
        text=True,
    )
    if built.returncode:
        raise SystemExit(built.stderr)
    return json.loads((folder / "voice.json").read_text())["kind"]


def of_row(threads: int, folder: Path, row: Row) -> common.Worker:
    return start(threads, str(folder), json.dumps(asdict(row)))


def of_product(threads: int, library: str) -> common.Worker:
    return start(threads, library)


def start(threads: int, *arguments: str) -> common.Worker:
    """The worker of the arguments above."""
    return common.Worker(
        ["-m", "benchmarks.inference_worker", str(threads), *arguments],
        {**ENVIRONMENT, "OMP_NUM_THREADS": str(threads)},
    )


def in_turns(workers: dict[str, common.Worker], rounds: int) -> dict[str, list[float]]:
    """Seconds of a run, for each worker in each round."""
    times = {key: worker.ask({"do": "calibrate"}) for key, worker in workers.items()}
    seconds = {key: [] for key in workers}
    for _ in range(rounds):
        for key, worker in workers.items():
            seconds[key].append(worker.ask({"do": "seconds", "times": times[key]}))
    return seconds


class Timed:
    """Answers requests, each a dict that says what to `do` and with what."""

    run: Callable[[], object]

    def __call__(self, request: dict) -> dict | float:
        return getattr(self, request.pop("do"))(**request)

    def calibrate(self) -> int:
        """How many runs a round should have."""
        self.run()
        return max(1, round(_ROUND_SECONDS / self.seconds(1)))

    def seconds(self, times: int) -> float:
        """Of a run, on average over `times`, after one that is not counted."""
        self.run()
        start = time.perf_counter()
        for _ in range(times):
            self.run()
        return (time.perf_counter() - start) / times


class Product(Timed):
    def __init__(self, threads: int, library: str):
        self.run = roofline.product(library, threads)


class Running(Timed):
    def __init__(self, threads: int, folder: Path, row: Row):
        self.folder, self.row, self.engine = folder, row, row.start(threads)

    def open(self, frames: int, sound: str) -> dict:
        """Opens the row's file for a mel of this length and saves what it sounds like."""
        self.engine.open(
            self.row.path(self.folder, frames), np.load(self.folder / f"mel-{frames}.npy")
        )
        self.run = self.engine.run
        np.save(sound, np.asarray(self.run(), np.float32).reshape(-1))
        return {}

    def memory(self) -> int:
        return common.peak_memory()

    def resident(self) -> int:
        """The bytes of memory that this process holds now."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    def settings(self) -> dict[str, str]:
        return self.engine.settings()


if __name__ == "__main__":
    threads = int(sys.argv[1])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    # What libraries print would be taken for answers, or drown the table.
    sys.stdout, sys.stderr = (os.fdopen(os.dup(stream), "w") for stream in (1, 2))
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    if len(sys.argv) == 3:
        side = Product(threads, sys.argv[2])
    else:
        side = Running(threads, Path(sys.argv[2]), Row(**json.loads(sys.argv[3])))
    common.serve(side)
