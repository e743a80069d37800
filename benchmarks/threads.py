"""One `.tflite` vocoder in many Python threads: equal samples, and the throughput of each count.

    python -m benchmarks.threads [--voice VOICE] [--calls 8000] [--rounds 3]

The threads of each count share one `Vocoder` of one CPU thread per call, and `--calls` calls:
utterances of 20 to 100 frames, every other one as a stream in random chunks. All samples are
compared with those of one thread, bit by bit. The counts take turns, each in a process of its own.

Prints a table of medians, and exits with 1 if any sample differs. Writes
benchmarks/results/threads.json.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date

import numpy as np

from benchmarks import common
from tf_melgan import voices
from tf_melgan.inference.vocoder import Vocoder

THREADS = (1, 2, 4, 8)
_FRAMES = range(20, 101, 5)


def measure(voice: str, threads: int, calls: int) -> dict[str, float]:
    """Frames per second and peak memory of `threads` threads, and the largest difference."""
    vocoder = Vocoder.load(voice, threads=1)
    speech = np.load(voices.SENTENCE).astype(np.float32)
    mels = [speech[frames : 2 * frames] for frames in _FRAMES]
    expected = [vocoder.vocode(mel) for mel in mels]

    def work(call: int) -> tuple[int, float]:
        index = call // 2 % len(mels)
        mel = mels[index]
        if call % 2:
            cuts = np.sort(np.random.default_rng(call).integers(1, len(mel), 3))
            stream = vocoder.stream()
            pieces = [stream.push(chunk) for chunk in np.split(mel, cuts) if len(chunk)]
            sound = np.concatenate([*pieces, stream.finish()])
        else:
            sound = vocoder.vocode(mel)
        return len(mel), float(np.abs(sound - expected[index]).max())

    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        done = list(pool.map(work, range(calls)))
        seconds = time.perf_counter() - start
    frames, differences = zip(*done, strict=True)
    return {
        "real_time": sum(frames) * vocoder.spec.hop / vocoder.spec.sample_rate / seconds,
        "largest_difference": max(differences),
        "peak_bytes": common.peak_memory(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voice", default=voices.DEFAULT)
    parser.add_argument("--calls", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=3)
    common.add_out_option(parser)
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    turns: dict[int, list[dict]] = {threads: [] for threads in THREADS}
    with ProcessPoolExecutor(1, spawn, max_tasks_per_child=1) as pool:
        for threads in THREADS * arguments.rounds:
            done = pool.submit(measure, arguments.voice, threads, arguments.calls)
            turns[threads].append(done.result())
    rows = [
        {
            "threads": threads,
            "real_time": statistics.median(row["real_time"] for row in each),
            "largest_difference": max(row["largest_difference"] for row in each),
            "peak_bytes": max(row["peak_bytes"] for row in each),
        }
        for threads, each in turns.items()
    ]
    result = {
        "voice": arguments.voice,
        "calls": arguments.calls,
        "rounds": arguments.rounds,
        "date": date.today().isoformat(),
    }
    result |= {"machine": common.machine(), "versions": common.versions("ai-edge-litert")}
    report(result | {"rows": rows})
    common.write_result("threads", result | {"rows": rows}, arguments.out)
    if any(row["largest_difference"] for row in rows):
        sys.exit(1)


def report(result: dict) -> None:
    """Prints the result."""
    print(f"{result['voice']}, {result['calls']} calls for each row, {result['date']}")
    print(f"{result['machine']}\n{result['versions']}")
    cells = [["Python threads", "× real time", "× one thread", "largest difference", "peak MB"]]
    for row in result["rows"]:
        speed, one = row["real_time"], result["rows"][0]["real_time"]
        cells.append(
            [
                str(row["threads"]),
                f"{speed:.0f}",
                f"{speed / one:.2f}",
                str(row["largest_difference"]),
                f"{row['peak_bytes'] / 1e6:.0f}",
            ]
        )
    print(common.table(cells))


if __name__ == "__main__":
    main()
