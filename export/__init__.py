"""Exports trained voices to files that run without tf-melgan; imported as `tf_melgan.export`.

Examples:
    >>> from tf_melgan.export import export_tflite
    >>> export_tflite(model.inference_generator, config.mel, "voice.tflite", weights="float16")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tf_melgan.export.onnx.exporter import export_onnx
    from tf_melgan.export.saved_model import export_saved_model
    from tf_melgan.export.tflite.exporter import export_tflite
    from tf_melgan.export.torch_checkpoint import export_torch

# Imported when first used, since most need TensorFlow.
_MODULES = {
    "export_onnx": "onnx.exporter",
    "export_saved_model": "saved_model",
    "export_tflite": "tflite.exporter",
    "export_torch": "torch_checkpoint",
}
__all__ = ["export_onnx", "export_saved_model", "export_tflite", "export_torch"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'tf_melgan.export' has no attribute {name!r}")
    return getattr(import_module(f"tf_melgan.export.{_MODULES[name]}"), name)
