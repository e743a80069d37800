"""Imported voices beside the projects' own networks, with the same random weights.

    python -m benchmarks.imports CLONES [--rounds N] [--out FOLDER]

CLONES has clones of the projects, named as git names them: melgan-neurips, melgan (seungwonpark's),
ParallelWaveGAN, TTS (coqui's), hifi-gan, vocos, TensorFlowTTS. TensorFlowTTS needs the package
tf_keras.

Each network is saved in its project's format, imported, exported to `.tflite` and streamed. Prints
the largest differences over the peak and the speed on one thread; writes imports.json.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

# For TensorFlowTTS, before TensorFlow is imported: tf.keras is then Keras 2.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import torch

from benchmarks.common import add_out_option, machine, table, versions, write_result
from benchmarks.import_peers import Peer, later_generators, torch_peers
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.export.tflite.exporter import export_tflite
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.interop.importing import import_voice
from tf_melgan.voices.weights_file import VoiceWeights

_FRAMES, _SPEED_FRAMES, _SAMPLES = 60, 520, 8192
_CHUNKS = (1, 7, 20, 32)


def measure(peer: Peer, folder: Path, rounds: int) -> dict[str, Any]:
    """The differences and the speed of one network."""
    voice = import_voice(peer.files)
    spec = voice.config.mel
    path = folder / "voice.tflite"
    export_tflite(voice.build_generator(), spec, path, "float32", "voice", "none", ())
    vocoder = Vocoder.load(path, threads=1)
    mel = _mel(spec, _FRAMES)
    expected = peer.sound(mel)
    long = _mel(spec, _SPEED_FRAMES)
    seconds = _interleaved([lambda: vocoder.vocode(long), lambda: peer.sound(long)], rounds)
    audio = _SPEED_FRAMES * spec.hop / spec.sample_rate
    return {
        "project": peer.project,
        "network": peer.network,
        "level": float(np.std(expected)),
        "generator": _difference(_generated(voice, mel), expected),
        "tflite": _difference(vocoder.vocode(mel), expected),
        "streamed": _difference(_streamed(vocoder, mel), expected),
        "features": _feature_differences(voice, peer),
        "mel": spec.to_dict(),
        "times_real_time": {"tflite": audio / seconds[0], "own": audio / seconds[1]},
    }


def _generated(voice: VoiceWeights, mel: np.ndarray) -> np.ndarray:
    return np.asarray(voice.build_generator()(mel[None]))[0, :, 0]


def _streamed(vocoder: Vocoder, mel: np.ndarray) -> np.ndarray:
    stream = vocoder.stream()
    parts = [stream.push(part) for part in np.split(mel, np.cumsum(_CHUNKS)[:-1])]
    return np.concatenate([*parts, stream.finish()])


def _feature_differences(voice: VoiceWeights, peer: Peer) -> list[float] | None:
    """The largest difference of each discriminator; None where none are imported."""
    if voice.discriminator is None:
        return None
    audio = np.random.default_rng(2).normal(0, 0.2, _SAMPLES).astype(np.float32)
    discriminators = voice.config.discriminator.build_discriminator()
    voice.assign_discriminator(discriminators)
    pairs = zip(discriminators(audio[None, :, None]), peer.features(audio), strict=True)
    return [
        max(
            _difference(np.asarray(feature)[0], wanted)
            for feature, wanted in zip(*pair, strict=True)
        )
        for pair in pairs
    ]


def _difference(actual: np.ndarray, expected: np.ndarray) -> float:
    if actual.shape != expected.shape:
        raise ValueError(f"shape {actual.shape}, not {expected.shape}")
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def _mel(spec: MelSpec, frames: int) -> np.ndarray:
    random = np.random.default_rng(frames)
    mel = random.uniform(0.25, 0.75, (frames, spec.n_mels))
    low = max(spec.log_floor, spec.log_ceiling - 8)
    return (low + mel * (spec.log_ceiling - low)).astype(np.float32)


def _interleaved(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """The median seconds of each call, one round after the other; a first round warms up."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for call, seconds in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    return [median(seconds[1:]) for seconds in times]


def _peers(clones: Path, folder: Path) -> Iterator[Peer]:
    for name, make in (*torch_peers.PROJECTS.items(), *later_generators.PROJECTS.items()):
        if (clones / name).is_dir():
            torch.manual_seed(0)
            yield from make(clones / name, folder)
    if (clones / "TensorFlowTTS").is_dir():
        from benchmarks.import_peers import tensorflow_tts

        yield from tensorflow_tts.peers(clones / "TensorFlowTTS", folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clones", type=Path, help="the folder with the clones")
    parser.add_argument("--rounds", type=int, default=5)
    add_out_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for peer in _peers(arguments.clones, Path(name)):
            row = measure(peer, Path(name), arguments.rounds)
            rows.append(row)
            print(_line(row), flush=True)
    result = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions("ai-edge-litert", "keras", "tensorflow", "torch"),
        "rounds": arguments.rounds,
        "threads": 1,
        "voices": rows,
    }
    head = ["voice", "generator", "tflite", "streamed", "features", "× real time", "own"]
    print(table([head, *map(_line, rows)]))
    write_result("imports", result, arguments.out)


def _line(row: dict[str, Any]) -> list[str]:
    speed = row["times_real_time"]
    return [
        f"{row['project']} {row['network']}",
        *(f"{row[key]:.1e}" for key in ("generator", "tflite", "streamed")),
        f"{max(row['features']):.1e}" if row["features"] else "-",
        *(f"{speed[key]:.1f}" for key in ("tflite", "own")),
    ]


if __name__ == "__main__":
    main()
