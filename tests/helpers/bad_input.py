"""Checks the one-line error that bad input gives."""

import re
from collections.abc import Callable

import pytest

from tf_melgan.errors import UserInputError


def assert_user_error(call: Callable[[], object], line: str) -> None:
    """Asserts that `call` raises `UserInputError` with `line`, where {…} stands for any text."""
    with pytest.raises(UserInputError) as caught:
        call()
    pattern = re.escape(line).replace(re.escape("{…}"), r"[^;\n]+")
    assert re.fullmatch(pattern, str(caught.value)), str(caught.value)
