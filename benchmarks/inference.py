"""How fast a generator runs: our files beside other ways to run the same weights.

    python -m benchmarks.inference [--model VOICE] [--tflite FILE…] [--rounds 9]

MelGAN's paper generator with random weights, or the model given, of either kind, on 1 and 2
threads, for 32 and 520 frames of speech. Each row is a process of its own, pinned to as many cores
as it has threads and stopped while the others work; they take turns, and the table has the medians.
First each has to give the samples of the Keras model, but for weights stored in less than float32,
which are scored. The roofline is the better of two libraries' float32 matrix products, measured in
the same turns. Writes benchmarks/results/inference.json, or inference-fourier.json for the
frame-rate generator. benchmarks.streaming has the steps of a stream.
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
# Of the loudest sample.
_TOLERANCE = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a run's folder, a .keras or .npz file with one band")
    parser.add_argument("--tflite", nargs="+", default=[], metavar="FILE", help="more rows")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="ROW",
        help=f"a quick try that writes no results: {', '.join(ROWS)}",
    )
    arguments = parser.parse_args()
    chosen = set(arguments.only or ROWS)
    if unknown := chosen - set(ROWS):
        parser.error(f"--only: no row is called {', '.join(sorted(unknown))}; see --help")
    rows = {key: row for key, row in ROWS.items() if key in chosen}
    for path in arguments.tflite:
        rows[path] = Row(Path(path).name, "litert_engine:LiteRT", str(Path(path).absolute()), False)
    result = common.described(arguments.model, arguments.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {row.file.format(frames=frames) for row in rows.values() for frames in FRAMES}
        kind = inference_worker.build(folder, files, arguments.model)
        rows = {key: row for key, row in rows.items() if kind in row.kinds}
        result |= Bench(folder, rows, arguments.rounds, bool(arguments.model)).measure()
    report(result)
    if not arguments.only:
        name = "inference" if kind == "melgan" else f"inference-{kind}"
        print(f"written to {common.write(name, result)}")


class Bench:
    """Measures rows, each in a process of its own, on every number of threads.

    Args:
        folder: what `build` filled.
        rounds: of which the medians are taken.
        trained: whether the sound is speech, so that PESQ says something.
    """

    def __init__(self, folder: Path, rows: dict[str, Row], rounds: int, trained: bool):
        self.folder, self.rows, self.rounds, self.trained = folder, rows, rounds, trained
        voice = json.loads((folder / "voice.json").read_text())
        self.spec = MelSpec.from_dict(voice["mel"])
        self.gflop = voice["gflop_per_second_of_audio"]

    def measure(self) -> dict:
        runs, roofs = [], []
        for threads in THREADS:
            workers = {
                key: inference_worker.of_row(threads, self.folder, row)
                for key, row in self.rows.items()
            }
            products = {
                f"product by {library}": inference_worker.of_product(threads, library)
                for library in roofline.LIBRARIES
            }
            try:
                for frames in FRAMES:
                    roof, lines = self.measure_length(workers, products, frames)
                    roofs.append({"threads": threads, "frames": frames, "gflops": roof})
                    runs += [{"threads": threads, "frames": frames} | line for line in lines]
            finally:
                for worker in (*workers.values(), *products.values()):
                    worker.close()
        return {"gflop_per_second_of_audio": self.gflop, "roofline": roofs, "runs": runs}

    def measure_length(
        self,
        workers: dict[str, common.Worker],
        products: dict[str, common.Worker],
        frames: int,
    ) -> tuple[dict[str, float], list[dict]]:
        """GFLOP/s of each library's product, and a line for each row."""
        sounds = {key: self.checked(key, worker, frames) for key, worker in workers.items()}
        seconds = inference_worker.in_turns(workers | products, self.rounds)
        roof = {name: roofline.GFLOP / statistics.median(seconds[name]) for name in products}
        length = frames * self.spec.hop / self.spec.sample_rate
        lines = []
        for key, worker in workers.items():
            median = statistics.median(seconds[key])
            lines.append(
                {
                    "row": key,
                    "label": self.rows[key].label,
                    "seconds": median,
                    "times_real_time": length / median,
                    "of_roofline": self.gflop * length / median / max(roof.values()),
                    **sounds[key],
                    "file_bytes": _size(self.rows[key].path(self.folder, frames)),
                    "peak_bytes": worker.ask({"do": "memory"}),
                    "settings": worker.ask({"do": "settings"}),
                    "rounds": seconds[key],
                }
            )
        return roof, lines

    def checked(
        self, key: str, worker: common.Worker, frames: int
    ) -> dict[str, float | str | None]:
        """How a row's sound differs from the reference's.

        Raises:
            SystemExit: an exact row's does.
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
    """Bytes of a file, or of all in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def report(result: dict) -> None:
    common.report(result)
    for roof in result["roofline"]:
        gflops = ", ".join(f"{name} {value:.0f}" for name, value in roof["gflops"].items())
        print(f"float32 GFLOP/s, {roof['threads']} × {roof['frames']}: {gflops}")
    conditions = [(threads, frames) for threads in THREADS for frames in FRAMES]
    heading = ["threads × frames"]
    for threads, frames in conditions:
        heading += [f"{threads} × {frames}: ms", "× real", "roof"]
    table = [[*heading, "file MB", "peak MB", "off by", "SNR dB", "PESQ"]]
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
