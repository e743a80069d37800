"""What a voice takes on a device: seconds to the first sound, and memory for an hour of it.

    python -m benchmarks.device VOICE.tflite [--rounds 7] [--minutes 60]

Start: `python -m tf_melgan vocode` of 32 frames as a process of its own, beside a Python that does
nothing, in turns. Memory: the peak of a process that vocodes a mel from file to file, beside that
of one that vocodes 32 frames. Prints a table and writes benchmarks/results/device.json.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.common import machine, write
from tf_melgan.voices import voice_file

_SHORT = 32


def run(command: list[str]) -> tuple[float, int]:
    """A process's seconds and peak bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def mel_file(path: Path, frames: int, info: voice_file.VoiceInfo) -> Path:
    """A mel of noise that drifts, written without holding all of it."""
    mel = np.lib.format.open_memmap(path, "w+", np.float32, (frames, info.mel.n_mels))
    noise = np.random.default_rng(0)
    for start in range(0, frames, 10_000):
        part = mel[start : start + 10_000]
        part[:] = noise.uniform(info.mel.log_floor / 2, 0, part.shape)
    mel.flush()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("voice", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=60.0)
    arguments = parser.parse_args()
    info = voice_file.read(arguments.voice)
    frames = round(arguments.minutes * 60 * info.mel.sample_rate / info.mel.hop)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def vocode(mel: Path) -> list[str]:
            options = ["--out", str(place / "sound.wav"), "--threads", "2"]
            words = ["vocode", str(arguments.voice.resolve()), str(mel), *options]
            return [sys.executable, "-m", "tf_melgan", *words]

        short = mel_file(place / "short.npy", _SHORT, info)
        starts: dict[str, list[float]] = {"python": [], "vocode": []}
        for _ in range(arguments.rounds):
            starts["python"].append(run([sys.executable, "-c", "pass"])[0])
            seconds, small = run(vocode(short))
            starts["vocode"].append(seconds)
        seconds, large = run(vocode(mel_file(place / "long.npy", frames, info)))
    medians = {name: statistics.median(values) for name, values in starts.items()}
    result = {
        "machine": machine(),
        "voice": info.summary(),
        "threads": 2,
        "start_seconds": medians,
        "minutes": arguments.minutes,
        "seconds": seconds,
        "peak_bytes_short": small,
        "peak_bytes_long": large,
    }
    print(
        f"start to end of 32 frames {medians['vocode']:.3f} s, Python alone "
        f"{medians['python']:.3f} s"
    )
    print(
        f"{arguments.minutes:g} min of sound in {seconds:.0f} s; peak {large / 1e6:.0f} MB, "
        f"{(large - small) / 1e6:+.0f} MB beside 32 frames"
    )
    write("device", result)


if __name__ == "__main__":
    main()
