"""Reads a folder of prepared recordings: its index, utterances and samples."""

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.data.index import INDEX, mel_file, read_index
from tf_melgan.errors import UserInputError

FOLDER = "utterances"
# Bytes of the .npy header of samples and of mels; the same for every length.
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
        mel_sha256: checksum of the file of its given mel; None if no mels were given.
    """

    path: str
    split: str
    file: str
    sha256: str
    samples: int
    mel_sha256: str | None = None


class _File(NamedTuple):
    """A file of an utterance: its name, its checksum and its size in bytes."""

    name: str
    sha256: str
    size: int


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
                modified[mel_file(part["file"])] = part.pop("mel_modified", 0)
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
        stored = self._stored(utterance.file, np.dtype("<i2"))
        return np.array(stored[start : start + count])

    def mel(self, utterance: Utterance) -> np.ndarray:
        """Returns the log-mel to train on, float32 (frames, n_mels): the given one, or its own."""
        if utterance.mel_sha256 is None:
            return log_mel(self.audio(utterance), self.spec)
        return self.mel_rows(utterance, 0, utterance.samples // self.spec.hop)

    def mel_rows(self, utterance: Utterance, first: int, count: int) -> np.ndarray:
        """Returns float32 (count, n_mels): frames of an utterance's given mel.

        Raises:
            UserInputError: its file is damaged, which the first call for the utterance checks.
        """
        self._verify(utterance)
        stored = self._stored(mel_file(utterance.file), np.dtype("<f4"))
        return np.array(stored.reshape(-1, self.spec.n_mels)[first : first + count])

    def place(self, utterance: Utterance) -> str:
        """Returns the path or address of an utterance's file."""
        return self._place(utterance.file)

    def mel_place(self, utterance: Utterance) -> str:
        """Returns the path or address of the file of an utterance's given mel."""
        return self._place(mel_file(utterance.file))

    def _place(self, name: str) -> str:
        return f"{self.folder}/{FOLDER}/{name}"

    def _stored(self, name: str, dtype: np.dtype) -> np.ndarray:
        """The values of a `.npy`, in one row."""
        path = self._place(name)
        if _remote(path):
            return np.frombuffer(_read(path), dtype, -1, HEADER)
        return _mapped(path, dtype)

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

    def _files(self, utterance: Utterance) -> Iterator[_File]:
        """The file of the samples, and that of the given mel."""
        size = 2 * (utterance.samples + 2 * self.spec.margin)
        yield _File(utterance.file, utterance.sha256, HEADER + size)
        if utterance.mel_sha256 is not None:
            size = 4 * utterance.samples // self.spec.hop * self.spec.n_mels
            yield _File(mel_file(utterance.file), utterance.mel_sha256, HEADER + size)

    def _is_as_written(self, utterance: Utterance) -> bool:
        return all(
            _remote(path := self._place(file.name))
            or (file.size, self._modified.get(file.name, 0)) == _stamp_of(path)
            for file in self._files(utterance)
        )

    def _verify(self, utterance: Utterance) -> None:
        if utterance.file in self._verified:
            return
        for file in self._files(utterance):
            path = self._place(file.name)
            try:
                digest = hashlib.sha256(_read(path)).hexdigest()
            except OSError as error:
                raise UserInputError(
                    f"{path}: cannot be read ({error.strerror}); prepare into a new folder"
                ) from None
            if digest != file.sha256:
                raise UserInputError(
                    f"{path}: is damaged, its checksum differs; prepare into a new folder"
                )
        self._verified.add(utterance.file)

    def _check_sizes(self) -> None:
        for file in (file for utterance in self._utterances for file in self._files(utterance)):
            path = self._place(file.name)
            size, _ = _stamp_of(path)
            if size != file.size:
                raise UserInputError(
                    f"{path}: has {size} bytes, not {file.size}; prepare into a new folder"
                )


def _stamp_of(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise UserInputError(f"{path}: is missing; prepare into a new folder") from None
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=4096)
def _mapped(path: str, dtype: np.dtype) -> np.ndarray:
    """A local file's values as a memory map, kept because training returns to it."""
    return np.memmap(path, dtype, "r", HEADER)


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
