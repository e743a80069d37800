"""The containers of sound: where the streams of a file begin, and the length that each declares.

FLAC, MP3 and Ogg files can be joined end to end. A decoder ends where the first stream says that
it ends. So streams are decoded one by one, after the length is struck out of their headers.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

# The samples of a frame, which mp3 encoders fill up with silence.
MPEG_FRAME = 1152


@dataclass(frozen=True)
class _Header:
    """The header of a stream that declares its length.

    Args:
        pattern: matches a header; its group is the length.
        without_length: returns the bytes that mean "unknown", for those of a length.
    """

    pattern: re.Pattern[bytes]
    without_length: Callable[[bytes], bytes]


_HEADERS = {
    # STREAMINFO. The length has 36 bits, and the group four bits more.
    "FLAC": _Header(
        re.compile(rb"fLaC[\x00\x80]\x00\x00\x22.{13}(.{5})", re.DOTALL),
        lambda length: bytes([length[0] & 0xF0, 0, 0, 0, 0]),
    ),
    # A frame without sound that counts the others. It also holds the encoder's delay, which
    # decoders cut off only if there is a count. An immense one does no harm.
    "MP3": _Header(
        re.compile(
            rb"\xff[\xe2-\xff]..(?:.{9}|.{17}|.{32})"
            rb"(?:(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f]|VBRI.{10})(.{4})",
            re.DOTALL,
        ),
        lambda length: b"\x00\xff\xff\xff",
    ),
    # A length of 0 was never filled in. The largest one means "up to the end of the file".
    "WAV": _Header(
        re.compile(rb"\ARIFF....WAVE.{,4096}?data(\0{4})", re.DOTALL), lambda length: b"\xff" * 4
    ),
}
# How far decoders look for the first header.
_PADDING = 4096
_OGG_FIRST_PAGE, _OGG_LAST = re.compile(rb"OggS\x00[\x02\x06]"), 4


def without_tags(data: bytes) -> bytes:
    """Returns the bytes of a file without the ID3 tags at its begin."""
    while data[:3] == b"ID3":
        size = 0
        for byte in data[6:10]:
            size = size << 7 | byte
        data = data[10 + size :]
    return data


def streams(container: str, data: bytes) -> list[bytes]:
    """Splits a file into its streams; most files have one.

    Args:
        container: soundfile's name of the format, such as "FLAC".
        data: the bytes of the file, without tags.
    """
    if container == "OGG":
        starts = _ogg_starts(data)
    else:
        starts = [header.start() for header in _headers(container, data)]
    if starts and starts[0] <= _PADDING:
        starts = starts[1:]
    return [data[start:end] for start, end in pairwise([0, *starts, len(data)])]


def without_length(container: str, stream: bytes) -> bytes:
    """Returns a stream with the length in its header struck out, or as it is if it has none."""
    header = next(_headers(container, stream), None)
    if header is None or header.start() > _PADDING:
        return stream
    unknown = _HEADERS[container].without_length(header[1])
    return stream[: header.start(1)] + unknown + stream[header.end(1) :]


def lacks_its_end(container: str, stream: bytes) -> bool:
    """Returns whether an Ogg stream, which declares no length, is cut off before its last page."""
    if container != "OGG":
        return False
    page = stream.rfind(b"OggS")
    is_last = stream[page + 5 : page + 6] and stream[page + 5] & _OGG_LAST
    return not is_last or page + _page_size(stream, page) > len(stream)


def _headers(container: str, data: bytes) -> Iterator[re.Match[bytes]]:
    if container in _HEADERS:
        yield from _HEADERS[container].pattern.finditer(data)


def _ogg_starts(data: bytes) -> list[int]:
    """Returns where the links of a chain begin. Streams that play together begin page by page."""
    starts, end = [], -1
    for page in _OGG_FIRST_PAGE.finditer(data):
        if page.start() != end:
            starts.append(page.start())
        end = page.start() + _page_size(data, page.start())
    return starts


def _page_size(data: bytes, page: int) -> int:
    count = int.from_bytes(data[page + 26 : page + 27])
    return 27 + count + sum(data[page + 27 : page + 27 + count])
