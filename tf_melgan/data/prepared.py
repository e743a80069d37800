"""A folder of prepared recordings, read: its index, its utterances, their samples."""

import errno
import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tf_melgan.audio.mel_spec import MelSpec, spec_mismatches
from tf_melgan.errors import UserInputError

INDEX, FOLDER = "index.json", "utterances"
VERSION = 1
# NumPy's header of a one-dimensional array takes this many bytes, whatever the length.
HEADER = 128


@dataclass(frozen=True)
class Utterance:
    """One prepared stretch of sound.

    Attributes:
        path: the recording that it comes from, relative to the recordings' folder.
        split: "train" or "validation".
        file: where its samples are, in the prepared folder.
        sha256: of that file.
        samples: how many there are between the margins, a whole number of hops.
    """

    path: str
    split: str
    file: str
    sha256: str
    samples: int


class Prepared:
    """A folder that `prepare` made.

    Attributes:
        folder: its path, or its address in a bucket (gs://…, where TensorFlow is installed).
        spec: the `MelSpec` it was prepared for.
    """

    def __init__(self, folder: str, spec: MelSpec, utterances: list[Utterance]):
        self.folder, self.spec, self._utterances = folder, spec, utterances

    @classmethod
    def open(cls, folder: str | os.PathLike) -> "Prepared":
        """Reads the index and, but in a bucket, checks that every file has its length.

        Raises:
            UserInputError: the folder is not prepared, its index is damaged, or a file is missing or
                cut short.
        """
        folder = os.fspath(folder).rstrip("/")
        place = f"{folder}/{INDEX}"
        try:
            content = json.loads(_read(place))
            version = content["version"]
            spec = MelSpec.from_dict(content["mel"])
            utterances = [
                Utterance(path=entry["path"], split=entry["split"], **part)
                for entry in content["recordings"]
                for part in entry.get("parts", ())
            ]
        except OSError as error:
            raise UserInputError(
                f"{folder}: is not prepared, no {INDEX} ({error.strerror}); run tf-melgan prepare"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserInputError(f"{place}: is damaged; prepare into a new folder") from None
        if version != VERSION:
            raise UserInputError(
                f"{place}: has version {version}, not {VERSION}; prepare into a new folder"
            )
        prepared = cls(folder, spec, utterances)
        if not _remote(folder):
            prepared._check_sizes()
        return prepared

    def require_spec(self, spec: MelSpec) -> None:
        """Raises `UserInputError` where the folder was prepared for another `MelSpec`."""
        mismatches = spec_mismatches(self.spec, spec)
        if mismatches:
            raise UserInputError(
                f"{self.folder}: {'; '.join(mismatches)} in the config; prepare it with this config"
            )

    def utterances(self, split: str) -> list[Utterance]:
        """Those of "train" or "validation", in the order of their paths."""
        return [utterance for utterance in self._utterances if utterance.split == split]

    def audio(self, utterance: Utterance) -> np.ndarray:
        """A whole utterance: float32 (samples,); its recording peaks at 0.95."""
        return self.window(utterance, self.spec.margin, utterance.samples) / np.float32(32768)

    def window(self, utterance: Utterance, start: int, count: int) -> np.ndarray:
        """int16 (count,) of an utterance, `start` counted from its margin's first sample."""
        place = self.place(utterance)
        file = io.BytesIO(_read(place)) if _remote(place) else place
        stored = np.load(file, mmap_mode=None if _remote(place) else "r")
        return np.array(stored[start : start + count])

    def place(self, utterance: Utterance) -> str:
        """The path or address of an utterance's file."""
        return f"{self.folder}/{FOLDER}/{utterance.file}"

    def verify(self) -> None:
        """Reads every file through. Raises `UserInputError` naming one whose checksum differs."""
        for utterance in self._utterances:
            place = self.place(utterance)
            if hashlib.sha256(_read(place)).hexdigest() != utterance.sha256:
                raise UserInputError(
                    f"{place}: is damaged, its checksum differs; prepare into a new folder"
                )

    def _check_sizes(self) -> None:
        for utterance in self._utterances:
            place = self.place(utterance)
            expected = HEADER + 2 * (utterance.samples + 2 * self.spec.margin)
            try:
                size = os.stat(place).st_size
            except FileNotFoundError:
                raise UserInputError(f"{place}: is missing; prepare into a new folder") from None
            if size != expected:
                raise UserInputError(
                    f"{place}: has {size} bytes, not {expected}; prepare into a new folder"
                )


def _remote(place: str) -> bool:
    return "://" in place


def _read(place: str) -> bytes:
    if not _remote(place):
        return Path(place).read_bytes()
    try:
        import tensorflow as tf
    except ImportError:
        raise UserInputError(
            f"{place}: only TensorFlow reads buckets; copy the folder here"
        ) from None
    try:
        with tf.io.gfile.GFile(place, "rb") as file:
            return file.read()
    except tf.errors.NotFoundError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place) from None
