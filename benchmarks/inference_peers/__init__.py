"""The ways of running one generator that benchmarks.inference compares.

A row names the engine that runs it, a class of a module here, and the file that the engine opens,
which `inference_peers.build` makes. A name with {frames} is of a file for that length alone.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.models.fourier.config import FourierConfig
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.voices import voice_file

_MELGAN, _FOURIER = MelGANConfig.kind, FourierConfig.kind


@dataclass(frozen=True)
class Row:
    """One way of running the generator.

    Args:
        label: in the table.
        engine: module and class here.
        file: what the engine opens: a path, or a name in the folder that `build` fills.
        exact: whether it has to give the reference's samples; it is scored either way.
        kinds: of generators that it can run.
    """

    label: str
    engine: str
    file: str
    exact: bool = True
    kinds: tuple[str, ...] = (_MELGAN, _FOURIER)

    def path(self, folder: Path, frames: int) -> Path:
        return folder / self.file.format(frames=frames)

    def start(self, threads: int) -> "Engine":
        module, name = self.engine.split(":")
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)(threads)


class Engine:
    """Runs the generator in a process of its own, on `threads` threads."""

    def __init__(self, threads: int):
        self.threads = threads

    def open(self, path: Path, mel: np.ndarray) -> None:
        """Makes ready to run the file on this float32 mel, (1, frames, n_mels)."""
        raise NotImplementedError

    def run(self) -> Any:
        """What is timed; the waveform is ready when it returns."""
        raise NotImplementedError

    def settings(self) -> dict[str, str]:
        """Version and flags."""
        raise NotImplementedError


ROWS = {
    "saved-model": Row("ours, SavedModel", "tensorflow_engines:SavedModel", "saved_model"),
    **{
        f"tflite-{kind}": Row(
            f"ours, TFLite {kind}", "litert_engine:LiteRT", f"ours-{kind}.tflite", kind == "float32"
        )
        for kind in voice_file.WEIGHTS
    },
    **{
        f"steps-{kind}": Row(
            f"ours, TFLite {kind}, in steps",
            "litert_engine:InSteps",
            f"ours-{kind}.tflite",
            kind == "float32",
        )
        for kind in ("float32", "int8-dynamic")
    },
    "torch-published": Row(
        "torch, weight norm kept", "torch_engines:Published", "weights.npz", kinds=(_MELGAN,)
    ),
    "torch": Row("torch, folded", "torch_engines:Folded", "weights.npz", kinds=(_MELGAN,)),
    "torch-eager": Row("torch, eager", "torch_engines:Eager", "weights.npz", kinds=(_FOURIER,)),
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
        kinds=(_MELGAN,),
    ),
    "tts-dynamic": Row(
        "TensorFlowTTS's graph, dynamic",
        "litert_engine:LiteRT",
        "tensorflowtts.tflite",
        kinds=(_MELGAN,),
    ),
}
