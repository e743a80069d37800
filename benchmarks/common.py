"""What benchmarks share: workers that take turns, what they ran on, tables and results."""

import json
import os
import platform
import signal
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


class Worker:
    """A process of its own that answers one request at a time and is stopped in between.

    It is this Python with `arguments`; it reads a JSON value per line from standard input and
    answers each with a line on standard output, as `serve` does.
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
        """Wakes the worker, has it answer, and stops it, so that no thread of it spins on."""
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


def serve(answer: Any) -> None:
    """The worker's side: `answer(request)` for each line of standard input, until its end."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def peak_memory() -> int:
    """The most bytes of memory that this process has held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def machine() -> dict[str, Any]:
    """The processor, its cores, and how many processes compete for them just now."""
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = {line.split(":")[1].strip() for line in cpus if line.startswith("model name")}
    return {
        "processor": ", ".join(sorted(models)) or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def versions(*packages: str) -> dict[str, str]:
    return {package: version(package) for package in packages}


def described(model: str | None, rounds: int) -> dict[str, Any]:
    """The head of a result about a generator's speed: what was measured, and with what."""
    packages = ("ai-edge-litert", "keras", "onnxruntime", "tensorflow", "torch")
    return {
        "model": model or "random weights in the paper's geometry",
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions(*packages),
        "rounds": rounds,
    }


def report(result: dict[str, Any]) -> None:
    """Prints what `described` says."""
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


def write(name: str, result: dict[str, Any]) -> Path:
    """Writes benchmarks/results/NAME.json."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path
