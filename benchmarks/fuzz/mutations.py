"""Seeded damage: to bytes, to plain values as JSON and YAML hold them, and to zip archives."""

import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Headers and directories of files lie at their ends, so half of all positions are there.
_ENDS = 512
_NUMBERS = (0, 1, -1, 127, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**32 - 1, 2**63 - 1)
_ODD: tuple[Any, ...] = (
    *_NUMBERS,
    -(2**31),
    10**9,
    10**30,
    10**400,
    0.0,
    -0.5,
    1e-300,
    1e300,
    float("nan"),
    float("inf"),
    "",
    "x",
    "é\n\u2028\x7f",
    "1e999",
    "9" * 5000,
    "long " * 5000,
    None,
    True,
    False,
    [],
    {},
    [[]],
    [1] * 3000,
    [None, "a", 2.5],
    {"type": ["a"]},
    {"": {}},
)


def damaged(data: bytes, other: bytes, draw: random.Random) -> bytes:
    """Returns `data` with one to four faults.

    Args:
        data: a file.
        other: another file, to splice parts of it in.
        draw: where all choices come from.
    """
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        draw.choice(_FAULTS)(changed, other, draw)
    return bytes(changed)


def _position(data: bytearray, draw: random.Random) -> int:
    near = draw.randrange(_ENDS)
    place = draw.choice((near, len(data) - 1 - near, *2 * (draw.randrange(len(data) + 1),)))
    return min(max(place, 0), len(data))


def _flip(data: bytearray, other: bytes, draw: random.Random) -> None:
    if data:
        place = min(_position(data, draw), len(data) - 1)
        data[place] ^= 1 << draw.randrange(8)


def _number(data: bytearray, other: bytes, draw: random.Random) -> None:
    size, place = draw.choice((1, 2, 4, 8)), _position(data, draw)
    number = draw.choice((*_NUMBERS, draw.getrandbits(64))) % 256**size
    data[place : place + size] = number.to_bytes(size, "little")


def _cut(data: bytearray, other: bytes, draw: random.Random) -> None:
    del data[_position(data, draw) :]


def _remove(data: bytearray, other: bytes, draw: random.Random) -> None:
    place = _position(data, draw)
    del data[place : place + draw.choice((1, 4, 64, 1024))]


def _insert(data: bytearray, other: bytes, draw: random.Random) -> None:
    place = _position(data, draw)
    data[place:place] = draw.randbytes(draw.choice((1, 4, 64, 1024)))


def _repeat(data: bytearray, other: bytes, draw: random.Random) -> None:
    place, size = _position(data, draw), draw.choice((1, 8, 256, 4096))
    data[place:place] = data[place : place + size]


def _splice(data: bytearray, other: bytes, draw: random.Random) -> None:
    place, size = _position(data, draw), draw.choice((4, 64, 1024))
    start = draw.randrange(len(other) + 1)
    data[place : place + size] = other[start : start + size]


def _zero(data: bytearray, other: bytes, draw: random.Random) -> None:
    place, size = _position(data, draw), draw.choice((4, 64, 1024))
    data[place : place + size] = bytes(len(data[place : place + size]))


_FAULTS: tuple[Callable[[bytearray, bytes, random.Random], None], ...] = (
    _flip,
    _flip,
    _number,
    _number,
    _cut,
    _remove,
    _insert,
    _repeat,
    _splice,
    _zero,
)


def odd_values(value: Any, draw: random.Random) -> Any:
    """Returns nested dicts and lists with one value replaced, removed, renamed or moved."""
    if not isinstance(value, dict) or not value or draw.random() < 0.05:
        return draw.choice(_ODD)
    changed, key = dict(value), draw.choice(list(value))
    if isinstance(value[key], dict) and draw.random() < 0.8:
        changed[key] = odd_values(value[key], draw)
        return changed
    kind = draw.choice(("odd", "odd", "odd", "scale", "remove", "rename", "move"))
    if kind == "odd":
        changed[key] = draw.choice(_ODD)
    elif kind == "scale":
        changed[key] = _scaled(value[key], draw)
    elif kind == "move":
        changed[key] = value[draw.choice(list(value))]
    else:
        del changed[key]
    if kind == "rename":
        changed[draw.choice((key + "s", key[:-1], "", "__class__", "né\n"))] = value[key]
    return changed


def _scaled(value: Any, draw: random.Random) -> Any:
    factor = draw.choice((-1, 2, 3, 16, 1000, 10**6, 10**9, 0.5))
    if isinstance(value, (list, tuple)):
        return [_scaled(item, draw) for item in value] * draw.choice((1, 1, 2, 20))
    if isinstance(value, str):
        return value * draw.choice((2, 1000))
    return value * factor if isinstance(value, (int, float)) else value


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Copies a zip archive, with its entries changed and the checksums of the new ones.

    Args:
        source: the archive.
        target: the archive to write.
        change: changes the entries, bytes by name, in place.
    """
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
