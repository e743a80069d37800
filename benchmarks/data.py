"""Batches per second of the data loader, beside training steps and beside decoding at each step.

    python -m benchmarks.data [RECORDINGS] [--config melgan] [--rounds 5]

RECORDINGS is a folder of recordings; by default ljspeech/ in the folder that the environment
variable TF_MELGAN_SPEECH names. Everything is measured in one process with two threads, in turns,
so that other load on the machine affects all of them.

Prints a table of medians. Writes benchmarks/results/data.json.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks import common
from tf_melgan.audio.mel import log_mel_valid
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.config import Config
from tf_melgan.data.prepare import prepare
from tf_melgan.data.prepared import Prepared

THREADS = 2
BATCHES, DECODED_BATCHES = 40, 5
_STEP = "trainer, one batch again and again"


def decoded_batches(
    prepared: Prepared, recordings: Path, batch: int, segment: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches without preparation: every segment's recording is decoded each time."""
    spec, random = prepared.spec, np.random.default_rng(0)
    length = segment + 2 * spec.margin
    paths = [recordings / item.path for item in prepared.utterances("train")]

    def decode(path: Path, position: float, gain: float) -> np.ndarray:
        sound = load_audio(path, spec.sample_rate)
        scale = np.float32(gain * 0.95 / np.abs(sound).max())
        sound = np.pad(sound * scale, spec.margin, "reflect")
        start = int(position * (len(sound) - length))
        return sound[start : start + length]

    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            chosen = [paths[index] for index in random.integers(0, len(paths), batch)]
            positions, gains = random.random((2, batch))
            windows = np.stack(list(pool.map(decode, chosen, positions, gains * 0.7 + 0.3)))
            yield log_mel_valid(windows, spec), windows[:, spec.margin : -spec.margin, None]


def rate(act: Callable[[], object], times: int) -> float:
    """Calls per second, on average over `times`."""
    start = time.perf_counter()
    for _ in range(times):
        act()
    return times / (time.perf_counter() - start)


def measure(recordings: Path, config_name: str, rounds: int) -> dict:
    """The result: batches per second of everything compared, medians and all rounds."""
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    from tf_melgan.data.batches import segments
    from tf_melgan.training.gan import MelGAN

    config = Config.load(Path(__file__).parents[1] / "configs" / f"{config_name}.yaml")
    batch, segment = config.training.batch, config.training.segment
    with tempfile.TemporaryDirectory() as folder:
        prepare(recordings, folder, config.mel)
        prepared = Prepared.open(folder)
        model = MelGAN(config)
        model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
        loader = iter(segments(prepared, batch, segment, seed=0))
        decoder = decoded_batches(prepared, recordings, batch, segment)
        fixed_batch = next(loader)
        step = tf.function(model.train_step)
        compared = {
            "loader": (lambda: next(loader), BATCHES),
            "decoding at each step": (lambda: next(decoder), DECODED_BATCHES),
            _STEP: (lambda: step(fixed_batch), 1),
            "trainer, fed by the loader": (lambda: step(next(loader)), 1),
        }
        rates = {title: [] for title in compared}
        for act, _ in compared.values():
            act()
        for _, (title, (act, times)) in itertools.product(range(rounds), compared.items()):
            rates[title].append(rate(act, times))
    return {
        "config": config_name,
        "batch": batch,
        "segment": segment,
        "threads": THREADS,
        "rounds": rounds,
        "batches_per_second": {title: statistics.median(each) for title, each in rates.items()},
        "all_rounds": rates,
        "machine": common.machine(),
        "versions": common.versions("tensorflow", "keras", "numpy", "soundfile"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    speech = Path(os.environ.get("TF_MELGAN_SPEECH", ".")) / "ljspeech"
    parser.add_argument("recordings", nargs="?", type=Path, default=speech)
    parser.add_argument("--config", default="melgan", help="the name of a file in configs/")
    parser.add_argument("--rounds", type=int, default=5)
    common.add_out_option(parser)
    arguments = parser.parse_args()
    result = measure(arguments.recordings, arguments.config, arguments.rounds)
    rates = result["batches_per_second"]
    rows = [["", "batches/s", "× the trainer's"]]
    rows += [[title, f"{x:.2f}", f"{x / rates[_STEP]:.1f}"] for title, x in rates.items()]
    print(common.table(rows))
    common.write_result("data", result, arguments.out)


if __name__ == "__main__":
    main()
