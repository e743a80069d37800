"""Output that appears whole or not at all: written aside, flushed to disk, then renamed."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tf_melgan.errors import BadInput


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> Path:
    # The suffix stays last, since writers of audio and weights choose the format by it.
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(
            f"{path}: cannot be written ({reason}); free some space or choose another folder"
        ) from error


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a path to write to; on success that file replaces `path` in one step.

    Raises `BadInput` naming `path` when the disk is full or the folder cannot be written.
    On any error the old file, if there was one, is untouched.
    """
    path = Path(path)
    aside = _aside(path)
    try:
        with _readable_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            _sync(aside)
            os.replace(aside, path)
            _sync(path.parent)
    finally:
        # What cannot be written, such as a place below a file, cannot be cleaned up either.
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields an empty folder to fill; on success it takes the place `path`, all files flushed.

    An existing folder at `path` is replaced. Raises `BadInput` as `whole_file` does.
    """
    path = Path(path)
    aside, old = _aside(path), _aside(path)
    try:
        with _readable_errors(path):
            aside.mkdir(parents=True)
            yield aside
            for file in sorted(aside.rglob("*")):
                _sync(file)
            _sync(aside)
            if path.exists():
                os.replace(path, old)
            try:
                os.replace(aside, path)
            except OSError:
                with suppress(OSError):
                    os.replace(old, path)
                raise
            _sync(path.parent)
    finally:
        for folder in (aside, old):
            shutil.rmtree(folder, ignore_errors=True)
