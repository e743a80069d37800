"""How a table of bad input is checked: each act gives one line, no more and no other."""

import re
from collections.abc import Callable

import pytest

from tf_melgan.errors import UserInputError


def says(act: Callable[[], object], line: str) -> None:
    """`act` raises `UserInputError` with `line`, where {…} stands for any text."""
    with pytest.raises(UserInputError) as caught:
        act()
    pattern = re.escape(line).replace(re.escape("{…}"), r"[^;\n]+")
    assert re.fullmatch(pattern, str(caught.value)), str(caught.value)
