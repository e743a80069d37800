"""Recordings in, wavs out: any rate and channel count, through soundfile and soxr."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tf_melgan.errors import UserInputError
from tf_melgan.extras import require_extra
from tf_melgan.files import atomic_file

SUFFIXES = (".flac", ".mp3", ".ogg", ".wav")


def require_file(path: str | os.PathLike) -> Path:
    """`path`, if there is a file. Raises `UserInputError` if not."""
    path = Path(path)
    if not path.is_file():
        raise UserInputError(f"{path}: no such file; give a wav, flac, ogg or mp3 recording")
    return path


def list_audio(folder: Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """The files of a folder tree with one of the suffixes, in order; hidden ones are left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith(".")
    ]


def audio_info(path: str | os.PathLike) -> Any:
    """What a recording's header says: `samplerate`, `duration` in seconds, `channels`, ….

    Raises:
        UserInputError: the file cannot be decoded.
    """
    try:
        return soundfile.info(path)
    except soundfile.SoundFileError:
        raise UserInputError(
            f"{path}: cannot be decoded; give a wav, flac, ogg or mp3 recording"
        ) from None


def check_samples(path: Path, sound: np.ndarray) -> np.ndarray:
    """`sound` (samples, channels); `UserInputError` if it is empty or not finite."""
    if len(sound) == 0:
        raise UserInputError(f"{path}: has no samples; give a recording with sound in it")
    if not np.isfinite(sound).all():
        raise UserInputError(
            f"{path}: holds NaN or infinite samples; give finite ones within [-1, 1]"
        )
    return sound


def read_audio(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """Decodes wav, flac, ogg or mp3 to float32 (samples, channels), and its samples per second.

    Full scale of an integer format is 1.

    Raises:
        UserInputError: the file is missing, cannot be decoded, is empty, or holds NaN or infinity.
    """
    path = require_file(path)
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
        raise UserInputError(
            f"{path}: cannot be decoded ({reason}); give a wav, flac, ogg or mp3 recording"
        ) from None
    return check_samples(path, sound), rate


def resample(audio: np.ndarray, source: int, target: int) -> np.ndarray:
    """Float32 (samples,) at `source` samples per second, as at `target` (soxr, VHQ)."""
    if source == target:
        return audio
    with require_extra(f"resampling {source} Hz to {target} Hz"):
        import soxr
    return soxr.resample(audio, source, target, quality="VHQ")


def load_audio(path: str | os.PathLike, rate: int) -> np.ndarray:
    """A recording as float32 mono (samples,) at `rate` samples per second.

    Channels are averaged. Raises `UserInputError` as `read` does.
    """
    audio, source = read_audio(path)
    return resample(audio.mean(axis=1), source, rate)


def to_int16(audio: np.ndarray) -> tuple[np.ndarray, int]:
    """Float samples, full scale 1, as 16-bit ones; and how many of them were clipped."""
    samples = np.clip(np.round(audio * 32768.0), -32768, 32767).astype(np.int16)
    return samples, int((np.abs(audio) > 1).sum())


@dataclass
class WavWriter:
    """A wav on its way to disk: how much of it there is, and how much was clipped."""

    path: Path
    file: soundfile.SoundFile
    samples: int = 0
    clipped: int = 0

    def add(self, audio: np.ndarray) -> None:
        """Appends float mono samples; full scale is 1, and a 16-bit file clips what is beyond.

        Raises:
            UserInputError: samples that are no numbers, or a wrong shape.
        """
        audio = np.asarray(audio)
        if audio.ndim != 1:
            raise UserInputError(
                f"{self.path}: audio of shape {audio.shape}; give mono samples, shape (samples,)"
            )
        if not np.isfinite(audio).all():
            raise UserInputError(
                f"{self.path}: the audio holds NaN or infinity and was not written"
            )
        clipped = 0
        if self.file.subtype == "PCM_16":
            audio, clipped = to_int16(audio)
        self.file.write(audio)
        self.samples += len(audio)
        self.clipped += clipped


@contextmanager
def wav_writer(path: str | os.PathLike, rate: int, subtype: str = "PCM_16") -> Iterator[WavWriter]:
    """A mono wav to add samples to, which appears whole at the end, or not at all.

    Args:
        subtype: "PCM_16" or "FLOAT".

    Raises:
        UserInputError: a place that cannot be written, or what `Written.add` refuses.
    """
    with atomic_file(path) as temporary:
        try:
            with soundfile.SoundFile(temporary, "w", rate, 1, subtype, format="WAV") as file:
                yield WavWriter(Path(path), file)
        except soundfile.LibsndfileError as error:
            raise OSError(error.error_string) from error


def write_audio(path: str | os.PathLike, audio: np.ndarray, rate: int) -> int:
    """Writes mono (samples,) as a 16-bit wav; returns how many samples were clipped.

    Raises `UserInputError` as `writing` does.
    """
    with wav_writer(path, rate) as written:
        written.add(audio)
    return written.clipped
