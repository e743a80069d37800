"""The cost of a stream's steps beside one long call, and the memory of a voice's signatures.

    python -m benchmarks.streaming [--model VOICE] [--rounds 9]

Measures MelGAN's paper generator with random weights, or the given model, as float32 `.tflite` on
1 and 2 threads: steps of 1 to 32 frames by the voice's file, and by files for one length each. They
take turns, as in benchmarks.inference.

Prints a table for each number of threads, and the memory. Writes benchmarks/results/streaming.json,
or streaming-fourier.json for a Fourier generator.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks import common, inference_worker
from benchmarks.inference_peers import Row

THREADS, STEPS, OFFLINE = (1, 2), (1, 4, 8, 16, 32), 520
_VOICE = "tf-melgan-float32.tflite"
_OFFLINE = Row("offline", "litert_engine:LiteRT", _VOICE)
_STEPS = {
    "any length": Row("step of any length", "litert_engine:Step", _VOICE),
    "one length": Row("step of one length", "litert_engine:Step", "step-{frames}.tflite"),
}
_MEMORY = {
    "step": _STEPS["any length"],
    "all five": Row("all five signatures", "litert_engine:AllSignatures", _VOICE),
}
_FILES = (_VOICE, *(f"step-{frames}.tflite" for frames in STEPS))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a run's folder, a .keras or .npz file with one band")
    parser.add_argument("--rounds", type=int, default=9)
    common.add_out_option(parser)
    arguments = parser.parse_args()
    result = common.inference_header(arguments.model, arguments.rounds)
    with tempfile.TemporaryDirectory() as name:
        generator_type = inference_worker.build(Path(name), _FILES, arguments.model)
        result |= measure(Path(name), arguments.rounds)
    report(result)
    name = "streaming" if generator_type == "melgan" else f"streaming-{generator_type}"
    common.write_result(name, result, arguments.out)


def measure(folder: Path, rounds: int) -> dict:
    """The result, of the files in `folder`."""
    return {
        "offline_frames": OFFLINE,
        "steps": [_steps(folder, threads, rounds) for threads in THREADS],
        "resident_bytes": {name: _resident(folder, row) for name, row in _MEMORY.items()},
    }


def _steps(folder: Path, threads: int, rounds: int) -> dict:
    """Seconds per frame: offline, and in steps of any length and of one length."""
    calls = {(name, frames): row for name, row in _STEPS.items() for frames in STEPS}
    calls[_OFFLINE.label, OFFLINE] = _OFFLINE
    workers = {}
    try:
        for (name, frames), row in calls.items():
            workers[name, frames] = worker = inference_worker.row_worker(threads, folder, row)
            worker.ask({"do": "open", "frames": frames, "sound": str(folder / "sound.npy")})
        seconds = inference_worker.time_in_turns(workers, rounds)
    finally:
        for worker in workers.values():
            worker.close()
    medians = {call: statistics.median(each) / call[1] for call, each in seconds.items()}
    offline = medians.pop((_OFFLINE.label, OFFLINE))
    return {
        "threads": threads,
        "offline_seconds_per_frame": offline,
        "runs": [
            {
                "kind": name,
                "frames": frames,
                "seconds_per_frame": median,
                "of_offline": median / offline,
                "rounds": seconds[name, frames],
            }
            for (name, frames), median in medians.items()
        ],
    }


def _resident(folder: Path, row: Row) -> int:
    """How many bytes the resident memory grows when the row's signatures run."""
    worker = inference_worker.row_worker(1, folder, row)
    try:
        before = worker.ask({"do": "resident"})
        worker.ask({"do": "open", "frames": max(STEPS), "sound": str(folder / "sound.npy")})
        return worker.ask({"do": "resident"}) - before
    finally:
        worker.close()


def report(result: dict) -> None:
    """Prints the result."""
    common.print_header(result)
    for steps in result["steps"]:
        offline = steps["offline_seconds_per_frame"]
        print(
            f"\nStreaming, float32, {steps['threads']} threads: ms per frame; "
            f"{1e3 * offline:.3f} for {result['offline_frames']} frames at once"
        )
        rows = [["frames per step", *(f"{name}, × offline" for name in _STEPS)]]
        for frames in STEPS:
            runs = [run for run in steps["runs"] if run["frames"] == frames]
            cells = [f"{1e3 * r['seconds_per_frame']:.3f}, {r['of_offline']:.2f}" for r in runs]
            rows.append([str(frames), *cells])
        print(common.table(rows))
    sizes = ", ".join(f"{name} {v / 1e6:.1f}" for name, v in result["resident_bytes"].items())
    print(f"\nMB of resident memory that an interpreter's signatures take: {sizes}")


if __name__ == "__main__":
    main()
