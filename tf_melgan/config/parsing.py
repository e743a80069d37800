"""Plain dicts, as YAML gives them, to checked dataclasses and back."""

import difflib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from tf_melgan.errors import UserInputError
from tf_melgan.models.registry import DISCRIMINATORS, GENERATORS
from tf_melgan.models.sections import DiscriminatorConfig, GeneratorConfig

_TYPES: dict[type, Mapping[str, type]] = {
    GeneratorConfig: GENERATORS,
    DiscriminatorConfig: DISCRIMINATORS,
}


def plain(value: Any) -> Any:
    """A dataclass's dict with lists for tuples, as YAML and JSON hold it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def build(section: type, values: Any, prefix: str = "") -> Any:
    """A dataclass from plain values, each of the type that its field has.

    Raises:
        UserInputError: an unknown key or a value of a wrong type, named by its dotted key.
    """
    if not isinstance(values, dict):
        raise UserInputError(
            f"{prefix.rstrip('.') or 'the file'} is not a table of keys and values"
        )
    hints = get_type_hints(section)
    names = [item.name for item in fields(section)]
    for key in values:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(names)}"
            raise UserInputError(f"{prefix}{key} is not a known key; {hint}")
    return section(**{key: _cast(hints[key], value, prefix + key) for key, value in values.items()})


def _cast(hint: Any, value: Any, key: str) -> Any:
    if hint in _TYPES:
        hint = _section_type(hint, value, key)
    if is_dataclass(hint):
        return build(hint, value, key + ".")
    if get_origin(hint) is Mapping:
        if not isinstance(value, Mapping):
            raise UserInputError(f"{key} is not a table of keys and values")
        item_hint = get_args(hint)[1]
        return {name: _cast(item_hint, item, f"{key}.{name}") for name, item in value.items()}
    if get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise UserInputError(f"{key} is {value!r}; give a list")
        return tuple(_cast(get_args(hint)[0], item, key) for item in value)
    if hint is float and isinstance(value, str):
        # YAML 1.1 reads 1e-4, without a dot, as text.
        try:
            value = float(value)
        except ValueError:
            raise UserInputError(f"{key} is {value!r}; give a number") from None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        wanted = {int: "a whole number", float: "a number", str: "a word"}[hint]
        raise UserInputError(f"{key} is {value!r}; give {wanted}")
    return value


def _section_type(base: type, values: Any, key: str) -> type:
    """The dataclass that a section's `type` names; by default the first registered one."""
    known = _TYPES[base]
    default = next(iter(known))
    name = values.get("type", default) if isinstance(values, dict) else default
    if name not in known:
        raise UserInputError(f"{key}.type is {name!r}; choose one of {', '.join(known)}")
    return known[name]
