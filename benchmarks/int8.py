"""Speed against quality of the weights that a `.tflite` voice can have, int8 among them.

    python -m benchmarks.int8 VOICE RECORDINGS --calibration RECORDINGS [--rounds 7]

VOICE is a run's folder, a .keras or a .npz file. It is exported as float32, float16, int8-dynamic
and int8, and every file vocodes the mels of held-out recordings at once; int8-dynamic vocodes them
in steps of 32 frames, too, as `Vocoder.vocode` does. Times are of 520 frames and of 32 frames, on
one thread, in turns, medians.

Prints a table. Writes benchmarks/results/int8.json and docs/int8.png; for a Fourier generator
int8-fourier.json and int8-fourier.png. With --out, all files go there.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, add_out_option, machine, table, versions, write_result
from tf_melgan.audio.listing import list_audio
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_files import sample_mels
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.evaluation.metrics import METRICS
from tf_melgan.export.tflite.exporter import export_tflite
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.inference.engines.litert import LiteRTEngine
from tf_melgan.models.fourier.generator import FourierGenerator
from tf_melgan.progress import Progress
from tf_melgan.voices import voice_file

_METRICS = [metric for metric in METRICS if metric.key in ("pesq", "stoi", "dnsmos")]
_FRAMES, _SHORT = 520, 32
_IN_STEPS = "int8-dynamic, steps of 32"
_DOCS = Path(__file__).parents[1] / "docs"

Run = Callable[[np.ndarray], np.ndarray]
"""Log-mel (frames, n_mels) → audio (frames · hop,)."""


def export_all(
    voice: KerasEngine, calibration: list[np.ndarray], folder: Path
) -> tuple[dict[str, Run], dict[str, int]]:
    """Exports the voice with all kinds of weights.

    Returns:
        What vocodes, and the bytes of its file, by row.
    """
    runs: dict[str, Run] = {}
    sizes: dict[str, int] = {}
    for weights in voice_file.WEIGHTS:
        path = folder / f"{weights}.tflite"
        export_tflite(voice.generator, voice.spec, path, weights, calibration=calibration)
        engine = LiteRTEngine(path, threads=1)
        runs[weights], sizes[weights] = engine.full, path.stat().st_size
        if weights == "int8-dynamic":
            runs[_IN_STEPS], sizes[_IN_STEPS] = engine, path.stat().st_size
    return runs, sizes


def score(
    runs: dict[str, Run], recordings: list[np.ndarray], spec: MelSpec
) -> dict[str, dict[str, Any]]:
    """Mean scores by row, and the signal-to-noise ratio beside the float32 file, dB."""
    mels = [log_mel(sound, spec).astype(np.float32) for sound in recordings]
    reference = np.concatenate([runs["float32"](mel) for mel in mels])
    rows: dict[str, dict[str, Any]] = {}
    with Progress(len(runs), "score", "rows") as progress:
        for name, run in runs.items():
            sounds = [run(mel) for mel in mels]
            pairs = list(zip(recordings, sounds, strict=True))
            rows[name] = {
                metric.key: float(
                    np.mean([metric.compute(x, y[: len(x)], spec.sample_rate) for x, y in pairs])
                )
                for metric in _METRICS
            }
            noise = max(float(np.mean((np.concatenate(sounds) - reference) ** 2)), 1e-30)
            rows[name]["snr"] = 10 * np.log10(float(np.mean(reference**2)) / noise)
            progress.advance(note=name)
    return rows


def median_seconds(runs: dict[str, Run], mel: np.ndarray, rounds: int) -> dict[str, float]:
    """Seconds of one call by row; a round has calls for 520 frames, after one not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    calls = _FRAMES // len(mel)
    for _ in range(rounds):
        for name, run in runs.items():
            run(mel)
            start = time.perf_counter()
            for _ in range(calls):
                run(mel)
            seconds[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(values) for name, values in seconds.items()}


def measure(
    runs: dict[str, Run], recordings: list[np.ndarray], spec: MelSpec, rounds: int
) -> dict[str, dict[str, Any]]:
    """Scores and speed by row; the speed of 32 frames is of one call, so it has no steps."""
    rows = score(runs, recordings, spec)
    mels = np.concatenate([log_mel(sound, spec) for sound in recordings])
    mel = np.resize(mels, (_FRAMES, spec.n_mels)).astype(np.float32)
    at_once = {name: run for name, run in runs.items() if name != _IN_STEPS}
    for frames, timed, suffix in ((_FRAMES, runs, ""), (_SHORT, at_once, f"_at_{_SHORT}")):
        medians = median_seconds(timed, mel[:frames], rounds)
        for name, seconds in medians.items():
            duration = frames * spec.hop / spec.sample_rate
            rows[name][f"times_real_time{suffix}"] = duration / seconds
            rows[name][f"speed{suffix}"] = medians["float32"] / seconds
    return rows


def report(rows: dict[str, dict[str, Any]]) -> None:
    """Prints the table."""
    titles = [metric.title for metric in _METRICS]
    head = ["", "× float32", "× real time", f"× float32 at {_SHORT}", f"× real time at {_SHORT}"]
    lines = [[*head, "MB", "SNR dB", *titles]]
    for name, row in rows.items():
        short = [row.get(f"{key}_at_{_SHORT}") for key in ("speed", "times_real_time")]
        lines.append(
            [
                name,
                f"{row['speed']:.2f}",
                f"{row['times_real_time']:.1f}",
                *("" if value is None else f"{value:.2f}" for value in short),
                f"{row['bytes'] / 1e6:.1f}",
                f"{row['snr']:.1f}",
                *(f"{row[metric.key]:.3f}" for metric in _METRICS),
            ]
        )
    print(table(lines))


def picture(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draws PESQ and DNSMOS over the speed beside float32, of 520 frames."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    for axis, metric in zip(figure.subplots(1, 2), ("pesq", "dnsmos"), strict=True):
        for name, row in rows.items():
            axis.plot(row["speed"], row[metric], "o", label=name)
        axis.set(xlabel="× the speed of float32", ylabel=metric.upper())
        axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("voice", type=Path, help="a run's folder, a .keras or .npz file")
    parser.add_argument("recordings", type=Path, help="held-out recordings, for the scores")
    parser.add_argument(
        "--calibration", type=Path, required=True, help="other recordings, to calibrate int8"
    )
    parser.add_argument("--rounds", type=int, default=7)
    add_out_option(parser)
    arguments = parser.parse_args()
    voice = KerasEngine.open(arguments.voice)
    calibration = sample_mels(arguments.calibration, voice.spec)
    recordings = [
        load_audio(path, voice.spec.sample_rate) for path in list_audio(arguments.recordings)
    ]
    with tempfile.TemporaryDirectory() as folder:
        runs, sizes = export_all(voice, calibration, Path(folder))
        rows = measure(runs, recordings, voice.spec, arguments.rounds)
    rows = {name: {"bytes": sizes[name], **row} for name, row in rows.items()}
    report(rows)
    result = {
        "model": str(arguments.voice),
        "machine": machine(),
        "versions": versions("tensorflow", "keras", "ai-edge-litert"),
        "threads": 1,
        "frames": _FRAMES,
        "recordings": len(recordings),
        "rows": rows,
    }
    name = "int8-fourier" if isinstance(voice.generator, FourierGenerator) else "int8"
    picture(rows, (_DOCS if arguments.out == RESULTS else arguments.out) / f"{name}.png")
    write_result(name, result, arguments.out)


if __name__ == "__main__":
    main()
