"""Speed against quality of int8: which stages of a trained generator are worth it.

    python -m benchmarks.int8_front RUN RECORDINGS --calibration RECORDINGS [--rounds 7]

Measures how much noise int8 adds in each stage alone, makes files that leave out more and more of
the worst, and scores them on held-out recordings, beside float32 and int8 with signals scaled at
every call: of the whole, and of a stream in steps of 32 frames. Times are of 520 frames and of 32
on one thread, in turns, medians. Prints two tables, writes benchmarks/results/int8_front.json and
docs/int8-front.png; for the frame-rate generator int8_front-fourier.json and
int8-front-fourier.png.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.common import machine, table, versions, write
from tf_melgan.audio import mel_files
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.sound_files import list_audio, load_audio
from tf_melgan.evaluation.metrics import METRICS
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.tflite import exporter
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.inference.engines.litert import LiteRTEngine
from tf_melgan.models.base import Generator
from tf_melgan.models.fourier.generator import FourierGenerator
from tf_melgan.progress import Progress

BUDGETS = (15, 18, 20, 22, 25, 28, 31)
METRICS = ("pesq", "stoi", "dnsmos")
_FRAMES, _SHORT = 520, 32
_STREAMED = "int8-dynamic, steps of 32"
_DOCS = Path(__file__).parents[1] / "docs"


def models(
    generator: Generator, calibration: list[np.ndarray]
) -> tuple[dict, dict[str, str], dict[str, bytes]]:
    """What each stage costs, which stages the mixed files leave float, and all models by name."""
    ranges = calibration.measure_ranges(generator, calibration)
    noise = calibration.noise(generator, ranges, calibration[: exporter.SWEPT])
    work, total = calibration.work(generator), sum(calibration.work(generator).values())
    stages = {name: {"noise": noise[name], "work": work[name] / total} for name in noise}
    plain = InferenceGraph(generator)
    made = {kind: _model(plain, kind) for kind in ("float32", "float16", "int8-dynamic")}
    made["int8"] = _model(calibration.int8_graph(generator, ranges, list(noise)), "int8")
    without, before = {}, set(noise)
    for budget in BUDGETS:
        chosen = calibration.mixed(noise, work, budget)
        if set(chosen) != before:
            graph = calibration.int8_graph(generator, ranges, chosen)
            left_out = ", ".join(name for name in noise if name not in chosen)
            made[f"mixed, {budget} dB"] = _model(graph, "mixed")
            without[f"mixed, {budget} dB"] = left_out
        before = set(chosen)
    return stages, without, made


def _model(graph: InferenceGraph, kind: str) -> bytes:
    signature = {"vocode": exporter.signatures(graph)["vocode"]}
    return exporter.with_default_frames(exporter.convert(graph, signature, kind), _FRAMES)


def in_steps(voice: KerasEngine) -> Callable:
    """Int8-dynamic as every voice runs: long mels in steps of 32 frames."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.tflite"
        exporter.export_tflite(voice.generator, voice.spec, path, "int8-dynamic")
        streamed = LiteRTEngine(path, threads=1)
    return lambda mel: {"audio": streamed(mel[0])[None]}


def measure(made: dict[str, bytes], voice: KerasEngine, files: list[Path], rounds: int) -> dict:
    """Scores, times and sizes by file."""
    recordings = [load_audio(path, voice.spec.sample_rate) for path in files]
    mels = [log_mel(sound, voice.spec) for sound in recordings]
    runners = {
        name: Interpreter(model_content=model, num_threads=1).get_signature_runner("vocode")
        for name, model in made.items()
    }
    rows: dict[str, dict[str, Any]] = {name: {"bytes": len(made[name])} for name in made}
    runners[_STREAMED], rows[_STREAMED] = in_steps(voice), dict(rows["int8-dynamic"])
    sounds = {}
    with Progress(len(runners), "score", "files") as progress:
        for name, run in runners.items():
            sounds[name] = [run(mel=mel[None])["audio"][0] for mel in mels]
            pairs = list(zip(recordings, sounds[name], strict=True))
            for metric in (m for m in METRICS if m.key in METRICS):
                values = [metric.compute(x, y[: len(x)], voice.spec.sample_rate) for x, y in pairs]
                rows[name][metric.key] = float(np.mean(values))
            clean = np.concatenate(sounds["float32"])
            error = np.concatenate(sounds[name]) - clean
            power = max(float(np.mean(error**2)), 1e-30)
            rows[name]["snr"] = 10 * np.log10(float(np.mean(clean**2)) / power)
            progress.advance(note=name)
    mel = np.resize(np.concatenate(mels), (_FRAMES, voice.spec.n_mels))[None]
    for frames, suffix in ((_FRAMES, ""), (_SHORT, f"_at_{_SHORT}")):
        if frames == _SHORT:
            del runners[_STREAMED]  # one step is no stream
        medians = timed(runners, mel[:, :frames], rounds)
        for name, seconds in medians.items():
            length = frames * voice.spec.hop / voice.spec.sample_rate
            rows[name][f"times_real_time{suffix}"] = length / seconds
            rows[name][f"speed{suffix}"] = medians["float32"] / seconds
    return rows


