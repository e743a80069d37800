"""From trained weights to files that run elsewhere; installed as `tf_melgan.export`."""

from importlib import import_module
from typing import Any

_ROOMS = {"export_saved_model": "saved_model", "export_tflite": "tflite"}
__all__ = list(_ROOMS)


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'tf_melgan.export' has no attribute {name!r}")
    return getattr(import_module(f"tf_melgan.export.{_ROOMS[name]}"), name)
