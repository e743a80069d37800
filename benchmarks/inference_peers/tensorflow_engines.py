"""Ours as a SavedModel, and the Keras model as Keras and XLA run it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tf_melgan.generators  # noqa: F401 - registers what a .keras file holds
from benchmarks.inference_peers import Engine


class _TensorFlow(Engine):
    flags = ""

    def __init__(self, threads: int):
        super().__init__(threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)

    def open(self, path: Path, mel: np.ndarray) -> None:
        self._mel = tf.constant(mel)
        self._function = self._loaded(path)

    def _loaded(self, path: Path) -> Callable[[tf.Tensor], Any]:
        return keras.saving.load_model(path, compile=False)

    def run(self) -> np.ndarray:
        return self._function(self._mel).numpy()

    def settings(self) -> dict[str, str]:
        version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
        return {"version": version, "flags": f"{self.flags}, oneDNN, 1 inter-op thread"}


class SavedModel(_TensorFlow):
    flags = "serving_default, any length"

    def _loaded(self, path: Path) -> Callable[[tf.Tensor], Any]:
        self._model = tf.saved_model.load(str(path))
        serve = self._model.signatures["serving_default"]
        (name,) = serve.structured_input_signature[1]
        return lambda mel: next(iter(serve(**{name: mel}).values()))


class Predict(_TensorFlow):
    flags = "model.predict, folded"

    def run(self) -> np.ndarray:
        return self._function.predict(self._mel, verbose=0)


class Call(_TensorFlow):
    flags = "model(mel) without tf.function, folded"


class Xla(_TensorFlow):
    flags = "tf.function(jit_compile=True) of the Keras model, folded, fixed shape"

    def _loaded(self, path: Path) -> Callable[[tf.Tensor], Any]:
        return tf.function(super()._loaded(path), jit_compile=True)