def timed(runners: dict[str, Callable], mel: np.ndarray, rounds: int) -> dict[str, float]:
    """Seconds of a call by file, medians; each round is of `_FRAMES` in all, after one call."""
    times: dict[str, list[float]] = {name: [] for name in runners}
    calls = _FRAMES // mel.shape[1]
    for _ in range(rounds):
        for name, run in runners.items():
            run(mel=mel)
            start = time.perf_counter()
            for _ in range(calls):
                run(mel=mel)
            times[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def picture(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Speed over float32 against PESQ and DNSMOS; dotted, what int8 should reach: 2.5 ×, −0.05."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for axis, metric in zip(figure.subplots(1, 2), ("pesq", "dnsmos"), strict=True):
        axis.axhline(rows["float32"][metric] - 0.05, color="gray", linestyle=":")
        axis.axvline(2.5, color="gray", linestyle=":")
        for name, row in rows.items():
            axis.plot(row["speed"], row[metric], "o")
            axis.annotate(name, (row["speed"], row[metric]), fontsize=7, rotation=20)
        axis.set(xlabel="× the speed of float32", ylabel=metric.upper())
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a run's folder, a .keras or .npz file")
    parser.add_argument("recordings", type=Path, help="held-out ones, to score on")
    parser.add_argument("--calibration", type=Path, required=True, help="others, to calibrate on")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    voice = KerasEngine.open(arguments.model)
    calibration = mel_files.sample_mels(arguments.calibration, voice.spec)
    stages, without, made = models(voice.generator, calibration)
    files = list_audio(arguments.recordings)
    rows = measure(made, voice, files, arguments.rounds)
    head = ["", "speed", "× real time", f"speed at {_SHORT}", f"× real time at {_SHORT}"]
    head += ["MB", "SNR dB", "PESQ", "STOI", "DNSMOS"]
    cells = [
        [name, f"{r['speed']:.2f}", f"{r['times_real_time']:.1f}",
         f"{r[f'speed_at_{_SHORT}']:.2f}" if f"speed_at_{_SHORT}" in r else "",
         f"{r[f'times_real_time_at_{_SHORT}']:.1f}" if f"speed_at_{_SHORT}" in r else "",
         f"{r['bytes'] / 1e6:.1f}", f"{r['snr']:.1f}", *(f"{r[metric]:.3f}" for metric in METRICS)]
        for name, r in rows.items()
    ]  # fmt: skip
    print(table([head, *cells]))
    print()
    for name, stage in stages.items():
        decibels = -10 * np.log10(stage["noise"])
        print(f"{name}: {decibels:.1f} dB under the sound, {stage['work']:.1%} of the work")
    for name, left_out in without.items():
        print(f"{name} leaves out {left_out}")
    suffix = "-fourier" if isinstance(voice.generator, FourierGenerator) else ""
    image = _DOCS / f"int8-front{suffix}.png"
    picture(rows, image)
    kit = versions("tensorflow", "keras", "ai-edge-litert")
    result = {"machine": machine(), "versions": kit, "threads": 1, "frames": _FRAMES}
    result |= {"recordings": len(files), "rows": rows, "stages": stages, "without": without}
    print(f"written to {write(f'int8_front{suffix}', result)} and {image}")


if __name__ == "__main__":
    main()
