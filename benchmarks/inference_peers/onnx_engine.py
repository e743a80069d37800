"""The PyTorch model in ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.inference_peers import Engine


class OnnxRuntime(Engine):
    """An ONNX file on the CPU."""

    def open(self, path: Path, mel: np.ndarray) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._mel = {self._session.get_inputs()[0].name: mel.swapaxes(1, 2).copy()}

    def run(self) -> np.ndarray:
        return self._session.run(None, self._mel)[0]

    def settings(self) -> dict[str, str]:
        return {
            "version": f"onnxruntime {onnxruntime.__version__}",
            "flags": "torch.onnx.export of the folded model, all graph optimizations",
        }
