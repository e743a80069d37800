"""What the loader delivers against what the trainer consumes, and against decoding at each step.

    python -m benchmarks.data [RECORDINGS] [--config melgan] [--rounds 5]

RECORDINGS is a folder of FLAC files, by default ljspeech/ where TF_MELGAN_SPEECH says. All are
measured in one process with two threads, in turns, so that what else the machine does meets all
alike; the table has the medians. Writes benchmarks/results/data.json.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tf_melgan.audio.sound_files import load_audio

THREADS = 2
BATCHES = 40
RESULT = Path(__file__).with_name("results") / "data.json"


def decoded_batches(prepared, recordings: Path, batch: int, segment: int) -> Iterator[tuple]:
    """What there would be without preparation: each segment's recording decoded anew."""
    from tf_melgan.audio.mel import log_mel_valid

    spec, random = prepared.spec, np.random.default_rng(0)
    window = segment + 2 * spec.margin
    paths = [recordings / item.path for item in prepared.utterances("train")]

    def one(path: Path, share: float, gain: float) -> np.ndarray:
        sound = load_audio(path, spec.sample_rate)
        sound = np.pad(
            sound * np.float32(gain * 0.95 / np.abs(sound).max()), spec.margin, "reflect"
        )
        start = int(share * (len(sound) - window))
        return sound[start : start + window]

    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            chosen = [paths[index] for index in random.integers(0, len(paths), batch)]
            draws = random.random((2, batch))
            windows = np.stack(list(pool.map(one, chosen, draws[0], draws[1] * 0.7 + 0.3)))
            yield log_mel_valid(windows, spec), windows[:, spec.margin : -spec.margin, None]


def rate(act: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        act()
    return times / (time.perf_counter() - start)


def measure(recordings: Path, name: str, rounds: int) -> dict:
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    from tf_melgan.config import Config
    from tf_melgan.data.batches import segments
    from tf_melgan.data.prepare import prepare
    from tf_melgan.data.prepared import Prepared
    from tf_melgan.training.gan import MelGAN

    config = Config.load(Path(__file__).parents[1] / "configs" / f"{name}.yaml")
    batch, segment = config.training.batch, config.training.segment
    with tempfile.TemporaryDirectory() as folder:
        prepare(recordings, folder, config.mel)
        prepared = Prepared.open(folder)
        model = MelGAN(config)
        model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
        loader = iter(segments(prepared, batch, segment, seed=0))
        decoder = decoded_batches(prepared, recordings, batch, segment)
        held = next(loader)
        step = tf.function(model.train_step)
        contestants = {
            "loader": (lambda: next(loader), BATCHES),
            "decoding at each step": (lambda: next(decoder), 5),
            "trainer, one batch again and again": (lambda: step(held), 1),
            "trainer, fed by the loader": (lambda: step(next(loader)), 1),
        }
        rates = {title: [] for title in contestants}
        for act, _ in contestants.values():
            act()
        for _, (title, (act, times)) in itertools.product(range(rounds), contestants.items()):
            rates[title].append(rate(act, times))
    return {
        "config": name,
        "batch": batch,
        "segment": segment,
        "threads": THREADS,
        "rounds": rounds,
        "batches_per_second": {title: statistics.median(each) for title, each in rates.items()},
        "all_rounds": rates,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy", "soundfile")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    speech = Path(os.environ.get("TF_MELGAN_SPEECH", ".")) / "ljspeech"
    parser.add_argument("recordings", nargs="?", type=Path, default=speech)
    parser.add_argument("--config", default="melgan")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    result = measure(arguments.recordings, arguments.config, arguments.rounds)
    rates = result["batches_per_second"]
    trainer = rates["trainer, one batch again and again"]
    print(f"{'':<38}batches/s   of the trainer's")
    for title, value in rates.items():
        print(f"{title:<38}{value:9.2f}   × {value / trainer:.1f}")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written to {RESULT}")


if __name__ == "__main__":
    main()
