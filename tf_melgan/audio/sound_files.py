"""Reads recordings of any rate and channel count, writes wav and flac, with soundfile and soxr."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tf_melgan.audio.decoding import Recording, decode
from tf_melgan.errors import SoundWarning, UserInputError, require
from tf_melgan.extras import require_extra
from tf_melgan.files import atomic_file

WRITABLE = (".wav", ".flac")
_CANCELLED = 1e-3  # peak of the mean of the channels, over that of the channels


def require_file(path: str | os.PathLike) -> Path:
    """Returns `path` as a `Path`.

    Raises:
        UserInputError: there is no file at `path`, but nothing, a folder, a pipe or a device.
    """
    path = Path(path)
    if not path.is_file():
        reason = "is not a file" if path.exists() else "no such file"
        raise UserInputError(f"{path}: {reason}; give a wav, flac, ogg or mp3 recording")
    return path


def check_samples(path: Path, sound: np.ndarray) -> np.ndarray:
    """Returns `sound` (samples, channels) unchanged.

    Raises:
        UserInputError: `sound` is empty or has values that are not finite.
    """
    if len(sound) == 0:
        raise UserInputError(f"{path}: has no samples; give a recording with sound in it")
    if not np.isfinite(sound).all():
        raise UserInputError(
            f"{path}: holds NaN or infinite samples; give finite ones within [-1, 1]"
        )
    return sound


def read_recording(path: str | os.PathLike) -> Recording:
    """Decodes a sound file, and says what is wrong with it.

    Returns:
        The samples, the sample rate in Hz, and a remark.

    Raises:
        UserInputError: the file is missing, cannot be decoded, is empty, or holds NaN or infinity.
        OSError: the file cannot be read.
    """
    path = require_file(path)
    recording = decode(path)
    check_samples(path, recording.samples)
    return recording


def read_audio(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """Decodes a sound file of any format that soundfile reads, such as wav, flac, ogg or mp3.

    Returns:
        float32 samples (samples, channels), in which the full scale of integer formats is 1, and
        the sample rate in Hz.

    Raises:
        UserInputError: the file is missing, cannot be decoded, is empty, or holds NaN or infinity.
        OSError: the file cannot be read.
    """
    recording = read_recording(path)
    return recording.samples, recording.rate


def resample(audio: np.ndarray, source: int, target: int) -> np.ndarray:
    """Resamples audio with soxr at quality VHQ.

    Args:
        audio: float32 (samples,).
        source: the rate of `audio` in Hz.
        target: the wanted rate in Hz.

    Returns:
        float32 (samples,) at the rate `target`.

    Raises:
        ImportError: the rates differ and soxr is not installed.
    """
    if source == target:
        return audio
    with require_extra(f"resampling {source} Hz to {target} Hz"):
        import soxr
    return soxr.resample(audio, source, target, quality="VHQ")


def load_audio(path: str | os.PathLike, rate: int) -> np.ndarray:
    """Loads a sound file as mono; channels are averaged.

    Warns with a `SoundWarning` if the file is damaged or ends early, or if its channels cancel each
    other out.

    Args:
        path: the recording.
        rate: the wanted sample rate in Hz; recordings at another rate are resampled.

    Returns:
        float32 samples (samples,); the full scale of integer formats is 1.

    Raises:
        UserInputError: the file is missing, cannot be decoded, is empty, or holds NaN or infinity.
        OSError: the file cannot be read.

    Examples:
        >>> spec = tf_melgan.MelSpec()
        >>> audio = tf_melgan.load_audio("speech.wav", spec.sample_rate)
        >>> print(len(audio) / spec.sample_rate, "seconds")
    """
    recording = read_recording(path)
    audio = recording.samples.mean(axis=1)
    remark = recording.remark
    if np.abs(audio).max() < _CANCELLED * np.abs(recording.samples).max():
        remark = "its channels cancel each other out; give a mono recording"
    if remark:
        warnings.warn(f"{path}: {remark}", SoundWarning, stacklevel=2)
    return resample(audio, recording.rate, rate)


def to_int16(audio: np.ndarray) -> tuple[np.ndarray, int]:
    """Converts float samples with full scale 1 to int16; also returns how many were clipped."""
    samples = np.clip(np.round(audio * 32768.0), -32768, 32767).astype(np.int16)
    return samples, int((np.abs(audio) > 1).sum())


@dataclass
class SoundWriter:
    """An open wav or flac that samples are appended to.

    Attributes:
        path: the final path.
        file: the open file.
        samples: number of samples written so far.
        clipped: number of samples clipped so far.
    """

    path: Path
    file: soundfile.SoundFile
    samples: int = 0
    clipped: int = 0

    def add(self, audio: np.ndarray) -> None:
        """Appends mono samples.

        Args:
            audio: floats (samples,) with full scale 1; a 16-bit file clips values beyond it.

        Raises:
            UserInputError: the shape is wrong, or values are not finite.
        """
        audio = np.asarray(audio)
        if audio.ndim != 1:
            raise UserInputError(
                f"{self.path}: audio of shape {audio.shape}; give mono samples, shape (samples,)"
            )
        if not np.isfinite(audio).all():
            raise UserInputError(
                f"{self.path}: the audio holds NaN or infinity and was not written; "
                "give finite samples"
            )
        clipped = 0
        if self.file.subtype == "PCM_16":
            audio, clipped = to_int16(audio)
        self.file.write(audio)
        self.samples += len(audio)
        self.clipped += clipped


@contextmanager
def sound_writer(
    path: str | os.PathLike, rate: int, subtype: str = "PCM_16"
) -> Iterator[SoundWriter]:
    """Opens a mono sound file. It replaces `path` on success; on an error nothing changes.

    Args:
        path: the `.wav` or `.flac` to write.
        rate: the sample rate in Hz.
        subtype: "PCM_16", or "FLOAT" for a wav.

    Yields:
        The writer; call its `add` for each block of samples.

    Raises:
        UserInputError: `path` cannot be written or has another suffix, `subtype` does not fit, or
            `SoundWriter.add` rejects the samples.
    """
    suffix = Path(path).suffix.lower()
    require(
        suffix in WRITABLE,
        f"{path}: cannot be written as {suffix or 'a file without suffix'}; give a "
        f"{' or '.join(WRITABLE)} file",
    )
    require(
        subtype == "PCM_16" or suffix == ".wav", f"{path}: cannot hold 32-bit floats; give a .wav"
    )
    with atomic_file(path) as temporary:
        try:
            with soundfile.SoundFile(
                os.fsencode(temporary), "w", rate, 1, subtype, format=suffix[1:].upper()
            ) as file:
                yield SoundWriter(Path(path), file)
        except soundfile.LibsndfileError as error:
            raise OSError(error.error_string) from error


def write_audio(path: str | os.PathLike, audio: np.ndarray, rate: int) -> int:
    """Writes mono audio as a 16-bit wav or flac.

    Args:
        path: the `.wav` or `.flac` to write; an existing file is replaced.
        audio: floats (samples,) with full scale 1.
        rate: the sample rate in Hz.

    Returns:
        The number of samples that were clipped.

    Raises:
        UserInputError: `path` cannot be written, the shape is wrong, or values are not finite.

    Examples:
        >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
        >>> clipped = tf_melgan.write_audio("tone.wav", tone, 22_050)
        >>> assert clipped == 0
    """
    with sound_writer(path, rate) as writer:
        writer.add(audio)
    return writer.clipped
