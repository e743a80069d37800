"""Steps per second of our train_step against a PyTorch implementation of the same step.

    python -m benchmarks.training [--rounds 9] [--compile]

The recipe of configs/melgan.yaml: the paper's models, batch 16, segments of 8192 samples, Adam,
float32, two threads. Each side is a process of its own that is stopped while the other works;
they take turns, a step each, and the table has the medians. First both make one step of gradient
descent from the same weights on the same batch, and their losses and weights have to agree.
--compile adds torch.compile as a third side (minutes to compile). Writes
benchmarks/results/training.json.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import common

THREADS = 2
BATCH, SEGMENT, HOP, BANDS = 16, 8192, 256, 80
ENVIRONMENT = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "2"}
SIDES = {"ours": "tf-melgan", "torch": "PyTorch", "torch-compiled": "PyTorch, compiled"}


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Mels (batch, frames, bands) and waveforms (batch, samples, 1); what they are is no matter."""
    random = np.random.default_rng(0)
    mel = random.normal(-2, 1, (BATCH, SEGMENT // HOP, BANDS))
    audio = random.uniform(-0.9, 0.9, (BATCH, SEGMENT, 1))
    return mel.astype(np.float32), audio.astype(np.float32)


class Side:
    """Answers the requests of `main` in a worker; `step` and `weights` are the side's own."""

    def __call__(self, request: dict) -> dict:
        return getattr(self, request.pop("do"))(**request)

    def one_step(self) -> dict:
        start, cpu = time.perf_counter(), time.process_time()
        losses = self.step()
        return {
            "seconds": time.perf_counter() - start,
            "cpu_seconds": time.process_time() - cpu,
            "losses": losses,
        }

    def memory(self) -> dict:
        return {"peak_bytes": common.peak_memory()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--worker", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
        if arguments.worker == "ours":
            from benchmarks.training_ours import Ours as side
        else:
            from benchmarks.training_torch import Torch as side
        common.serve(side(arguments.worker))
        return
    names = [name for name in SIDES if arguments.compile or name != "torch-compiled"]
    workers = {
        name: common.Worker(["-m", "benchmarks.training", "--worker", name], ENVIRONMENT)
        for name in names
    }
    try:
        result = measure(workers, arguments.rounds)
    finally:
        for worker in workers.values():
            worker.close()
    report(result)
    print(f"written to {common.write('training', result)}")


def measure(workers: dict[str, common.Worker], rounds: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        initial = str(Path(folder) / "initial.npz")
        workers["torch"].ask({"do": "save", "path": initial})
        losses, after = {}, {}
        for name, worker in workers.items():
            path = str(Path(folder) / f"{name}.npz")
            worker.ask({"do": "start", "path": initial, "optimizer": "sgd"})
            losses[name] = worker.ask({"do": "one_step"})["losses"]
            worker.ask({"do": "save", "path": path})
            after[name] = dict(np.load(path))
            worker.ask({"do": "start", "path": initial, "optimizer": "adam"})
        same = {
            name: difference(dict(np.load(initial)), losses, after, name)
            for name in workers
            if name != "torch"
        }
    for name, values in same.items():
        if max(values.values()) > 1e-3:
            raise SystemExit(f"{SIDES[name]} and PyTorch do not compute the same step: {values}")
    for worker in workers.values():
        for _ in range(2):
            worker.ask({"do": "one_step"})
    steps = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            steps[name].append(worker.ask({"do": "one_step"}))
    seconds = {
        name: {key: [step[key] for step in each] for key in ("seconds", "cpu_seconds")}
        for name, each in steps.items()
    }
    medians = {
        name: {key: statistics.median(values) for key, values in each.items()}
        for name, each in seconds.items()
    }
    return {
        "batch": BATCH,
        "segment": SEGMENT,
        "threads": THREADS,
        "rounds": rounds,
        "same_step": same,
        "medians": medians,
        "peak_bytes": {n: w.ask({"do": "memory"})["peak_bytes"] for n, w in workers.items()},
        "settings": {n: w.ask({"do": "settings"}) for n, w in workers.items()},
        "profile": workers["ours"].ask({"do": "profile", "times": max(rounds // 2, 1)}),
        "all_rounds": seconds,
        "machine": common.machine(),
        "versions": common.versions("tensorflow", "keras", "torch", "numpy"),
    }


def difference(before: dict, losses: dict, after: dict, name: str) -> dict[str, float]:
    """How far one side's losses, and what its step added to the weights, are from PyTorch's."""
    theirs = losses["torch"]
    values = {"losses": max(abs(losses[name][key] / theirs[key] - 1) for key in theirs)}
    for network in ("generator", "discriminator"):
        keys = [key for key in before if key.startswith(network)]
        apart = sum(np.sum((after[name][key] - after["torch"][key]) ** 2) for key in keys)
        moved = sum(np.sum((after["torch"][key] - before[key]) ** 2) for key in keys)
        values[f"{network} update"] = float(np.sqrt(apart / moved))
    return values


def report(result: dict) -> None:
    medians, profile = result["medians"], result["profile"]
    print(f"\nbatch {BATCH}, segment {SEGMENT}, float32, {THREADS} threads, {result['machine']}")
    print(f"{result['versions']}")
    for name, values in result["same_step"].items():
        apart = ", ".join(f"{key} {value:.1e}" for key, value in values.items())
        print(f"{SIDES[name]} against PyTorch, one step, relative: {apart}")
    rows = [["", "steps/s", "ms/step", "CPU ms/step", "peak GB", "×", "settings"]]
    for name, values in medians.items():
        rows.append(
            [
                SIDES[name],
                f"{1 / values['seconds']:.3f}",
                f"{1e3 * values['seconds']:.0f}",
                f"{1e3 * values['cpu_seconds']:.0f}",
                f"{result['peak_bytes'][name] / 1e9:.2f}",
                f"{medians['torch']['seconds'] / values['seconds']:.2f}",
                result["settings"][name],
            ]
        )
    print(f"\n{common.table(rows)}")
    roof = profile["matmul_gflops"]
    print(
        f"\nOurs by parts; a large float32 product reaches {roof:.0f} GFLOP/s on {THREADS} threads"
    )
    rows = [["", "ms", "GFLOP", "GFLOP/s", "of that", "floor ms"]]
    for part, values in profile["parts"].items():
        flops, spent = values["gflop"], values["seconds"]
        cells = [f"{flops:.1f}", f"{flops / spent:.0f}", f"{flops / spent / roof:.0%}"]
        cells.append(f"{1e3 * flops / roof:.0f}")
        rows.append([part, f"{1e3 * spent:.0f}", *(cells if flops else [""] * 4)])
    print(common.table(rows))


if __name__ == "__main__":
    sys.exit(main())
