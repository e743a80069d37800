"""Decodes recordings to their end, whatever length their headers declare."""

import io
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile

from tf_melgan.audio.containers import (
    MPEG_FRAME,
    lacks_its_end,
    streams,
    without_length,
    without_tags,
)
from tf_melgan.errors import UserInputError, require

RATES = (4000, 384_000)
_BLOCK = 2**16
# Lengths from here on mean "unknown": in libsndfile, and in the header of a wav from a pipe.
_UNKNOWN_FRAMES, _UNKNOWN_BYTES = 2**40, 0x7FFF0000
# What libsndfile notes about a file that is shorter than its header says, and about one in which
# the sound is not followed by a chunk.
_SHORT = re.compile(
    r"^\s*(?:data|SSND|BODY|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
_UNKNOWN_CHUNK = re.compile(r"Unknown chunk marker .*at position (\d+)")
# The share of a file that may follow its sound, such as a tag with a picture.
_TOLERATED = 0.1


class Recording(NamedTuple):
    """A decoded recording.

    Attributes:
        samples: float32 (samples, channels), in which the full scale of integer formats is 1.
        rate: the sample rate in Hz.
        remark: what is wrong with the file although it was decoded, or "".
    """

    samples: np.ndarray
    rate: int
    remark: str = ""

    @property
    def channels(self) -> int:
        return self.samples.shape[1]


def decode(path: str | os.PathLike) -> Recording:
    """Decodes a sound file of any format that soundfile reads.

    All streams are decoded of a file in which several are joined. What a damaged file holds up to
    the damage is decoded, too; the remark says so.

    Raises:
        UserInputError: there is nothing that can be decoded, or the sample rate is not from 4 to
            384 kHz.
        OSError: the file cannot be read.
    """
    path = Path(path)
    data = without_tags(path.read_bytes())
    try:
        with _Forward(_Bytes(data)) as file:
            container, rate = file.format, file.samplerate
        lowest, highest = RATES
        require(
            lowest <= rate <= highest,
            f"{path}: has a sample rate of {rate} Hz; give one from {lowest} to {highest} Hz",
        )
        return _decode_streams(container, streams(container, data))
    except soundfile.SoundFileError as error:
        raise UserInputError(
            f"{path}: cannot be decoded ({_reason(error)}); give a wav, flac, ogg or mp3 recording"
        ) from None


def _decode_streams(container: str, parts: list[bytes]) -> Recording:
    """Decodes and joins the streams of a file; those that do not go with the first are left out."""
    first = _decode_stream(container, parts[0])
    if len(parts) == 1:
        return first
    recordings = [first]
    for part in parts[1:]:
        with suppress(soundfile.SoundFileError):
            recording = _decode_stream(container, part)
            if (recording.rate, recording.channels) == (first.rate, first.channels):
                recordings.append(recording)
    remarks = [recording.remark for recording in recordings if recording.remark]
    if len(recordings) < len(parts):
        left_out = f"{len(parts) - len(recordings)} of {len(parts)} streams are left out"
        remarks.append(f"{left_out}, being damaged or of another rate or channel count")
    samples = np.concatenate([recording.samples for recording in recordings])
    return Recording(samples, first.rate, ", ".join(remarks))


def _decode_stream(container: str, stream: bytes) -> Recording:
    endless = without_length(container, stream)
    with _Forward(_Bytes(stream)) as file:
        declared = _declared_length(file)
    if container == "MP3" and endless is stream:
        declared = None  # an estimate from the first frame
    with _opened(container, endless) as (file, source):
        samples, fault, damaged = _decode_blocks(file)
        rate = file.samplerate
        undecoded = len(source.read()) if container == "MP3" else _undecoded(file, len(stream))
    slack = MPEG_FRAME if container == "MP3" else 1
    if container == "MP3" and declared is not None and len(samples) <= declared + 2 * slack:
        samples = samples[:declared]
    seconds = f"{len(samples) / rate:.2f} s"
    if damaged < len(samples):
        remark = f"damaged at {damaged / rate:.2f} s ({fault})"
    elif declared is not None and len(samples) < declared - slack:
        remark = f"ends early: {seconds} of {declared / rate:.2f} s"
    elif declared is not None and len(samples) > declared + slack:
        remark = f"lasts {seconds}, its header says {declared / rate:.2f} s"
    elif (declared is None and fault) or lacks_its_end(container, stream):
        remark = f"ends early, after {seconds}"
    elif undecoded > _TOLERATED * len(stream):
        remark = f"goes on after {seconds} with what cannot be decoded"
    else:
        remark = ""
    return Recording(samples, rate, remark)


def _decode_blocks(file: soundfile.SoundFile) -> tuple[np.ndarray, str, int]:
    """Decodes to the end; also returns the first error, and how many samples came before it."""
    blocks, total, fault, damaged = [], 0, "", 0
    while True:
        block = np.full((max(_BLOCK // file.channels, 1), file.channels), np.nan, np.float32)
        try:
            count = len(file.read(out=block))
        except soundfile.LibsndfileError as error:
            # What was decoded before the error is in the block; a decoder may go on behind it.
            count = int(np.count_nonzero(~np.isnan(block[:, 0])))
            if not fault:
                fault, damaged = _reason(error), total + count
        total += count
        blocks.append(block[:count])
        if not count:
            return np.concatenate(blocks), fault, damaged if fault else total


def _declared_length(file: soundfile.SoundFile) -> int | None:
    """Returns the samples that a header declares; None if it says that it does not know."""
    if not 0 < file.frames < _UNKNOWN_FRAMES:
        return None
    short = _SHORT.search(file.extra_info)
    if short is None or not 0 < int(short[2]) < int(short[1]) < _UNKNOWN_BYTES:
        return file.frames
    return file.frames * int(short[1]) // int(short[2])


def _undecoded(file: soundfile.SoundFile, size: int) -> int:
    """Returns how many of a file's bytes follow its sound and are no chunk."""
    unknown = _UNKNOWN_CHUNK.search(file.extra_info)
    return size - int(unknown[1]) if unknown else 0


class _Forward(soundfile.SoundFile):
    """A sound file that is read from begin to end.

    After each read, soundfile seeks to where it is. Decoders of files of unknown length cannot.
    """

    def seekable(self) -> bool:
        return False


class _Bytes(io.BytesIO):
    """Bytes that stay where they are if a damaged file asks for a place that cannot be."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with suppress(ValueError, OverflowError):
            super().seek(offset, whence)
        return self.tell()


@contextmanager
def _opened(container: str, stream: bytes) -> Iterator[tuple[soundfile.SoundFile, BinaryIO]]:
    """Opens a stream; also yields what its bytes are read from.

    An mp3 comes through a pipe: a decoder that sees the size of an mp3 estimates its length from
    the first frame, and ends there.
    """
    if container != "MP3":
        source = _Bytes(stream)
        with _Forward(source) as file:
            yield file, source
        return
    reading, writing = os.pipe()
    writer = threading.Thread(target=_write, args=(writing, stream))
    writer.start()
    try:
        with open(reading, "rb") as pipe, _Forward(pipe.fileno(), closefd=False) as file:
            yield file, pipe
    finally:
        writer.join()


def _write(descriptor: int, content: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as pipe:
        pipe.write(content)


def _reason(error: soundfile.SoundFileError) -> str:
    reason = str(getattr(error, "error_string", error))
    # This is how libsndfile reports an mp3 in which no frame is whole.
    reason = "No frame found" if "does not exist" in reason else reason
    return reason.removeprefix("Error : ").strip().rstrip(".")
