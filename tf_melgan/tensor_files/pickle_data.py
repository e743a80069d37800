"""Reads the data of a pickle. Nothing is imported, called or built: names stay names.

A pickle is a program for a stack machine. This machine knows the steps that make plain values, and
gives a name that the program calls to `call`, which knows or refuses it.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LONGEST_NUMBER = 1 << 10  # bits
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT, _GET = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}


@dataclass(frozen=True)
class Name:
    """A class or function that the pickle names, such as torch.FloatStorage."""

    name: str


@dataclass(eq=False)
class Stateful:
    """A value that a later step gives its state, such as an array of NumPy."""

    state: Any = None


class UnknownName(ValueError):
    """The pickle uses a name that is neither a tensor nor plain data."""


Call = Callable[[Name, tuple], Any]
Reference = Callable[[Any], Any]


def read_pickle(file: Any, call: Call, reference: Reference) -> Any:
    """Reads the next pickle of a file.

    Args:
        file: binary file, read from its position to the end of the pickle.
        call: (name, arguments) → the value that a call stands for.
        reference: what is stored outside the pickle → the value that it stands for.

    Returns:
        The value: dicts, lists, tuples, numbers, strings, `Name`s, and what `call` and `reference`
        return.

    Raises:
        UnknownName: from `call`, or for an object of a class.
        ValueError: it is no pickle, is damaged, or has a step that plain data does not need.
    """
    machine = _Machine(call, reference)
    try:
        for opcode, argument, _ in pickletools.genops(file):
            machine.step(opcode.name, argument)
    except UnknownName:
        raise
    # Steps in the wrong order meet many of Python's errors.
    except Exception as error:
        raise ValueError(f"a pickle that is damaged ({type(error).__name__})") from None
    return machine.result


class _Machine:
    def __init__(self, call: Call, reference: Reference):
        self._call, self._reference = call, reference
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self.result: Any = None

    def step(self, name: str, argument: Any) -> None:
        stack, pop = self._stack, self._stack.pop
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _VALUES:
            if isinstance(argument, int) and argument.bit_length() > _LONGEST_NUMBER:
                raise ValueError("a number of thousands of digits")
            stack.append(argument)
        elif name in _PUT or name == "MEMOIZE":
            self._memo[len(self._memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in _GET:
            stack.append(self._memo[argument])
        elif name == "MARK":
            self._marks.append(len(stack))
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET"):
            stack.append({} if name == "EMPTY_DICT" else [])
        elif name in _TUPLES:
            items = [pop() for _ in range(_TUPLES[name])]
            stack.append(tuple(reversed(items)))
        elif name in ("TUPLE", "LIST", "FROZENSET"):
            items = self._pop_marked()
            stack.append(items if name == "LIST" else tuple(items))
        elif name == "DICT":
            stack.append(_pairs(self._pop_marked()))
        elif name in ("APPENDS", "ADDITEMS"):
            items = self._pop_marked()
            _typed(stack[-1], list).extend(items)
        elif name == "APPEND":
            item = pop()
            _typed(stack[-1], list).append(item)
        elif name == "SETITEMS":
            pairs = _pairs(self._pop_marked())
            _typed(stack[-1], dict).update(pairs)
        elif name == "SETITEM":
            value, key = pop(), pop()
            _typed(stack[-1], dict)[key] = value
        elif name == "GLOBAL":
            stack.append(Name(argument.replace(" ", ".", 1)))
        elif name == "STACK_GLOBAL":
            attribute, module = _typed(pop(), str), _typed(pop(), str)
            stack.append(Name(f"{module}.{attribute}"))
        elif name == "REDUCE":
            arguments, function = _typed(pop(), tuple), _typed(pop(), Name)
            stack.append(self._call(function, arguments))
        elif name == "BUILD":
            state = pop()
            if isinstance(stack[-1], Stateful):
                stack[-1].state = state
            else:
                # Attributes of a dict, such as the versions of layers that torch keeps.
                _typed(stack[-1], dict)
        elif name == "BINPERSID":
            stack.append(self._reference(pop()))
        elif name in ("NEWOBJ", "NEWOBJ_EX"):
            names = [item for item in stack if isinstance(item, Name)]
            raise UnknownName(names[-1].name)
        elif name in ("INST", "OBJ"):
            raise UnknownName(str(argument or "an object").replace(" ", ".", 1))
        elif name == "STOP":
            self.result = pop()
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"the step {name}")

    def _pop_marked(self) -> list[Any]:
        """Takes the values since the last mark off the stack."""
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _typed(value: Any, wanted: type) -> Any:
    if not isinstance(value, wanted):
        raise ValueError(f"{type(value).__name__} in place of {wanted.__name__}")
    return value
