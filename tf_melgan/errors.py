"""The exception for errors that a user can fix; the command line prints it and exits with 2."""

import difflib
from collections.abc import Sequence


class UserInputError(ValueError):
    """Wrong input. The message is one line: which file or key, what is wrong, what is right."""


class UnwritableError(UserInputError):
    """A file cannot be written where it should be: the disk is full, or a folder is read-only."""


def require(holds: bool, message: str) -> None:
    """Raises `UserInputError` with `message` unless `holds`."""
    if not holds:
        raise UserInputError(message)


def require_choice(key: str, value: object, known: tuple[str, ...]) -> None:
    """Raises `UserInputError` unless `value` is one of `known`."""
    require(value in known, f"{key} is {value!r}; choose one of {', '.join(known)}")


def suggest(name: object, known: Sequence[str], prefix: str = "") -> str:
    """What a user may have meant by `name`: the nearest of the `known` names, or all of them."""
    word = str(name)
    near = difflib.get_close_matches(word, known, 1) or [x for x in known if word and word in x]
    return f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(known)}"
