"""Reads the YAML of configs: nested keys and plain values, each key once.

Other features of YAML are refused with their line: anchors and aliases, with which a few lines
stand for billions of values, and tags, which make values other than numbers and words. Dates and
merge keys (<<) are words.
"""

from collections.abc import Hashable
from typing import Any

import yaml

from tf_melgan.errors import UserInputError, require, shown

LONGEST_FILE = 1 << 16  # bytes
_LONGEST_VALUE = 200  # characters
_DEEPEST = 8
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "null")}
_REMEDY = "write it as `key: value` lines"


def parse_yaml(content: bytes | str) -> Any:
    """Parses a YAML document.

    Args:
        content: the document; bytes are UTF-8.

    Returns:
        Nested dicts with distinct keys, lists, strings, numbers, booleans and None.

    Raises:
        UserInputError: it is not YAML, or has what configs do not need; the message names the
            line.
    """
    require(
        len(content) <= LONGEST_FILE,
        f"is longer than a config, which has at most {LONGEST_FILE} bytes",
    )
    try:
        text = content if isinstance(content, str) else content.decode()
        return yaml.load(text, _Loader)
    except UnicodeDecodeError:
        raise UserInputError("cannot be read (not UTF-8 text); give a YAML config file") from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, UserInputError):
            raise
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UserInputError(f"not YAML{where}; {_REMEDY}") from None


class _Loader(yaml.SafeLoader):
    """A loader that checks each part of the document before it is built."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own table, for plain values only
        first: [(tag, pattern) for tag, pattern in resolvers if tag in _PLAIN]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str):
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        self._require(
            getattr(event, "anchor", None) is None,
            "anchors and aliases (& and *) are not supported; write the value out",
        )
        self._require(
            getattr(event, "tag", None) is None, "tags (!) are not supported; leave them out"
        )
        self._require(
            len(getattr(event, "value", "")) <= _LONGEST_VALUE,
            f"a value is longer than {_LONGEST_VALUE} characters",
        )
        self._depth += 1
        self._require(
            self._depth <= _DEEPEST, f"values are nested more than {_DEEPEST} levels deep"
        )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys = set()
        for key, _ in node.value:
            self._require(isinstance(key, yaml.ScalarNode), "a key is not a word; " + _REMEDY, key)
            self._require(
                key.value not in keys, f"{shown(key.value)} is given twice; keep one", key
            )
            keys.add(key.value)
        return super().construct_mapping(node, deep)

    def _require(self, holds: bool, message: str, node: Any = None) -> None:
        mark = (node or self.peek_event()).start_mark
        require(holds, f"line {mark.line + 1}: {message}")
