"""Reads a folder of prepared recordings: its index, utterances and samples."""

import errno
import hashlib
import io
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.errors import UserInputError

INDEX, FOLDER = "index.json", "utterances"
VERSION = 1
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
            content = json.loads(_read(index_path))
            version = content["version"]
            spec = MelSpec.from_dict(content["mel"])
            utterances, modified = [], {}
            for entry in content["recordings"]:
                for part in entry.get("parts", ()):
                    modified[part["file"]] = part.pop("modified", 0)
                    utterances.append(Utterance(path=entry["path"], split=entry["split"], **part))
        except OSError as error:
            raise UserInputError(
                f"{folder}: is not a prepared folder, no {INDEX} ({error.strerror}); "
                "run tf-melgan prepare"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserInputError(f"{index_path}: is damaged; prepare into a new folder") from None
        if version != VERSION:
            raise UserInputError(
                f"{index_path}: has version {version}, not {VERSION}; prepare into a new folder"
            )
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
        """Returns int16 (count,) of an utterance; `start` 0 is the first sample of its margin."""
        path = self.place(utterance)
        stored = np.load(io.BytesIO(_read(path))) if _remote(path) else _mapped(path)
        return np.array(stored[start : start + count])

    def place(self, utterance: Utterance) -> str:
        """Returns the path or address of an utterance's file."""
        return f"{self.folder}/{FOLDER}/{utterance.file}"

    def verify(self, quick: bool = False) -> None:
        """Reads every file and compares its checksum.

        Args:
            quick: read only the files whose size or time stamp differs from that of `prepare`. A
                folder in a bucket has no time stamps and is read whole.

        Raises:
            UserInputError: a file is missing or cannot be read, or a checksum differs; the
                message names the file.
        """
        for utterance in self._utterances:
            path = self.place(utterance)
            try:
                if quick and not _remote(path) and self._stamp(utterance) == _stamp_of(path):
                    continue
                digest = hashlib.sha256(_read(path)).hexdigest()
            except OSError as error:
                raise UserInputError(
                    f"{path}: cannot be read ({error.strerror}); prepare into a new folder"
                ) from None
            if digest != utterance.sha256:
                raise UserInputError(
                    f"{path}: is damaged, its checksum differs; prepare into a new folder"
                )

    def _stamp(self, utterance: Utterance) -> tuple[int, int]:
        """Returns the size in bytes and the time stamp that an utterance's file should have."""
        size = HEADER + 2 * (utterance.samples + 2 * self.spec.margin)
        return size, self._modified.get(utterance.file, 0)

    def _check_sizes(self) -> None:
        for utterance in self._utterances:
            path = self.place(utterance)
            expected, _ = self._stamp(utterance)
            try:
                size, _ = _stamp_of(path)
            except FileNotFoundError:
                raise UserInputError(f"{path}: is missing; prepare into a new folder") from None
            if size != expected:
                raise UserInputError(
                    f"{path}: has {size} bytes, not {expected}; prepare into a new folder"
                )


def _stamp_of(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=4096)
def _mapped(path: str) -> np.ndarray:
    """A local file's samples as a memory map, kept because training returns to it."""
    return np.load(path, mmap_mode="r")


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
