"""Reads a folder of prepared recordings: its index, utterances and samples."""

import errno
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.data.index import INDEX, read_index
from tf_melgan.errors import UserInputError

FOLDER = "utterances"
# Bytes of the .npy header of a one-dimensional array; the same for every length.
HEADER = 128


@dataclass(frozen=True)
class Utterance:
    """One prepared utterance: a recording, or a part of a long one.

    Attributes:
        path: its recording, relative to the folder of recordings.
        split: "train" or "validation".
        file: the file name of its samples in the prepared folder.
        sha256: checksum of that file.
        samples: number of samples between the margins, a whole number of hops.
    """

    path: str
    split: str
    file: str
    sha256: str
    samples: int


class Prepared:
    """A folder that `prepare` wrote; `Prepared.open` reads it.

    Attributes:
        folder: its path, or its address in a bucket (gs://…, which needs TensorFlow).
        spec: the `MelSpec` that it was prepared for.

    Examples:
        >>> data = tf_melgan.Prepared.open("prepared")
        >>> utterance = data.utterances("train")[0]
        >>> mel = tf_melgan.log_mel(data.audio(utterance), data.spec)
    """

    def __init__(
        self,
        folder: str,
        spec: MelSpec,
        utterances: list[Utterance],
        modified: dict[str, int] | None = None,
    ):
        self.folder, self.spec = folder, spec
        self._utterances, self._modified = utterances, modified or {}
        self._verified: set[str] = set()

    @classmethod
    def open(cls, folder: str | os.PathLike) -> "Prepared":
        """Reads the index and checks the size of every file; in a bucket, reads the index only.

        Args:
            folder: the path, or the address in a bucket.

        Raises:
            UserInputError: the folder is not prepared, its index is damaged, or a file is missing
                or truncated.
        """
        folder = os.fspath(folder).rstrip("/")
        index_path = f"{folder}/{INDEX}"
        try:
            _, spec, entries = read_index(_read(index_path), index_path)
        except OSError as error:
            raise UserInputError(
                f"{folder}: is not a prepared folder, no {INDEX} ({error.strerror}); "
                "run tf-melgan prepare"
            ) from None
        utterances, modified = [], {}
        for entry in entries:
            for part in entry.get("parts", ()):
                modified[part["file"]] = part.pop("modified", 0)
                utterances.append(Utterance(path=entry["path"], split=entry["split"], **part))
        prepared = cls(folder, spec, utterances, modified)
        if not _remote(folder):
            prepared._check_sizes()
        return prepared

    def require_spec(self, spec: MelSpec) -> None:
        """Checks that the folder was prepared for `spec`.

        Raises:
            UserInputError: it was prepared for another `MelSpec`.
        """
        mismatches = spec_mismatches(self.spec, spec)
        if mismatches:
            raise UserInputError(
                f"{self.folder}: {'; '.join(mismatches)} in the config; prepare it with this config"
            )

    def utterances(self, split: str) -> list[Utterance]:
        """Returns the utterances of "train" or "validation" in the order of their paths."""
        return [utterance for utterance in self._utterances if utterance.split == split]

    def audio(self, utterance: Utterance) -> np.ndarray:
        """Returns a whole utterance as float32 (samples,); its recording peaks at 0.95."""
        return self.window(utterance, self.spec.margin, utterance.samples) / np.float32(32768)

    def window(self, utterance: Utterance, start: int, count: int) -> np.ndarray:
        """Returns int16 (count,) of an utterance; `start` 0 is the first sample of its margin.

        Raises:
            UserInputError: its file is damaged, which the first call for the utterance checks.
        """
        self._verify(utterance)
        path = self.place(utterance)
        stored = (
            np.frombuffer(_read(path), np.int16, -1, HEADER) if _remote(path) else _mapped(path)
        )
        return np.array(stored[start : start + count])

    def place(self, utterance: Utterance) -> str:
        """Returns the path or address of an utterance's file."""
        return f"{self.folder}/{FOLDER}/{utterance.file}"

    def verify(self, quick: bool = False) -> None:
        """Reads every file and compares its checksum.

        Args:
            quick: read only the files whose size or time stamp differs from that of `prepare`, and
                that were not compared before; in a bucket, none.

        Raises:
            UserInputError: a file is missing or cannot be read, or a checksum differs; the
                message names the file.
        """
        for utterance in self._utterances:
            if not quick:
                self._verified.discard(utterance.file)
            if not (quick and self._is_as_written(utterance)):
                self._verify(utterance)

    def _is_as_written(self, utterance: Utterance) -> bool:
        path = self.place(utterance)
        return _remote(path) or self._stamp(utterance) == _stamp_of(path)

    def _verify(self, utterance: Utterance) -> None:
        if utterance.file in self._verified:
            return
        path = self.place(utterance)
        try:
            digest = hashlib.sha256(_read(path)).hexdigest()
        except OSError as error:
            raise UserInputError(
                f"{path}: cannot be read ({error.strerror}); prepare into a new folder"
            ) from None
        if digest != utterance.sha256:
            raise UserInputError(
                f"{path}: is damaged, its checksum differs; prepare into a new folder"
            )
        self._verified.add(utterance.file)

    def _stamp(self, utterance: Utterance) -> tuple[int, int]:
        """Returns the size in bytes and the time stamp that an utterance's file should have."""
        size = HEADER + 2 * (utterance.samples + 2 * self.spec.margin)
        return size, self._modified.get(utterance.file, 0)

    def _check_sizes(self) -> None:
        for utterance in self._utterances:
            path = self.place(utterance)
            expected, _ = self._stamp(utterance)
            size, _ = _stamp_of(path)
            if size != expected:
                raise UserInputError(
                    f"{path}: has {size} bytes, not {expected}; prepare into a new folder"
                )


def _stamp_of(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise UserInputError(f"{path}: is missing; prepare into a new folder") from None
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=4096)
def _mapped(path: str) -> np.ndarray:
    """A local file's samples as a memory map, kept because training returns to it."""
    return np.memmap(path, np.int16, "r", HEADER)


def _remote(place: str) -> bool:
    return "://" in place


def _read(place: str) -> bytes:
    if not _remote(place):
        return Path(place).read_bytes()
    try:
        import tensorflow as tf
    except ImportError:
        raise UserInputError(
            f"{place}: only TensorFlow can read buckets; install it, or copy the folder here"
        ) from None
    try:
        with tf.io.gfile.GFile(place, "rb") as file:
            return file.read()
    except tf.errors.NotFoundError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place) from None
