"""The worker of benchmarks.inference and benchmarks.streaming: runs one row or one product.

    python -m benchmarks.inference_worker THREADS FOLDER ROW     ROW is JSON
    python -m benchmarks.inference_worker THREADS LIBRARY

The other benchmarks start it. It is pinned to THREADS cores, reads requests from standard input and
prints answers, as `benchmarks.common.Worker` expects. It writes only the audio of `Engine.run`,
where a request asks for it.
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
    """Makes the files, the mels and the reference's audio in another process.

    Returns:
        The type of the generator: "melgan" or "fourier".

    Raises:
        SystemExit: a file could not be made.
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
    return json.loads((folder / "voice.json").read_text())["type"]


def row_worker(threads: int, folder: Path, row: Row) -> common.Worker:
    """A worker that runs a row; it answers the requests of `RowTimer`."""
    return start(threads, str(folder), json.dumps(asdict(row)))


def product_worker(threads: int, library: str) -> common.Worker:
    """A worker that computes a library's matrix product; it answers those of `Timer`."""
    return start(threads, library)


def start(threads: int, *arguments: str) -> common.Worker:
    """A worker with the arguments of the command above."""
    return common.Worker(
        ["-m", "benchmarks.inference_worker", str(threads), *arguments],
        {**ENVIRONMENT, "OMP_NUM_THREADS": str(threads)},
    )


def time_in_turns(workers: dict[str, common.Worker], rounds: int) -> dict[str, list[float]]:
    """Seconds of a run, for each worker and round."""
    times = {key: worker.ask({"do": "calibrate"}) for key, worker in workers.items()}
    seconds = {key: [] for key in workers}
    for _ in range(rounds):
        for key, worker in workers.items():
            seconds[key].append(worker.ask({"do": "seconds", "times": times[key]}))
    return seconds


class Timer:
    """Answers requests, each a dict with the method's name under "do" and its arguments."""

    run: Callable[[], object]

    def __call__(self, request: dict) -> dict | float:
        return getattr(self, request.pop("do"))(**request)

    def calibrate(self) -> int:
        """How many runs a round takes to last 0.2 s."""
        self.run()
        return max(1, round(_ROUND_SECONDS / self.seconds(1)))

    def seconds(self, times: int) -> float:
        """Seconds of a run, on average over `times`, after one that is not counted."""
        self.run()
        start = time.perf_counter()
        for _ in range(times):
            self.run()
        return (time.perf_counter() - start) / times


class ProductTimer(Timer):
    """Times a library's matrix product."""

    def __init__(self, threads: int, library: str):
        self.run = roofline.product(library, threads)


class RowTimer(Timer):
    """Times a row."""

    def __init__(self, threads: int, folder: Path, row: Row):
        self.folder, self.row, self.engine = folder, row, row.start(threads)

    def open(self, frames: int, sound: str) -> dict:
        """Opens the row's file for a mel of `frames` and saves its audio at the path `sound`."""
        self.engine.open(
            self.row.path(self.folder, frames), np.load(self.folder / f"mel-{frames}.npy")
        )
        self.run = self.engine.run
        np.save(sound, np.asarray(self.run(), np.float32).reshape(-1))
        return {}

    def memory(self) -> int:
        return common.peak_memory()

    def resident(self) -> int:
        """The resident memory of this process now, in bytes."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    def settings(self) -> dict[str, str]:
        return self.engine.settings()


if __name__ == "__main__":
    threads = int(sys.argv[1])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    # Standard output is for answers only: what libraries print goes to /dev/null.
    sys.stdout, sys.stderr = (os.fdopen(os.dup(stream), "w") for stream in (1, 2))
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    if len(sys.argv) == 3:
        timer = ProductTimer(threads, sys.argv[2])
    else:
        timer = RowTimer(threads, Path(sys.argv[2]), Row(**json.loads(sys.argv[3])))
    common.serve(timer)
