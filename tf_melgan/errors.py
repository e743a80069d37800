"""The exception for errors that a user can fix; the command line prints it and exits with 2."""

import difflib
import reprlib
from collections.abc import Sequence

_LONGEST_KEY, _LONGEST_REASON = 60, 200


class UserInputError(ValueError):
    """Wrong input. The message is one line: which file or key, what is wrong, what is right."""


class SoundWarning(UserWarning):
    """A recording is damaged or ends early; what can be decoded is used."""


class MelWarning(UserWarning):
    """A mel is read in another shape than it has, or is hardly what it claims to be."""


class UnwritableError(UserInputError):
    """A file cannot be written where it should be: the disk is full, or a folder is read-only."""


def require(holds: bool, message: str) -> None:
    """Raises `UserInputError` with `message` unless `holds`."""
    if not holds:
        raise UserInputError(message)


def require_choice(key: str, value: object, known: tuple[str, ...]) -> None:
    """Raises `UserInputError` unless `value` is one of `known`."""
    require(value in known, f"{key} is {shown(value)}; choose one of {', '.join(known)}")


def require_range(key: str, value: float, low: float, high: float) -> None:
    """Raises `UserInputError` unless `value` is in the range from `low` to `high`."""
    require(value >= low, f"{key} is {shown(value)}; it must be at least {low}")
    require(value <= high, f"{key} is {shown(value)}; it must be at most {high}")


def shown(value: object) -> str:
    """How an error message shows `value`: on one line, the middle of a long one left out."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python does not write whole numbers of thousands of digits.
        return "a number of thousands of digits"


def first_line(error: Exception) -> str:
    """What an error that another library raised says first, or else its name."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return (line if line.isprintable() else ascii(line))[:_LONGEST_REASON]


def shown_key(key: object) -> str:
    """How an error message shows the key of a table: a word as it is, and else as `shown`."""
    plain = isinstance(key, str) and key.isidentifier() and len(key) <= _LONGEST_KEY
    return str(key) if plain else shown(key)


def suggest(name: object, known: Sequence[str], prefix: str = "") -> str:
    """What a user may have meant by `name`: the nearest of the `known` names, or all of them."""
    word = str(name)
    near = difflib.get_close_matches(word, known, 1) or [x for x in known if word and word in x]
    return f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(known)}"
