"""Shared by the benchmarks: worker processes, the machine and its packages, tables, results."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


class Worker:
    """A process that answers one request at a time and is stopped in between.

    It runs this Python with `arguments`. It reads one JSON value per line from standard input and
    answers each with one line on standard output, as `serve` does.
    """

    def __init__(self, arguments: list[str], environment: dict[str, str]):
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **environment},
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, request: Any) -> Any:
        """Resumes the worker, returns its answer, and stops it, so that none of its threads spin.

        Raises:
            RuntimeError: the worker ended without an answer.
        """
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker ended with status {self._process.wait()}")
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def serve(answer: Callable[[Any], Any]) -> None:
    """Runs in the worker: prints `answer(request)` for each line of standard input."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def peak_memory() -> int:
    """The peak resident memory of this process, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def machine() -> dict[str, Any]:
    """The processor, its cores, and the current load."""
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = {line.split(":")[1].strip() for line in cpus if line.startswith("model name")}
    return {
        "processor": ", ".join(sorted(models)) or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def versions(*packages: str) -> dict[str, str]:
    """Installed versions by package."""
    return {package: version(package) for package in packages}


def inference_header(model: str | None, rounds: int) -> dict[str, Any]:
    """The first entries of a result on a generator's speed: model, date, machine, versions."""
    packages = ("ai-edge-litert", "keras", "onnxruntime", "tensorflow", "torch")
    return {
        "model": model or "random weights in the paper's geometry",
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions(*packages),
        "rounds": rounds,
    }


def print_header(result: dict[str, Any]) -> None:
    """Prints the entries of `inference_header`."""
    print(f"\n{result['model']}, medians of {result['rounds']} rounds, {result['date']}")
    print(f"{result['machine']}\n{result['versions']}")


def table(rows: list[list[str]]) -> str:
    """Rows as aligned text; the first row is the heading, the first column the labels."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for label, *cells in rows:
        aligned = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join((f"{label:<{widths[0]}}", *aligned)))
    return "\n".join(lines)


def add_out_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--out`, for `write_result`."""
    parser.add_argument(
        "--out",
        type=Path,
        default=RESULTS,
        metavar="FOLDER",
        help="the folder for the results (default: benchmarks/results)",
    )


def write_result(name: str, result: dict[str, Any], folder: Path = RESULTS) -> None:
    """Writes `folder`/NAME.json and prints its path."""
    path = folder / f"{name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")
