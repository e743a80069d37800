"""Streams against whole utterances: random chunkings × lengths × geometries, compared bit by bit.

    python -m benchmarks.chunking [--chunkings 200]

For each of 20 generators of random geometry and weights, four MelGANs and four frame-rate ones in
turn, float32 and float16 files in turn, an utterance goes through `vocode` and, cut at random,
through start, step and end. Writes benchmarks/results/chunking.json.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import machine, versions, write
from tf_melgan.export.tflite.exporter import export_tflite
from tf_melgan.inference.engines.litert import LiteRTEngine
from tf_melgan.progress import Progress

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers import generators

_GENERATORS = 20
_MOST_FRAMES = 300


def largest_difference(voice: LiteRTEngine, chunkings: int, rng: np.random.Generator) -> float:
    """The largest difference that so many random chunkings of random lengths made."""
    differences = []
    for _ in range(chunkings):
        frames = int(rng.integers(1, _MOST_FRAMES))
        mel, cuts = generators.mels(frames, seed=frames), generators.cuts(frames, rng)
        stream = voice.stream()
        pieces = [stream.push(mel[a:b]) for a, b in zip([0, *cuts], [*cuts, frames], strict=True)]
        sound = np.concatenate([*pieces, stream.finish()])
        differences.append(float(np.abs(sound - voice.full(mel)).max()))
    return max(differences)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunkings", type=int, default=200)
    arguments = parser.parse_args()
    rng, rows = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder, Progress(_GENERATORS, "chunk", "files") as bar:
        for seed in range(_GENERATORS):
            drawn = (generators.random_geometry, generators.random_fourier)[seed // 4 % 2]
            geometry = drawn(1000 + seed)
            weights, threads = ("float32", "float16")[seed % 2], 1 + seed // 2 % 2
            path = Path(folder) / f"{seed}.tflite"
            made = generators.generator(geometry, seed=seed)
            export_tflite(made, generators.spec(geometry), path, weights)
            voice = LiteRTEngine(path, threads)
            difference = largest_difference(voice, -(-arguments.chunkings // _GENERATORS), rng)
            rows.append({**geometry, "weights": weights, "threads": threads, "max": difference})
            bar.advance(note=f"{difference}")
    worst = max(row["max"] for row in rows)
    print(f"{arguments.chunkings} chunkings of {_GENERATORS} files: largest difference {worst}")
    result = {"chunkings": arguments.chunkings, "largest_difference": worst, "rows": rows}
    kit = versions("tensorflow", "ai-edge-litert")
    write("chunking", {"machine": machine(), "versions": kit, **result})
    if worst:
        sys.exit(1)


if __name__ == "__main__":
    main()
