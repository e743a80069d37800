"""Converts plain dicts, as read from YAML, to dataclasses and back."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast, get_args, get_origin, get_type_hints

from tf_melgan.errors import UserInputError, require, require_choice, shown, shown_key, suggest
from tf_melgan.models.registry import DISCRIMINATORS, GENERATORS
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig

_TYPES: dict[type, Mapping[str, type]] = {
    GeneratorConfig: GENERATORS,
    DiscriminatorConfig: DISCRIMINATORS,
}
_EXPECTED = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
_LONGEST_LIST = 32


def plain(value: Any) -> Any:
    """Converts nested dicts and tuples to dicts and lists, for YAML and JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def build(section: type, values: Any, prefix: str = "") -> Any:
    """Builds a dataclass from plain values and converts each to the type of its field.

    Args:
        section: the dataclass.
        values: a dict of plain values.
        prefix: the dotted key of the section with a dot at its end, for error messages.

    Raises:
        UserInputError: a key is unknown or a value has the wrong type; the message names the
            dotted key.
    """
    if not isinstance(values, dict):
        raise UserInputError(
            f"{prefix.rstrip('.') or 'the file'} is not a table of keys and values"
        )
    hints = get_type_hints(section)
    names = [item.name for item in fields(section)]
    for key in values:
        if key not in names:
            raise UserInputError(
                f"{prefix}{shown_key(key)} is not a known key; {suggest(key, names, prefix)}"
            )
    return section(**{key: _cast(hints[key], value, prefix + key) for key, value in values.items()})


def _cast(hint: Any, value: Any, key: str) -> Any:
    if hint in _TYPES:
        hint = _section_type(hint, value, key)
    if is_dataclass(hint):
        return build(cast(type, hint), value, key + ".")
    if get_origin(hint) is Mapping:
        if not isinstance(value, Mapping):
            raise UserInputError(f"{key} is not a table of keys and values")
        item_hint = get_args(hint)[1]
        return {
            name: _cast(item_hint, item, f"{key}.{shown_key(name)}") for name, item in value.items()
        }
    if get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise UserInputError(f"{key} is {shown(value)}; give a list")
        require(
            len(value) <= _LONGEST_LIST,
            f"{key} has {len(value)} values; give at most {_LONGEST_LIST}",
        )
        return tuple(_cast(get_args(hint)[0], item, key) for item in value)
    if hint is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        return _number(value, key)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        expected = _EXPECTED[hint]
        raise UserInputError(f"{key} is {shown(value)}; give {expected}")
    return value


def _number(value: float | str, key: str) -> float:
    try:
        # YAML 1.1 reads 1e-4, which has no dot, as a string.
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    require(math.isfinite(number), f"{key} is {shown(value)}; give a number")
    return number


def _section_type(base: type, values: Any, key: str) -> type:
    """Returns the dataclass for a section's `type`; the default is the first registered one."""
    known = _TYPES[base]
    default = next(iter(known))
    name = values.get("type", default) if isinstance(values, dict) else default
    require_choice(f"{key}.type", name, tuple(known))
    return known[name]
