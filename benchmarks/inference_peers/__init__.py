"""The ways to run one generator that benchmarks.inference compares: `ROWS`.

A row names an engine (a class of a module of this package) and the file that it opens, which
`benchmarks.inference_peers.build` makes. A file with {frames} in its name is for that length only.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.models.fourier.config import FourierConfig
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.voices import voice_file

_MELGAN, _FOURIER = MelGANConfig.type, FourierConfig.type


@dataclass(frozen=True)
class Row:
    """One way of running the generator.

    Args:
        label: in the table.
        engine: "module:class", in this package.
        file: what the engine opens: a path, or the name of a file that `build` makes.
        exact: whether its samples must be those of the reference; it is scored either way.
        generators: the types of generators that it can run.
    """

    label: str
    engine: str
    file: str
    exact: bool = True
    generators: tuple[str, ...] = (_MELGAN, _FOURIER)

    def path(self, folder: Path, frames: int) -> Path:
        """The file for a mel of `frames`; `folder` has the files of `build`."""
        return folder / self.file.format(frames=frames)

    def start(self, threads: int) -> "Engine":
        """The row's engine."""
        module, name = self.engine.split(":")
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)(threads)


class Engine:
    """Runs the generator on `threads` threads."""

    def __init__(self, threads: int):
        self.threads = threads

    def open(self, path: Path, mel: np.ndarray) -> None:
        """Prepares to run the file on a float32 mel (1, frames, n_mels)."""
        raise NotImplementedError

    def run(self) -> Any:
        """Runs the generator once; returns when the waveform is ready. This call is timed."""
        raise NotImplementedError

    def settings(self) -> dict[str, str]:
        """Version and flags."""
        raise NotImplementedError


ROWS = {
    "saved-model": Row("tf-melgan, SavedModel", "tensorflow_engines:SavedModel", "saved_model"),
    **{
        f"tflite-{weights}": Row(
            f"tf-melgan, TFLite {weights}",
            "litert_engine:LiteRT",
            f"tf-melgan-{weights}.tflite",
            exact=weights == "float32",
        )
        for weights in voice_file.WEIGHTS
    },
    **{
        f"steps-{weights}": Row(
            f"tf-melgan, TFLite {weights}, in steps",
            "litert_engine:InSteps",
            f"tf-melgan-{weights}.tflite",
            exact=weights == "float32",
        )
        for weights in ("float32", "int8-dynamic")
    },
    "torch-published": Row(
        "torch, weight norm kept", "torch_engines:Published", "weights.npz", generators=(_MELGAN,)
    ),
    "torch": Row("torch, folded", "torch_engines:Folded", "weights.npz", generators=(_MELGAN,)),
    "torch-eager": Row(
        "torch, eager", "torch_engines:Eager", "weights.npz", generators=(_FOURIER,)
    ),
    "torch-compile": Row("torch.compile, fixed", "torch_engines:Compiled", "weights.npz"),
    "onnx": Row("ONNX Runtime, fixed", "onnx_engine:OnnxRuntime", "torch-{frames}.onnx"),
    "keras-predict": Row("Keras predict", "tensorflow_engines:Predict", "generator.keras"),
    "keras-call": Row("Keras call", "tensorflow_engines:Call", "generator.keras"),
    "xla": Row("Keras, XLA, fixed", "tensorflow_engines:Xla", "generator.keras"),
    "keras-litert": Row("Keras's litert export", "litert_engine:LiteRT", "keras.tflite"),
    "tts-fixed": Row(
        "TensorFlowTTS's graph, fixed",
        "litert_engine:LiteRT",
        "tensorflowtts-{frames}.tflite",
        generators=(_MELGAN,),
    ),
    "tts-dynamic": Row(
        "TensorFlowTTS's graph, dynamic",
        "litert_engine:LiteRT",
        "tensorflowtts.tflite",
        generators=(_MELGAN,),
    ),
}
