"""Damages files at random."""

import random
from collections.abc import Callable


def damaged(data: bytes, choose: random.Random) -> bytes:
    """Bits flipped, bytes removed, repeated, replaced or cut off, at random."""
    start = choose.randrange(len(data))
    end = min(len(data), start + choose.choice([1, 2, 10, 1000]))
    replacement: Callable[[], bytes] = choose.choice(
        [
            lambda: bytes([data[start] ^ 1 << choose.randrange(8)]) + data[start + 1 : end],
            lambda: b"",
            lambda: data[start:end] * 2,
            lambda: choose.randbytes(end - start),
            lambda: bytes(choose.choice(b'0123456789"{}[]:,-e. ') for _ in range(end - start)),
        ]
    )
    return data[:start] + replacement() + (data[end:] if choose.random() < 0.8 else b"")
