"""`.tflite` files in LiteRT, with XNNPACK, the delegate that it applies by default."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.inference_peers import Engine
from tf_melgan.inference.engines.litert import LiteRTEngine

# A voice of tf-melgan has several signatures, other files have one.
_VOCODE = "vocode"


class LiteRT(Engine):
    """The whole mel in one call."""

    def open(self, path: Path, mel: np.ndarray) -> None:
        interpreter = Interpreter(model_path=str(path), num_threads=self.threads)
        signatures = interpreter.get_signature_list()
        name = _VOCODE if _VOCODE in signatures else next(iter(signatures))
        self._runner = interpreter.get_signature_runner(name)
        self._mel = {signatures[name]["inputs"][0]: mel}

    def run(self) -> np.ndarray:
        (audio,) = self._runner(**self._mel).values()
        return audio

    def settings(self) -> dict[str, str]:
        return {"version": f"ai-edge-litert {version('ai-edge-litert')}", "flags": "XNNPACK"}


class InSteps(LiteRT):
    """As `Vocoder.vocode` runs a voice's file: a mel longer than a step goes through in steps."""

    def open(self, path: Path, mel: np.ndarray) -> None:
        self._voice, self._mel = LiteRTEngine(path, self.threads), mel[0]

    def run(self) -> np.ndarray:
        return self._voice(self._mel)

    def settings(self) -> dict[str, str]:
        return super().settings() | {"flags": f"XNNPACK, steps of {self._voice.step} frames"}


class Step(LiteRT):
    """Step after step of a stream, from states of zeros."""

    def open(self, path: Path, mel: np.ndarray) -> None:
        interpreter = Interpreter(model_path=str(path), num_threads=self.threads)
        self._runner = interpreter.get_signature_runner("step")
        self._mel = mel
        self._states = {
            name: np.zeros(details["shape"], np.float32)
            for name, details in self._runner.get_input_details().items()
            if name != "mel"
        }

    def run(self) -> np.ndarray:
        self._states = self._runner(mel=self._mel, **self._states)
        return self._states.pop("audio")


class AllSignatures(LiteRT):
    """Each signature of a voice's file once."""

    def open(self, path: Path, mel: np.ndarray) -> None:
        interpreter = Interpreter(model_path=str(path), num_threads=self.threads)
        self._call = {
            name: interpreter.get_signature_runner(name)
            for name in interpreter.get_signature_list()
        }
        self._mel = mel

    def run(self) -> np.ndarray:
        states = self._call["start"](mel=self._mel)
        states.pop("audio")
        states = self._call["step"](mel=self._mel, **states)
        states.pop("audio")
        self._call["end"](**states)
        self._call["vocode_short"](mel=self._mel)
        return self._call["vocode"](mel=self._mel)["audio"]
