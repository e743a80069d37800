"""What a stream costs beside one long call, and how much memory its signatures hold.

    python -m benchmarks.streaming [--model VOICE] [--rounds 9]

MelGAN's paper generator with random weights, or the model given, of either kind, as float32
`.tflite` on 1 and 2 threads: steps of 1 to 32 frames by the voice's own file, and by files that
know one length alone. They take turns, as in benchmarks.inference. Writes
benchmarks/results/streaming.json, or streaming-fourier.json for the frame-rate generator.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks import common, inference_worker
from benchmarks.inference_peers import Row

THREADS, STEPS, OFFLINE = (1, 2), (1, 4, 8, 16, 32), 520
_VOICE = "ours-float32.tflite"
_OFFLINE = Row("offline", "litert_engine:LiteRT", _VOICE)
_KINDS = {
    "any length": Row("step of any length", "litert_engine:Step", _VOICE),
    "one length": Row("step of one length", "litert_engine:Step", "step-{frames}.tflite"),
}
_MEMORY = {
    "step": _KINDS["any length"],
    "all five": Row("all five signatures", "litert_engine:AllSignatures", _VOICE),
}
_FILES = (_VOICE, *(f"step-{frames}.tflite" for frames in STEPS))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a run's folder, a .keras or .npz file with one band")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    result = common.described(arguments.model, arguments.rounds)
    with tempfile.TemporaryDirectory() as name:
        kind = inference_worker.build(Path(name), _FILES, arguments.model)
        result |= measure(Path(name), arguments.rounds)
    report(result)
    name = "streaming" if kind == "melgan" else f"streaming-{kind}"
    print(f"written to {common.write(name, result)}")


def measure(folder: Path, rounds: int) -> dict:
    return {
        "offline_frames": OFFLINE,
        "steps": [_steps(folder, threads, rounds) for threads in THREADS],
        "resident_bytes": {name: _resident(folder, row) for name, row in _MEMORY.items()},
    }


def _steps(folder: Path, threads: int, rounds: int) -> dict:
    """Seconds for a frame, offline and in steps of each kind."""
    calls = {(name, frames): row for name, row in _KINDS.items() for frames in STEPS}
    calls[_OFFLINE.label, OFFLINE] = _OFFLINE
    workers = {}
    try:
        for (name, frames), row in calls.items():
            workers[name, frames] = worker = inference_worker.of_row(threads, folder, row)
            worker.ask({"do": "open", "frames": frames, "sound": str(folder / "sound.npy")})
        seconds = inference_worker.in_turns(workers, rounds)
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
    """Bytes that a process holds more once it has run the row's signatures."""
    worker = inference_worker.of_row(1, folder, row)
    try:
        before = worker.ask({"do": "resident"})
        worker.ask({"do": "open", "frames": max(STEPS), "sound": str(folder / "sound.npy")})
        return worker.ask({"do": "resident"}) - before
    finally:
        worker.close()


def report(result: dict) -> None:
    common.report(result)
    for steps in result["steps"]:
        offline = steps["offline_seconds_per_frame"]
        print(
            f"\nStreaming, float32, {steps['threads']} threads: ms for a frame; "
            f"{result['offline_frames']} frames at once take {1e3 * offline:.3f}"
        )
        rows = [["frames in a step", *(f"{kind}, × offline" for kind in _KINDS)]]
        for frames in STEPS:
            runs = [run for run in steps["runs"] if run["frames"] == frames]
            cells = [f"{1e3 * r['seconds_per_frame']:.3f}, {r['of_offline']:.2f}" for r in runs]
            rows.append([str(frames), *cells])
        print(common.table(rows))
    sizes = ", ".join(f"{name} {v / 1e6:.1f}" for name, v in result["resident_bytes"].items())
    print(f"\nMB that an interpreter holds once its signatures have run: {sizes}")


if __name__ == "__main__":
    main()
