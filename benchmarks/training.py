"""Training steps per second: `MelGAN.train_step` beside the same step in PyTorch.

    python -m benchmarks.training [--rounds 9] [--compile]

The recipe of configs/melgan.yaml: the paper's models, batch 16, segments of 8192 samples, Adam,
float32, two threads. Each implementation runs in its own process, which is stopped while the other
works. They take turns of one step; the table has the medians. First, both make one step of gradient
descent from the same weights on the same batch, and their losses and updates must agree.
--compile adds torch.compile (which takes minutes to compile).

Prints a table of the implementations and a profile of tf-melgan's step. Writes
benchmarks/results/training.json.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import common
from benchmarks.training_worker import BATCH, SEGMENT, THREADS

ENVIRONMENT = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "2"}
IMPLEMENTATIONS = {
    "tf-melgan": "tf-melgan",
    "torch": "PyTorch",
    "torch-compiled": "PyTorch, compiled",
}
_TOLERANCE = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--compile", action="store_true", help="add torch.compile")
    common.add_out_option(parser)
    parser.add_argument("--worker", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        serve(arguments.worker)
        return
    names = [name for name in IMPLEMENTATIONS if arguments.compile or name != "torch-compiled"]
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
    common.write_result("training", result, arguments.out)


def serve(name: str) -> None:
    """Answers requests as the worker of one implementation."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    if name == "tf-melgan":
        from benchmarks.training_keras import KerasTraining as implementation
    else:
        from benchmarks.training_torch import TorchTraining as implementation
    common.serve(implementation(name))


def measure(workers: dict[str, common.Worker], rounds: int) -> dict:
    """The result of `rounds` steps of each worker, in turns.

    Raises:
        SystemExit: the implementations do not compute the same step.
    """
    same_step = compare_step(workers)
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
        "same_step": same_step,
        "medians": medians,
        "peak_bytes": {n: w.ask({"do": "memory"})["peak_bytes"] for n, w in workers.items()},
        "settings": {n: w.ask({"do": "settings"}) for n, w in workers.items()},
        "profile": workers["tf-melgan"].ask({"do": "profile", "times": max(rounds // 2, 1)}),
        "all_rounds": seconds,
        "machine": common.machine(),
        "versions": common.versions("tensorflow", "keras", "torch", "numpy"),
    }


def compare_step(workers: dict[str, common.Worker]) -> dict[str, dict[str, float]]:
    """How far one step of each implementation is from PyTorch's; leaves all with a new Adam."""
    losses, after = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        initial = str(Path(folder) / "initial.npz")
        workers["torch"].ask({"do": "save", "path": initial})
        before = dict(np.load(initial))
        for name, worker in workers.items():
            path = str(Path(folder) / f"{name}.npz")
            worker.ask({"do": "start", "path": initial, "optimizer": "sgd"})
            losses[name] = worker.ask({"do": "one_step"})["losses"]
            worker.ask({"do": "save", "path": path})
            after[name] = dict(np.load(path))
            worker.ask({"do": "start", "path": initial, "optimizer": "adam"})
    same_step = {
        name: difference(before, losses, after, name) for name in workers if name != "torch"
    }
    for name, values in same_step.items():
        if max(values.values()) > _TOLERANCE:
            raise SystemExit(
                f"{IMPLEMENTATIONS[name]} and PyTorch do not compute the same step: {values}"
            )
    return same_step


def difference(before: dict, losses: dict, after: dict, name: str) -> dict[str, float]:
    """Relative differences from PyTorch: of the losses, and of each network's weight update."""
    expected = losses["torch"]
    values = {"losses": max(abs(losses[name][key] / expected[key] - 1) for key in expected)}
    for network in ("generator", "discriminator"):
        keys = [key for key in before if key.startswith(network)]
        error = sum(np.sum((after[name][key] - after["torch"][key]) ** 2) for key in keys)
        update = sum(np.sum((after["torch"][key] - before[key]) ** 2) for key in keys)
        values[f"{network} update"] = float(np.sqrt(error / update))
    return values


def report(result: dict) -> None:
    """Prints the result."""
    medians, profile = result["medians"], result["profile"]
    print(f"\nbatch {BATCH}, segment {SEGMENT}, float32, {THREADS} threads, {result['machine']}")
    print(f"{result['versions']}")
    for name, values in result["same_step"].items():
        differences = ", ".join(f"{key} {value:.1e}" for key, value in values.items())
        print(f"{IMPLEMENTATIONS[name]} beside PyTorch, one step, relative: {differences}")
    rows = [["", "steps/s", "ms/step", "CPU ms/step", "peak GB", "×", "settings"]]
    for name, values in medians.items():
        rows.append(
            [
                IMPLEMENTATIONS[name],
                f"{1 / values['seconds']:.3f}",
                f"{1e3 * values['seconds']:.0f}",
                f"{1e3 * values['cpu_seconds']:.0f}",
                f"{result['peak_bytes'][name] / 1e9:.2f}",
                f"{medians['torch']['seconds'] / values['seconds']:.2f}",
                result["settings"][name],
            ]
        )
    print(f"\n{common.table(rows)}")
    peak = profile["matmul_gflops"]
    print(
        f"\ntf-melgan's step by parts; a large float32 product reaches {peak:.0f} GFLOP/s "
        f"on {THREADS} threads"
    )
    rows = [["", "ms", "GFLOP", "GFLOP/s", "of that", "at least ms"]]
    for part, values in profile["parts"].items():
        gflop, seconds = values["gflop"], values["seconds"]
        cells = [f"{gflop:.1f}", f"{gflop / seconds:.0f}", f"{gflop / seconds / peak:.0%}"]
        cells.append(f"{1e3 * gflop / peak:.0f}")
        rows.append([part, f"{1e3 * seconds:.0f}", *(cells if gflop else [""] * 4)])
    print(common.table(rows))


if __name__ == "__main__":
    main()
