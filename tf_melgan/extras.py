"""Packages of the extra `train`, asked for by name where they are missing."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Turns a missing package inside the block into an ImportError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tf_melgan"):
            raise
        raise ImportError(
            f"{what} needs {error.name}, which is not installed; install tf-melgan with its extra "
            'train: pip install ".[train]" in its folder'
        ) from error
