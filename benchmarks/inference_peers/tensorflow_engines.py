"""TensorFlow: the SavedModel of tf-melgan, and the Keras model called, predicted and with XLA."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# The generators register the classes that a .keras file holds.
import tf_melgan.models.fourier.generator
import tf_melgan.models.melgan.generator  # noqa: F401
from benchmarks.inference_peers import Engine


class _TensorFlow(Engine):
    flags = ""

    def __init__(self, threads: int):
        super().__init__(threads)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)

    def open(self, path: Path, mel: np.ndarray) -> None:
        self._mel = tf.constant(mel)
        self._function = self._load(path)

    def _load(self, path: Path) -> Callable[[tf.Tensor], Any]:
        return keras.saving.load_model(path, compile=False)

    def run(self) -> np.ndarray:
        return self._function(self._mel).numpy()

    def settings(self) -> dict[str, str]:
        version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
        return {"version": version, "flags": f"{self.flags}, oneDNN, 1 inter-op thread"}


class SavedModel(_TensorFlow):
    """The signature serving_default."""

    flags = "serving_default, any length"

    def _load(self, path: Path) -> Callable[[tf.Tensor], Any]:
        self._model = tf.saved_model.load(str(path))
        serve = self._model.signatures["serving_default"]
        (name,) = serve.structured_input_signature[1]
        return lambda mel: next(iter(serve(**{name: mel}).values()))


class Predict(_TensorFlow):
    """`keras.Model.predict`."""

    flags = "model.predict, folded"

    def run(self) -> np.ndarray:
        return self._function.predict(self._mel, verbose=0)


class Call(_TensorFlow):
    """The Keras model as a function, eagerly."""

    flags = "model(mel) without tf.function, folded"


class Xla(_TensorFlow):
    """The Keras model compiled with XLA."""

    flags = "tf.function(jit_compile=True) of the Keras model, folded, fixed shape"

    def _load(self, path: Path) -> Callable[[tf.Tensor], Any]:
        return tf.function(super()._load(path), jit_compile=True)
