"""Compares streams with whole utterances, bit by bit, over random chunks, lengths and geometries.

    python -m benchmarks.chunking [--chunkings 200] [--generators 20]

The generators have random geometries and weights: four MelGANs and four Fourier generators in turn,
float32 and float16 files in turn. For each, utterances of random lengths go through `vocode` and,
cut at random frames, through a stream.

Prints the largest difference, and exits with 1 unless it is 0. Writes
benchmarks/results/chunking.json.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import add_out_option, machine, versions, write_result
from tf_melgan.export.tflite.exporter import export_tflite
from tf_melgan.inference.engines.litert import LiteRTEngine
from tf_melgan.progress import Progress

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers import generators

_MAX_FRAMES = 300


def largest_difference(engine: LiteRTEngine, chunkings: int, rng: np.random.Generator) -> float:
    """The largest difference from `engine.full` over `chunkings` random lengths and cuts."""
    differences = []
    for _ in range(chunkings):
        frames = int(rng.integers(1, _MAX_FRAMES))
        mel, cuts = generators.mels(frames, seed=frames), generators.random_cuts(frames, rng)
        stream = engine.stream()
        pieces = [stream.push(mel[a:b]) for a, b in zip([0, *cuts], [*cuts, frames], strict=True)]
        streamed = np.concatenate([*pieces, stream.finish()])
        differences.append(float(np.abs(streamed - engine.full(mel)).max()))
    return max(differences)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunkings", type=int, default=200, help="of all generators")
    parser.add_argument("--generators", type=int, default=20)
    add_out_option(parser)
    arguments = parser.parse_args()
    count, chunkings = arguments.generators, arguments.chunkings
    rng, rows = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder, Progress(count, "chunk", "files") as progress:
        for seed in range(count):
            draw = (generators.random_geometry, generators.random_fourier)[seed // 4 % 2]
            geometry = draw(1000 + seed)
            weights, threads = ("float32", "float16")[seed % 2], 1 + seed // 2 % 2
            path = Path(folder) / f"{seed}.tflite"
            generator = generators.generator(geometry, seed=seed)
            export_tflite(generator, generators.spec(geometry), path, weights)
            engine = LiteRTEngine(path, threads)
            difference = largest_difference(engine, -(-chunkings // count), rng)
            rows.append({**geometry, "weights": weights, "threads": threads, "max": difference})
            progress.advance(note=f"{difference}")
    largest = max(row["max"] for row in rows)
    print(f"{chunkings} chunkings of {count} files: largest difference {largest}")
    result = {"machine": machine(), "versions": versions("tensorflow", "ai-edge-litert")}
    result |= {"chunkings": chunkings, "largest_difference": largest, "rows": rows}
    write_result("chunking", result, arguments.out)
    if largest:
        sys.exit(1)


if __name__ == "__main__":
    main()
