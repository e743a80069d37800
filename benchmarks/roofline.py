"""The machine's peak in float32, as a large matrix product of PyTorch and of TensorFlow.

A module of benchmarks.inference, without a command of its own.
"""

import importlib
from collections.abc import Callable

SIZE = 3072
GFLOP = 2 * SIZE**3 / 1e9
LIBRARIES = ("torch", "tensorflow")


def product(library: str, threads: int) -> Callable[[], object]:
    """A function that computes a float32 product of two (SIZE, SIZE) matrices before it returns."""
    return {"torch": _torch, "tensorflow": _tensorflow}[library](threads)


def _torch(threads: int) -> Callable[[], object]:
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    a, b = torch.randn(2, SIZE, SIZE)
    return lambda: a @ b


def _tensorflow(threads: int) -> Callable[[], object]:
    tf = importlib.import_module("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    a, b = tf.random.normal((2, SIZE, SIZE))
    multiply = tf.function(tf.linalg.matmul)
    return lambda: multiply(a, b)[0, 0].numpy()
