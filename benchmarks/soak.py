"""Kills training at random moments; it must end bit-identical to an uninterrupted run.

    python -m benchmarks.soak [--kills 20] [--steps 60]

A small run on noise is started in its own process, killed with SIGKILL and started again, until it
has been killed often enough. Every third kill waits for a checkpoint that is being written. The
final state (all weights, both optimizers, the averaged generator) is compared with that of an
uninterrupted run, on one device and on two replicas.

Prints a line for each, and exits with 1 unless both are equal. Writes benchmarks/results/soak.json.
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
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.common import add_out_option, machine, write_result
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
        "scored_recordings": 0,
        "discriminator_start": 12,
        "ema_decay": 0.9,
    },
}
_READY_SECONDS = 120.0
_MAX_KILL_DELAY = 4.0


def prepare_noise(folder: Path) -> Path:
    """Writes and prepares a few seconds of noise; returns the prepared folder."""
    from tf_melgan.config import Config
    from tf_melgan.data.prepare import prepare

    rng = np.random.default_rng(0)
    for index in range(5):
        split = "validation" if index == 0 else "train"
        sound = rng.normal(0, 0.1, 22050 + 997 * index).astype(np.float32)
        write_audio(folder / "recordings" / split / f"{index}.wav", sound, 22050)
    prepare(folder / "recordings", folder / "data", Config.from_dict(CONFIG).mel)
    return folder / "data"


def work(data: Path, run: Path, replicas: int, steps: int) -> None:
    """Runs in the process under test: trains to the end and prints a digest of the final state."""
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
    training = CONFIG["training"] | {"steps": steps}
    model = train(Config.from_dict(CONFIG | {"training": training}), data, run, devices)
    digest = hashlib.sha256()
    for variable in (*model.variables, *model.optimizer.variables):
        digest.update(variable.numpy().tobytes())
    print(f"digest {digest.hexdigest()}", flush=True)


class TrainingProcess:
    """A process that trains `run` to its end."""

    def __init__(self, data: Path, run: Path, replicas: int, steps: int):
        self.run = run
        arguments = ["-m", "benchmarks.soak", "--work", data, run, replicas, steps]
        self._process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            cwd=Path(__file__).parents[1],
        )

    def finish(self) -> str:
        """Waits for the end and returns the digest of the final state.

        Raises:
            RuntimeError: the process failed.
        """
        output, _ = self._process.communicate()
        lines = [line for line in output.splitlines() if line.startswith("digest ")]
        if self._process.returncode or len(lines) != 1:
            raise RuntimeError(f"the run {self.run} failed:\n{output[-2000:]}")
        return lines[0].removeprefix("digest ")

    def kill(self, delay: float, while_writing: bool) -> dict | None:
        """Kills the process `delay` seconds after its next validation.

        Args:
            delay: seconds.
            while_writing: wait for the next checkpoint that is being written, too.

        Returns:
            The delay, and whether the kill left a half-written checkpoint; None if the process
            ended before the kill.
        """
        before = self._last_change()
        self._wait(lambda: self._last_change() != before)
        time.sleep(delay)
        checkpoints = self.run / "checkpoints"
        if while_writing:
            # The first checkpoint after a kill removes what the kill left.
            self._wait(lambda: any(checkpoints.glob(".*.part")))
        self._process.send_signal(signal.SIGKILL)
        self._process.stdout.close()
        if self._process.wait() != -signal.SIGKILL:
            return None
        half_written = any(checkpoints.glob(".*.part"))
        return {"seconds": round(delay, 3), "while_writing": half_written}

    def _last_change(self) -> int:
        path = self.run / "history.jsonl"
        return path.stat().st_mtime_ns if path.exists() else 0

    def _wait(self, condition: Callable[[], bool]) -> None:
        """Waits until `condition` holds, the process ends, or the time is up."""
        limit = time.monotonic() + _READY_SECONDS
        while not condition() and time.monotonic() < limit and self._process.poll() is None:
            time.sleep(0.0005)


def killed_runs(
    data: Path, folder: Path, replicas: int, steps: int, kills: int, seed: int
) -> dict[str, list]:
    """Trains with `kills` kills in all, in as many runs as that takes.

    Returns:
        The digests of the runs, and the kills.
    """
    random_delay, moments, digests = random.Random(seed), [], []
    while len(moments) < kills:
        run = folder / f"killed-{replicas}-{len(digests)}"
        alive = True
        while alive and len(moments) < kills:
            delay = random_delay.uniform(0, _MAX_KILL_DELAY)
            process = TrainingProcess(data, run, replicas, steps)
            moment = process.kill(delay, len(moments) % 3 == 2)
            alive = moment is not None
            moments += [moment] if alive else []
        digests.append(TrainingProcess(data, run, replicas, steps).finish())
    return {"digests": digests, "kills": moments}


def soak(folder: Path, steps: int, kills: int, replicas: int, seed: int = 0) -> dict:
    """One row of the result: whether all runs ended as the uninterrupted one, with the digests."""
    data = prepare_noise(folder)
    run = folder / f"uninterrupted-{replicas}"
    expected = TrainingProcess(data, run, replicas, steps).finish()
    killed = killed_runs(data, folder, replicas, steps, kills, seed)
    equal = all(digest == expected for digest in killed["digests"])
    return {"replicas": replicas, "equal": equal, "expected": expected, **killed}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=CONFIG["training"]["steps"])
    add_out_option(parser)
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        data, run, replicas, steps = arguments.work
        work(Path(data), Path(run), int(replicas), int(steps))
        return
    rows = []
    for replicas in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(soak(Path(folder), arguments.steps, arguments.kills, replicas))
        row = rows[-1]
        verdict = "bit-identical" if row["equal"] else "DIFFERENT"
        print(f"{replicas} replicas, {len(row['kills'])} kills: {verdict}", flush=True)
    config = CONFIG | {"training": CONFIG["training"] | {"steps": arguments.steps}}
    result = {"machine": machine(), "config": config, "rows": rows}
    write_result("soak", result, arguments.out)
    if not all(row["equal"] for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
