"""Inference speed of a generator: tf-melgan's files beside other ways to run the same weights.

    python -m benchmarks.inference [--model VOICE] [--tflite FILE…] [--rounds 9]

Measures MelGAN's paper generator with random weights, or the given model, on 1 and 2 threads, for
32 and 520 frames of speech. Each row runs in its own process, which is pinned to as many cores as
it has threads and stopped while the others work. They take turns; the table has the medians. First,
every row must give the samples of the Keras model; rows with weights stored in less than float32
are only scored. The roofline is the faster of two libraries' float32 matrix products, measured in
the same turns. benchmarks.streaming measures the steps of a stream. The row of ONNX Runtime needs
`pip install onnx onnxscript`.

Prints a table. Writes benchmarks/results/inference.json, or inference-fourier.json for a Fourier
generator; with --only it writes nothing.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import common, inference_worker, roofline
from benchmarks.inference_peers import ROWS, Row
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.evaluation.metrics import pesq_wb

THREADS, FRAMES = (1, 2), (32, 520)
_TOLERANCE = 1e-3  # of the largest sample


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a run's folder, a .keras or .npz file with one band")
    parser.add_argument(
        "--tflite", nargs="+", default=[], metavar="FILE", help="measure these files, too"
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="ROW",
        help=f"measure these rows only and write no results: {', '.join(ROWS)}",
    )
    common.add_out_option(parser)
    arguments = parser.parse_args()
    chosen = set(arguments.only or ROWS)
    if unknown := chosen - set(ROWS):
        parser.error(f"--only: no such row: {', '.join(sorted(unknown))}; see --help")
    rows = {key: row for key, row in ROWS.items() if key in chosen}
    for path in arguments.tflite:
        rows[path] = Row(Path(path).name, "litert_engine:LiteRT", str(Path(path).absolute()), False)
    result = common.inference_header(arguments.model, arguments.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {row.file.format(frames=frames) for row in rows.values() for frames in FRAMES}
        generator_type = inference_worker.build(folder, files, arguments.model)
        rows = {key: row for key, row in rows.items() if generator_type in row.generators}
        result |= Benchmark(folder, rows, arguments.rounds, bool(arguments.model)).measure()
    report(result)
    if not arguments.only:
        name = "inference" if generator_type == "melgan" else f"inference-{generator_type}"
        common.write_result(name, result, arguments.out)


class Benchmark:
    """Measures rows, each in its own process, on every number of threads.

    Args:
        folder: with the files that `inference_worker.build` made.
        rows: by name.
        rounds: of which the medians are taken.
        trained: whether the output is speech, so that PESQ is meaningful.
    """

    def __init__(self, folder: Path, rows: dict[str, Row], rounds: int, trained: bool):
        self.folder, self.rows, self.rounds, self.trained = folder, rows, rounds, trained
        voice = json.loads((folder / "voice.json").read_text())
        self.spec = MelSpec.from_dict(voice["mel"])
        self.gflop = voice["gflop_per_second_of_audio"]

    def measure(self) -> dict:
        """The result: rooflines and runs for every number of threads and of frames."""
        runs, rooflines = [], []
        for threads in THREADS:
            workers = {
                key: inference_worker.row_worker(threads, self.folder, row)
                for key, row in self.rows.items()
            }
            products = {
                f"product by {library}": inference_worker.product_worker(threads, library)
                for library in roofline.LIBRARIES
            }
            try:
                for frames in FRAMES:
                    gflops, lines = self.measure_length(workers, products, frames)
                    rooflines.append({"threads": threads, "frames": frames, "gflops": gflops})
                    runs += [{"threads": threads, "frames": frames} | line for line in lines]
            finally:
                for worker in (*workers.values(), *products.values()):
                    worker.close()
        return {"gflop_per_second_of_audio": self.gflop, "roofline": rooflines, "runs": runs}

    def measure_length(
        self,
        workers: dict[str, common.Worker],
        products: dict[str, common.Worker],
        frames: int,
    ) -> tuple[dict[str, float], list[dict]]:
        """GFLOP/s of each library's product, and the values of each row."""
        quality = {key: self.check(key, worker, frames) for key, worker in workers.items()}
        seconds = inference_worker.time_in_turns(workers | products, self.rounds)
        gflops = {name: roofline.GFLOP / statistics.median(seconds[name]) for name in products}
        duration = frames * self.spec.hop / self.spec.sample_rate
        lines = []
        for key, worker in workers.items():
            median = statistics.median(seconds[key])
            lines.append(
                {
                    "row": key,
                    "label": self.rows[key].label,
                    "seconds": median,
                    "times_real_time": duration / median,
                    "of_roofline": self.gflop * duration / median / max(gflops.values()),
                    **quality[key],
                    "file_bytes": _size(self.rows[key].path(self.folder, frames)),
                    "peak_bytes": worker.ask({"do": "memory"}),
                    "settings": worker.ask({"do": "settings"}),
                    "rounds": seconds[key],
                }
            )
        return gflops, lines

    def check(self, key: str, worker: common.Worker, frames: int) -> dict[str, float | str | None]:
        """How a row's output differs from the reference.

        Raises:
            SystemExit: the output of an exact row differs.
        """
        path = self.folder / "sound.npy"
        worker.ask({"do": "open", "frames": frames, "sound": str(path)})
        sound, reference = np.load(path), np.load(self.folder / f"reference-{frames}.npy")
        error = sound - reference
        difference = float(np.abs(error).max() / np.abs(reference).max())
        if self.rows[key].exact and difference > _TOLERANCE:
            raise SystemExit(f"{self.rows[key].label} is {difference:.1e} off at {frames} frames")
        values = {"difference": difference, "snr": None}
        if error.any():
            values["snr"] = float(10 * np.log10(np.sum(reference**2) / np.sum(error**2)))
        if self.trained:
            values["pesq"] = pesq_wb(reference, sound, self.spec.sample_rate)
        return values


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def report(result: dict) -> None:
    """Prints the result."""
    common.print_header(result)
    for row in result["roofline"]:
        gflops = ", ".join(f"{name} {value:.0f}" for name, value in row["gflops"].items())
        print(f"float32 GFLOP/s, {row['threads']} × {row['frames']}: {gflops}")
    conditions = [(threads, frames) for threads in THREADS for frames in FRAMES]
    heading = ["threads × frames"]
    for threads, frames in conditions:
        heading += [f"{threads} × {frames}: ms", "× real", "of roof"]
    table = [[*heading, "file MB", "peak MB", "max error", "SNR dB", "PESQ"]]
    lines = {(run["row"], run["threads"], run["frames"]): run for run in result["runs"]}
    for key in dict.fromkeys(run["row"] for run in result["runs"]):
        cells = []
        for condition in conditions:
            run = lines[key, *condition]
            cells += [f"{1e3 * run['seconds']:.1f}", f"{run['times_real_time']:.1f}"]
            cells.append(f"{run['of_roofline']:.0%}")
        cells += [f"{run[size] / 1e6:.1f}" for size in ("file_bytes", "peak_bytes")]
        pesq = run.get("pesq", "")
        pesq = pesq if isinstance(pesq, str) else f"{pesq:.2f}"
        ratio = "equal" if run["snr"] is None else f"{run['snr']:.0f}"
        cells += [f"{run['difference']:.0e}", ratio, pesq]
        table.append([run["label"], *cells])
    print(f"\n{common.table(table)}")


if __name__ == "__main__":
    main()
