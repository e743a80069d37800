"""Output that appears whole or not at all: written to a temporary path, flushed, then renamed."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tf_melgan.errors import UserInputError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_path(path: Path) -> Path:
    # The suffix stays last, since writers of audio and weights choose the format by it.
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")


@contextmanager
def _write_errors(path: Path, temporary: Path) -> Iterator[None]:
    """Turns an OSError of writing `path` into a `UserInputError`; other files' errors pass."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and not _concerns(error.filename, path, temporary):
            raise
        reason = error.strerror or str(error)
        remedy = "free some space or choose" if error.errno in _FULL else "choose"
        raise UserInputError(
            f"{path}: cannot be written ({reason}); {remedy} another folder"
        ) from error


def _concerns(name: str | bytes | int, path: Path, temporary: Path) -> bool:
    """Whether an error about the file `name` is one about writing `path`."""
    if isinstance(name, int):
        return True
    named = Path(os.fsdecode(name))
    return (
        named in (path, temporary, *path.parents)
        or temporary in named.parents
        or path in named.parents
    )


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a path to write to; on success that file replaces `path` in one step.

    On any error the old file, if there was one, is untouched.

    Raises:
        UserInputError: naming `path`, when the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary = _temporary_path(path)
    try:
        with _write_errors(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        # What cannot be written, such as a place below a file, cannot be cleaned up either.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields an empty folder to fill; on success it takes the place of `path`, all files flushed.

    An existing folder at `path` is replaced.

    Raises:
        UserInputError: as `atomic_file` does.
    """
    path = Path(path)
    temporary, old = _temporary_path(path), _temporary_path(path)
    try:
        with _write_errors(path, temporary):
            temporary.mkdir(parents=True)
            yield temporary
            for file in sorted(temporary.rglob("*")):
                _sync(file)
            _sync(temporary)
            if path.exists():
                os.replace(path, old)
            try:
                os.replace(temporary, path)
            except OSError:
                with suppress(OSError):
                    os.replace(old, path)
                raise
            _sync(path.parent)
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)
