"""The exception for errors that a user can fix; the command line prints it and exits with 2."""


class UserInputError(ValueError):
    """Wrong input. The message is one line: which file or key, what is wrong, what is right."""


def require(holds: bool, message: str) -> None:
    """Raises `UserInputError` with `message` unless `holds`."""
    if not holds:
        raise UserInputError(message)


def require_choice(key: str, value: object, known: tuple[str, ...]) -> None:
    """Raises `UserInputError` unless `value` is one of `known`."""
    require(value in known, f"{key} is {value!r}; choose one of {', '.join(known)}")
