"""The modules of the server in export/clients/serving, which is no package."""

import importlib.util
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "export" / "clients" / "serving"


def module(name: str) -> ModuleType:
    """Imports one of its modules."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
