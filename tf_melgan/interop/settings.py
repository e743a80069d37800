"""The config of another project: its values by dotted key, each read or refused by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tf_melgan.config.strict_yaml import LONGEST_FILE, parse_yaml
from tf_melgan.errors import UserInputError, require, shown
from tf_melgan.strict_json import parse_json

_MISSING = object()
_DOCUMENT = re.compile(r"^---.*$", re.MULTILINE)


class Settings:
    """The values of a config.

    Args:
        values: nested dicts of plain values.
        source: the file, for error messages.
    """

    def __init__(self, values: dict[str, Any], source: str):
        self._values, self.source = values, source

    def get(self, key: str, default: Any = _MISSING) -> Any:
        """The value of a dotted key; `default` where the config leaves it out.

        Raises:
            UserInputError: the config leaves it out, and there is no default.
        """
        value: Any = self._values
        for part in key.split("."):
            value = value.get(part, _MISSING) if isinstance(value, dict) else _MISSING
        if value is not _MISSING:
            return value
        if default is _MISSING:
            raise UserInputError(f"{self.source}: has no {key}; give the config of this checkpoint")
        return default

    def part(self, key: str) -> Settings:
        """The table of a dotted key.

        Raises:
            UserInputError: there is no such table.
        """
        value = self.get(key)
        require(isinstance(value, dict), f"{self.source}: {key} is no table of keys and values")
        return Settings(value, f"{self.source}: {key}")

    def filled(self, defaults: dict[str, Any]) -> Settings:
        """The config with values for keys that it leaves out."""
        return Settings({**defaults, **self._values}, self.source)

    def number(self, key: str, default: Any = _MISSING) -> Any:
        """The number of a dotted key; a whole one is an int.

        Raises:
            UserInputError: it is no number, or is left out without a default.
        """
        value = self.get(key, default)
        valid = isinstance(value, int | float) and not isinstance(value, bool)
        require(valid, f"{self.source}: {key} is {shown(value)}; it must be a number")
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def expect(self, key: str, *known: Any) -> None:
        """Checks that a dotted key, if it is there, has one of the values that can be imported.

        Raises:
            UserInputError: it has another one.
        """
        value = self.get(key, known[0])
        require(
            value in known,
            f"{self.source}: {key} is {shown(value)}; a voice can be imported with "
            f"{' or '.join(shown(item) for item in known)} alone",
        )


def read_settings(path: Path) -> Settings:
    """Reads a config in JSON or YAML.

    Raises:
        UserInputError: it cannot be read, is neither, or is no table.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise UserInputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        values = parse_json(content) if path.suffix == ".json" else parse_documents(content)
    except ValueError as error:
        raise UserInputError(f"{path}: {error}") from None
    require(isinstance(values, dict), f"{path}: is no table of keys and values")
    return Settings(values, str(path))


def parse_documents(content: bytes | str) -> Any:
    """Parses YAML of one document, or of several whose tables are one.

    Raises:
        UserInputError: it is not YAML.
    """
    text = content if isinstance(content, str) else content.decode(errors="replace")
    values: dict[str, Any] = {}
    for document in _DOCUMENT.split(text):
        table = parse_yaml(document)
        if table is not None and not isinstance(table, dict):
            return table
        values |= table or {}
    return values
