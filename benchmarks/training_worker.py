"""Shared by the two implementations that benchmarks.training compares: sizes, data, requests."""

import time

import numpy as np

from benchmarks import common

THREADS = 2
BATCH, SEGMENT, HOP, BANDS = 16, 8192, 256, 80


def random_batch() -> tuple[np.ndarray, np.ndarray]:
    """Random mels (batch, frames, bands) and waveforms (batch, samples, 1), float32."""
    random = np.random.default_rng(0)
    mel = random.normal(-2, 1, (BATCH, SEGMENT // HOP, BANDS))
    audio = random.uniform(-0.9, 0.9, (BATCH, SEGMENT, 1))
    return mel.astype(np.float32), audio.astype(np.float32)


class TrainingWorker:
    """Answers requests, each a dict with the method's name under "do" and its arguments."""

    def __call__(self, request: dict) -> dict | str:
        return getattr(self, request.pop("do"))(**request)

    def settings(self) -> str:
        """What is special about how this implementation runs."""
        raise NotImplementedError

    def start(self, path: str, optimizer: str) -> dict:
        """Loads the weights that `save` wrote and makes new optimizers: "sgd" or "adam"."""
        raise NotImplementedError

    def save(self, path: str) -> dict:
        """Writes all weights as `.npz`, in PyTorch's layout."""
        raise NotImplementedError

    def step(self) -> dict[str, float]:
        """Makes one training step and returns its losses."""
        raise NotImplementedError

    def one_step(self) -> dict:
        """Makes one training step and returns its seconds and losses."""
        start, cpu = time.perf_counter(), time.process_time()
        losses = self.step()
        return {
            "seconds": time.perf_counter() - start,
            "cpu_seconds": time.process_time() - cpu,
            "losses": losses,
        }

    def memory(self) -> dict:
        return {"peak_bytes": common.peak_memory()}
