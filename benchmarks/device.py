"""What a voice needs on a device: the time to the first sound, and the memory for long audio.

    python -m benchmarks.device VOICE.tflite [--rounds 7] [--minutes 60]

Time: `python -m tf_melgan vocode` of 32 frames in its own process, beside a Python process that
does nothing, in turns. Memory: the peak of a process that vocodes a long mel from file to file,
beside one that vocodes 32 frames.

Prints both. Writes benchmarks/results/device.json.
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

from benchmarks.common import add_out_option, machine, write_result
from tf_melgan.voices import voice_file

_SHORT_FRAMES, _THREADS = 32, 2


def run(command: list[str]) -> tuple[float, int]:
    """The seconds and the peak memory, in bytes, of a process.

    Raises:
        RuntimeError: it failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def write_mel(path: Path, frames: int, info: voice_file.VoiceInfo) -> Path:
    """Writes a mel of random values without holding all of it in memory."""
    mel = np.lib.format.open_memmap(path, "w+", np.float32, (frames, info.mel.n_mels))
    random = np.random.default_rng(0)
    for start in range(0, frames, 10_000):
        part = mel[start : start + 10_000]
        part[:] = random.uniform(info.mel.log_floor / 2, 0, part.shape)
    mel.flush()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("voice", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=60.0, help="of the long audio")
    add_out_option(parser)
    arguments = parser.parse_args()
    info = voice_file.read(arguments.voice)
    frames = round(arguments.minutes * 60 * info.mel.sample_rate / info.mel.hop)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def vocode(mel: Path) -> list[str]:
            options = ["--voice", str(arguments.voice.resolve()), "--threads", str(_THREADS)]
            options += ["--out", str(folder / "sound.wav")]
            return [sys.executable, "-m", "tf_melgan", "vocode", str(mel), *options]

        short = write_mel(folder / "short.npy", _SHORT_FRAMES, info)
        starts: dict[str, list[float]] = {"python": [], "vocode": []}
        for _ in range(arguments.rounds):
            starts["python"].append(run([sys.executable, "-c", "pass"])[0])
            seconds, short_peak = run(vocode(short))
            starts["vocode"].append(seconds)
        seconds, long_peak = run(vocode(write_mel(folder / "long.npy", frames, info)))
    medians = {name: statistics.median(values) for name, values in starts.items()}
    print(
        f"{_SHORT_FRAMES} frames: {medians['vocode']:.3f} s from start to end; "
        f"Python alone: {medians['python']:.3f} s"
    )
    print(
        f"{arguments.minutes:g} min of audio: {seconds:.0f} s; peak memory {long_peak / 1e6:.0f} "
        f"MB, {(long_peak - short_peak) / 1e6:+.0f} MB beside {_SHORT_FRAMES} frames"
    )
    result = {
        "machine": machine(),
        "voice": info.summary(),
        "threads": _THREADS,
        "start_seconds": medians,
        "minutes": arguments.minutes,
        "seconds": seconds,
        "peak_bytes_short": short_peak,
        "peak_bytes_long": long_peak,
    }
    write_result("device", result, arguments.out)


if __name__ == "__main__":
    main()
