"""Reads JSON in which every key appears once and every number is finite."""

import json
import math
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Parses JSON.

    Args:
        text: the JSON; bytes are UTF-8.

    Returns:
        The value.

    Raises:
        ValueError: the text is not JSON, has a key twice, a number that is not finite, or is
            nested too deeply.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite
        )
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("has a key twice")
    return values


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"has the number {text}, which is not finite")
    return number
