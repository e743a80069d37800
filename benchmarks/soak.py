"""Kills training at random moments and checks that it ends with the bits of an unkilled run.

    python -m benchmarks.soak [--kills 20]

A small run on noise is started as a process of its own, killed with SIGKILL, started again, and
so on until it has been killed often enough; every third kill waits for a checkpoint that is being
written. What it ends with (all weights, both optimizers, the average) is compared with the end
of a run that nobody killed, on one device and on two replicas. Prints a table and writes
benchmarks/results/soak.json.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tf_melgan.audio.sound_files import write_audio

CONFIG = {
    "mel": {"n_mels": 20},
    "generator": {"channels": 8, "upsampling": [16, 16], "dilations": [1, 3]},
    "discriminator": {"scales": 2, "channels": 4, "max_channels": 16, "downsampling": [4, 4]},
    "loss": {"weights": {"stft": 1.0}},
    "optimizer": {"decay": "cosine", "final_learning_rate": 1e-5},
    "training": {
        "steps": 60,
        "batch": 4,
        "segment": 2048,
        "checkpoint_interval": 4,
        "discriminator_start": 12,
        "ema_decay": 0.9,
    },
}
_READY_SECONDS = 120.0
_LATEST_KILL_SECONDS = 4.0


def make_data(folder: Path) -> Path:
    """Prepares a few seconds of noise; returns the prepared folder."""
    from tf_melgan.config import Config
    from tf_melgan.data.prepare import prepare

    noise = np.random.default_rng(0)
    for index in range(5):
        split = "validation" if index == 0 else "train"
        sound = noise.normal(0, 0.1, 22050 + 997 * index).astype(np.float32)
        write_audio(folder / "recordings" / split / f"{index}.wav", sound, 22050)
    prepare(folder / "recordings", folder / "data", Config.from_dict(CONFIG).mel)
    return folder / "data"


def work(data: Path, run: Path, replicas: int) -> None:
    """What a process under test does: train to the end, then print a digest of every bit."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * replicas
    )
    from tf_melgan.config import Config
    from tf_melgan.training.loop import train

    devices = [f"CPU:{index}" for index in range(replicas)]
    model = train(Config.from_dict(CONFIG), data, run, devices)
    digest = hashlib.sha256()
    for variable in (*model.variables, *model.optimizer.variables):
        digest.update(variable.numpy().tobytes())
    print(f"digest {digest.hexdigest()}", flush=True)


class Worker:
    """A training process, from outside."""

    def __init__(self, data: Path, run: Path, replicas: int):
        self.run = run
        arguments = [sys.executable, "-m", "benchmarks.soak", "--work", data, run, str(replicas)]
        self._process = subprocess.Popen(
            list(map(str, arguments)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            cwd=Path(__file__).parents[1],
        )

    def finish(self) -> str:
        """Waits for the end; the digest of what it ends with."""
        output, _ = self._process.communicate()
        lines = [line for line in output.splitlines() if line.startswith("digest ")]
        if self._process.returncode or len(lines) != 1:
            raise RuntimeError(f"the run {self.run} did not end well:\n{output[-2000:]}")
        return lines[0].removeprefix("digest ")

    def kill(self, delay: float, while_writing: bool) -> dict | None:
        """Kills it `delay` seconds into its steps; None if it had ended before.

        With `while_writing`, kills it at the next checkpoint that is being written after that.
        Returns when the kill came, and whether a checkpoint was half-written then.
        """
        before = self._newest()
        self._wait(lambda: self._newest() != before, _READY_SECONDS)
        time.sleep(delay)
        checkpoints = self.run / "checkpoints"
        if while_writing:
            # What an earlier kill left is gone by the first checkpoint after it.
            self._wait(lambda: any(checkpoints.glob(".*.part")), _READY_SECONDS)
        self._process.send_signal(signal.SIGKILL)
        self._process.stdout.close()
        if self._process.wait() != -signal.SIGKILL:
            return None
        half_written = any(checkpoints.glob(".*.part"))
        return {"seconds": round(delay, 3), "while_writing": half_written}

    def _newest(self) -> float:
        path = self.run / "history.jsonl"
        return path.stat().st_mtime_ns if path.exists() else 0

    def _wait(self, condition: object, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while not condition() and time.monotonic() < limit and self._process.poll() is None:
            time.sleep(0.0005)


def killed_run(data: Path, folder: Path, replicas: int, kills: int, seed: int) -> dict:
    """Runs with `kills` kills; the digests of the runs, and when the kills came."""
    chance, moments, digests = random.Random(seed), [], []
    while len(moments) < kills:
        run = folder / f"killed-{replicas}-{len(digests)}"
        alive = True
        while alive and len(moments) < kills:
            delay = chance.uniform(0, _LATEST_KILL_SECONDS)
            moment = Worker(data, run, replicas).kill(delay, len(moments) % 3 == 2)
            alive = moment is not None
            moments += [moment] if alive else []
        digests.append(Worker(data, run, replicas).finish())
    return {"digests": digests, "kills": moments}


def soak(folder: Path, kills: int, replicas: int, seed: int = 0) -> dict:
    """One row of the result: whether the bits are those of an unkilled run, and the evidence."""
    data = make_data(folder)
    expected = Worker(data, folder / f"whole-{replicas}", replicas).finish()
    killed = killed_run(data, folder, replicas, kills, seed)
    equal = all(digest == expected for digest in killed["digests"])
    return {"replicas": replicas, "equal": equal, "expected": expected, **killed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--work", nargs=3, metavar=("DATA", "RUN", "REPLICAS"))
    arguments = parser.parse_args()
    if arguments.work:
        data, run, replicas = arguments.work
        work(Path(data), Path(run), int(replicas))
        return
    from benchmarks.common import machine, write

    rows = []
    for replicas in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(soak(Path(folder), arguments.kills, replicas))
        row = rows[-1]
        verdict = "equal in all bits" if row["equal"] else "DIFFERENT"
        print(f"{replicas} replicas, {len(row['kills'])} kills: {verdict}", flush=True)
    write("soak", {"machine": machine(), "config": CONFIG, "rows": rows})
    if not all(row["equal"] for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
