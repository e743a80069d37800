"""Recordings in, wavs out: any rate and channel count, through soundfile and soxr."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tf_melgan.errors import BadInput
from tf_melgan.extras import needed_for
from tf_melgan.files import whole_file

SUFFIXES = (".flac", ".mp3", ".ogg", ".wav")


def existing(path: str | os.PathLike) -> Path:
    """`path`, if there is a file. Raises `BadInput` if not."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path}: no such file; give a wav, flac, ogg or mp3 recording")
    return path


def below(folder: Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """The files of a folder tree with one of the suffixes, in order; hidden ones are left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith(".")
    ]


def info(path: str | os.PathLike) -> Any:
    """What a recording's header says: `samplerate`, `duration` in seconds, `channels`, ….

    Raises:
        BadInput: the file cannot be decoded.
    """
    try:
        return soundfile.info(path)
    except soundfile.SoundFileError:
        raise BadInput(
            f"{path}: cannot be decoded; give a wav, flac, ogg or mp3 recording"
        ) from None


def checked(path: Path, sound: np.ndarray) -> np.ndarray:
    """`sound` (samples, channels), if there are samples and all are finite; else `BadInput`."""
    if len(sound) == 0:
        raise BadInput(f"{path}: has no samples; give a recording with sound in it")
    if not np.isfinite(sound).all():
        raise BadInput(f"{path}: holds NaN or infinite samples; give finite ones within [-1, 1]")
    return sound


def read(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """Decodes wav, flac, ogg or mp3 to float32 (samples, channels), and its samples per second.

    Full scale of an integer format is 1.

    Raises:
        BadInput: the file is missing, cannot be decoded, is empty, or holds NaN or infinity.
    """
    path = existing(path)
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
        raise BadInput(
            f"{path}: cannot be decoded ({reason}); give a wav, flac, ogg or mp3 recording"
        ) from None
    return checked(path, sound), rate


def resample(audio: np.ndarray, source: int, target: int) -> np.ndarray:
    """Float32 (samples,) at `source` samples per second, as at `target` (soxr, VHQ)."""
    if source == target:
        return audio
    with needed_for(f"resampling {source} Hz to {target} Hz"):
        import soxr
    return soxr.resample(audio, source, target, quality="VHQ")


def load(path: str | os.PathLike, rate: int) -> np.ndarray:
    """A recording as float32 mono (samples,) at `rate` samples per second.

    Channels are averaged. Raises `BadInput` as `read` does.
    """
    audio, source = read(path)
    return resample(audio.mean(axis=1), source, rate)


def to_int16(audio: np.ndarray) -> tuple[np.ndarray, int]:
    """Float samples, full scale 1, as 16-bit ones; and how many of them were clipped."""
    samples = np.clip(np.round(audio * 32768.0), -32768, 32767).astype(np.int16)
    return samples, int((np.abs(audio) > 1).sum())


@dataclass
class Written:
    """A wav on its way to disk: how much of it there is, and how much was clipped."""

    path: Path
    file: soundfile.SoundFile
    samples: int = 0
    clipped: int = 0

    def add(self, audio: np.ndarray) -> None:
        """Appends float mono samples; full scale is 1, and a 16-bit file clips what is beyond.

        Raises:
            BadInput: samples that are no numbers, or a wrong shape.
        """
        audio = np.asarray(audio)
        if audio.ndim != 1:
            raise BadInput(
                f"{self.path}: audio of shape {audio.shape}; give mono samples, shape (samples,)"
            )
        if not np.isfinite(audio).all():
            raise BadInput(f"{self.path}: the audio holds NaN or infinity and was not written")
        clipped = 0
        if self.file.subtype == "PCM_16":
            audio, clipped = to_int16(audio)
        self.file.write(audio)
        self.samples += len(audio)
        self.clipped += clipped


@contextmanager
def writing(path: str | os.PathLike, rate: int, subtype: str = "PCM_16") -> Iterator[Written]:
    """A mono wav to add samples to, which appears whole at the end, or not at all.

    Args:
        subtype: "PCM_16" or "FLOAT".

    Raises:
        BadInput: a place that cannot be written, or what `Written.add` refuses.
    """
    with whole_file(path) as aside:
        try:
            with soundfile.SoundFile(aside, "w", rate, 1, subtype, format="WAV") as file:
                yield Written(Path(path), file)
        except soundfile.LibsndfileError as error:
            raise OSError(error.error_string) from error


def write(path: str | os.PathLike, audio: np.ndarray, rate: int) -> int:
    """Writes mono (samples,) as a 16-bit wav; returns how many samples were clipped.

    Raises `BadInput` as `writing` does.
    """
    with writing(path, rate) as written:
        written.add(audio)
    return written.clipped
