"""The `.onnx` file format of a voice, read without the package onnx.

The file is an ONNX model with the voice's facts in its `metadata_props`, which ONNX tools show:

    context          frames on each side that a sample may depend on
    voice.json       the metadata of every voice: `VoiceInfo`
    mel_spec         the mel convention, JSON
    sample_rate      samples per second
    hop              samples per frame of the mel
    licence          the licence of the weights

All but the first stand behind the rest of the file, whose size and checksum `voice.json` states.

A model has one of two forms. All tensors are float32 but `last`, which is bool.

    utterance   mel (1, frames, n_mels) → audio (1, frames · hop); frames ≥ 1
    stream      mel (1, frames, n_mels), state (numbers,), last () → audio (1, samples), next_state;
                an empty state begins a stream, with at least `start_frames` frames, and `last`
                ends it; samples = frames · hop, fewer by `lookahead` in the call that begins and
                more by `lookahead` in the call that ends a stream
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tf_melgan.errors import UserInputError
from tf_melgan.files import atomic_file
from tf_melgan.voices.voice_file import ENTRY, VoiceInfo

CONTEXT = "context"
UTTERANCE, STREAM = ("mel",), ("mel", "state", "last")
"""The names of the inputs of the two forms."""
_MOST_CONTEXT = 1 << 16
# Tags of protocol buffers: 8 times the number of the field, plus 2 for bytes with their length.
_METADATA_TAG, _KEY_TAG, _VALUE_TAG, _LENGTH_TYPE, _NUMBER_TYPE = 14 * 8 + 2, 10, 18, 2, 0


def write(path: str | Path, model: bytes, info: VoiceInfo) -> VoiceInfo:
    """Writes a voice's file atomically.

    Args:
        path: the `.onnx` file to write.
        model: the ONNX model, with `CONTEXT` in its metadata.
        info: the metadata; `sha256` and `size` are computed here.

    Returns:
        The metadata with `sha256` and `size`.

    Raises:
        UserInputError: the file cannot be written.
    """
    info = replace(info, sha256=hashlib.sha256(model).hexdigest(), size=len(model))
    with atomic_file(path) as temporary:
        temporary.write_bytes(model + _facts(info))
    return info


def _facts(info: VoiceInfo) -> bytes:
    """The metadata behind the model."""
    properties = {
        ENTRY: info.to_json(),
        "mel_spec": json.dumps(info.mel.to_dict()),
        "sample_rate": str(info.mel.sample_rate),
        "hop": str(info.mel.hop),
        "licence": info.licence,
    }
    return b"".join(
        _field(_METADATA_TAG, _field(_KEY_TAG, key.encode()) + _field(_VALUE_TAG, value.encode()))
        for key, value in properties.items()
    )


def read(path: str | Path) -> tuple[bytes, VoiceInfo, int]:
    """Reads a voice's file and verifies all of its bytes.

    Args:
        path: the `.onnx` file.

    Returns:
        The bytes of the file, the metadata, and the frames of context.

    Raises:
        UserInputError: the file is not a voice, is truncated, or was changed.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        properties = dict(_properties(content))
        info = VoiceInfo.from_json(properties[ENTRY])
        context = int(properties[CONTEXT])
        if not 0 <= context <= _MOST_CONTEXT:
            raise ValueError("context")
    except (OSError, ValueError, KeyError, IndexError):
        raise UserInputError(
            f"{path}: is not a tf-melgan voice, or is damaged; write it with tf-melgan export"
        ) from None
    model = content[: info.size]
    if hashlib.sha256(model).hexdigest() != info.sha256 or content != model + _facts(info):
        raise UserInputError(f"{path}: its checksum is wrong; copy or export it again")
    return content, info, context


def _properties(content: bytes) -> Iterator[tuple[str, str]]:
    for tag, value in _fields(content):
        if tag == _METADATA_TAG:
            entry = dict(_fields(value))
            yield entry[_KEY_TAG].decode(), entry[_VALUE_TAG].decode()


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields tag and content of the fields of a message that are bytes or whole numbers."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, position = _varint(message, position)
        if tag % 8 == _NUMBER_TYPE:
            continue
        if tag % 8 != _LENGTH_TYPE or position + number > len(message):
            raise ValueError("no message")
        yield tag, message[position : position + number]
        position += number


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """The whole number at a position, seven bits a byte, and the position after it."""
    number = shift = 0
    while True:
        byte = message[position]
        number |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return number, position


def _field(tag: int, value: bytes) -> bytes:
    length, digits = len(value), bytearray()
    while length > 127:
        digits.append(length & 127 | 128)
        length >>= 7
    return bytes([tag, *digits, length]) + value
