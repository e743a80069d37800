"""Atomic output: written to a temporary path, flushed to disk, then renamed. Folder locks."""

import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tf_melgan.errors import UnwritableError, UserInputError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_written: set[Path] = set()  # the temporary paths that this process is writing to
# `Path` makes one slash of two. One letter alone is a drive of Windows.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def require_local(place: str | os.PathLike) -> Path:
    """Returns `place` as a `Path`.

    Raises:
        UserInputError: it is an address on another machine, such as gs://bucket/voice.
    """
    if _ADDRESS.match(os.fspath(place)):
        raise UserInputError(
            f"{place}: is not a path on this machine; copy the files here, or mount the bucket"
        )
    return Path(place)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_path(path: Path) -> Path:
    # The suffix stays at the end, because writers of audio and weights choose the format by it.
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")


@contextmanager
def write_errors(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Turns an OSError about writing `path` into a `UserInputError`; others pass unchanged.

    Args:
        path: the file or folder that is written.
        temporary: what is written in its place at first.
    """
    temporary = temporary or path
    try:
        yield
    except OSError as error:
        if error.filename is not None and not _concerns(error.filename, path, temporary):
            raise
        reason = error.strerror or str(error)
        remedy = "free some space or choose" if error.errno in _FULL else "choose"
        raise UnwritableError(
            f"{path}: cannot be written ({reason}); {remedy} another folder"
        ) from error


def _concerns(name: str | bytes | int, path: Path, temporary: Path) -> bool:
    """Returns whether an error about the file `name` is an error of writing `path`."""
    if isinstance(name, int):
        return True
    failed = Path(os.fsdecode(name))
    return (
        failed in (path, temporary, *path.parents)
        or temporary in failed.parents
        or path in failed.parents
    )


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path to write to; on success that file replaces `path` atomically.

    On an error an existing file at `path` stays unchanged.

    Args:
        path: the file to write; missing folders are created.

    Raises:
        UnwritableError: the disk is full or the folder cannot be written; the message names
            `path`.
    """
    path = require_local(path)
    temporary = _temporary_path(path)
    _written.add(temporary)
    try:
        with write_errors(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        # If the folder cannot be written, there is no temporary file to delete either.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        _written.discard(temporary)


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields an empty temporary folder to fill; on success it replaces the folder `path`.

    All files are flushed to disk first. On an error an existing folder at `path` stays unchanged.

    Args:
        path: the folder to write; missing parents are created.

    Raises:
        UnwritableError: the disk is full or the folder cannot be written; the message names
            `path`.
    """
    path = require_local(path)
    temporary, old = _temporary_path(path), _temporary_path(path)
    _written.add(temporary)
    try:
        with write_errors(path, temporary):
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
        _written.discard(temporary)


def require_writable(folder: str | os.PathLike) -> None:
    """Checks that a folder can be written to, or made; leaves nothing behind.

    Raises:
        UserInputError: the disk is full or the folder cannot be written.
    """
    path = Path(folder).absolute()
    existing = next(place for place in (path, *path.parents) if place.exists())
    with write_errors(Path(folder), existing), tempfile.TemporaryFile(dir=existing) as file:
        file.write(b"0")


def remove_partials(path: Path) -> None:
    """Deletes what processes that were killed while they wrote `path` left beside it.

    Call it where no other process writes `path`.

    Args:
        path: the file or folder; its name may hold the wildcards of `Path.glob`.
    """
    for partial in path.parent.glob(f".{path.stem}.*.part{path.suffix}"):
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def delete_own_partials() -> None:
    """Deletes what this process is writing; call it where the process ends without unwinding."""
    for temporary in tuple(_written):
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def lock(folder: str | os.PathLike) -> Iterator[None]:
    """Keeps every other process, and every other call here, from locking `folder` meanwhile.

    The system frees the lock when the process ends, however it ends. The file `.lock` stays in
    the folder. A file system without locks locks nothing.

    Args:
        folder: the folder to write to; it is created if it is missing.

    Raises:
        UserInputError: another process holds the lock, which the message names by its id, or the
            folder cannot be written.

    Examples:
        >>> with lock("prepared"):
        ...     update("prepared")
    """
    import fcntl  # not on Windows, where voices run but nothing is trained

    folder = Path(folder)
    path = folder / ".lock"
    with write_errors(folder, path):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with open(descriptor, "r+", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(20) or "unknown"
            raise UserInputError(
                f"{folder}: is in use by process {holder}; wait until it ends, or choose another "
                "folder"
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
