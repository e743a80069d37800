"""Builds the C client."""

import shutil
import subprocess
from pathlib import Path

import ai_edge_litert

SOURCE = Path(__file__).parents[2] / "export" / "clients" / "c"


def copied(parent: Path) -> Path:
    """A copy of the client's folder in `parent`."""
    ignored = shutil.ignore_patterns("vocode")
    return Path(shutil.copytree(SOURCE, parent / "c", ignore=ignored))


def make(
    folder: Path, *arguments: str, check: bool = True, **environment: str
) -> subprocess.CompletedProcess:
    missing = [name for name in ("make", "cc") if not shutil.which(name)]
    assert not missing, f"install {', '.join(missing)}; Debian: make, gcc"
    command, text = ["make", *arguments], True
    return subprocess.run(
        command, cwd=folder, check=check, text=text, capture_output=True, env=environment or None
    )


def built(parent: Path, flags: str) -> Path:
    """The program, compiled with these flags."""
    folder = copied(parent)
    make(folder, f"CFLAGS={flags}", f"LITERT={ai_edge_litert.__path__[0]}")
    return folder / "vocode"
