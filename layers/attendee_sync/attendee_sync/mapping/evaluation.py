"""Evaluating JMESPath within bounds: an operator's expression meets whatever a sender pushes.

The library has none: `[@, @] | [@, @] | ...` doubles what it holds with each step. Before an
expression is stored its copies are counted (check_growth); while it runs its steps and the texts
that it makes are.
"""

import math
from collections.abc import Mapping
from typing import Any

from jmespath import functions, visitor

from attendee_sync.mapping import full_names

MAX_COPIES = 100  # of a profile, or of any part of it, that an expression may make
MAX_STEPS = 500_000  # parts of an expression that are evaluated on one profile
MAX_TEXT = 1_000_000  # characters that join and to_string may make, about as many as a profile has

type Node = Mapping[str, Any]


class TooCostlyError(ValueError):
    """An expression takes more than its bounds. The text holds no value."""


class Functions(functions.Functions):
    """JMESPath's functions; those that make a text from many make none that is too long.

    Beside them: first_word(@) and rest(@), which take a name apart.
    """

    @functions.signature({"types": ["string", "null"]})
    def _func_first_word(self, text: str | None) -> str | None:
        return full_names.first_word(text) if text else None

    @functions.signature({"types": ["string", "null"]})
    def _func_rest(self, text: str | None) -> str | None:
        return full_names.rest(text) if text else None

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> str:
        if sum(map(len, array)) + len(separator) * len(array) > MAX_TEXT:
            raise TooCostlyError("join")
        return separator.join(array)

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> Any:
        if not isinstance(value, str) and _is_larger(value, MAX_TEXT):
            raise TooCostlyError("to_string")
        return super()._func_to_string(value)  # type: ignore[misc]


class _Interpreter(visitor.TreeInterpreter):
    """Evaluates one expression on one value, in so many steps at most."""

    def __init__(self, options: visitor.Options) -> None:
        super().__init__(options)
        self._left = MAX_STEPS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooCostlyError("steps")
        return super().visit(node, *args, **kwargs)


_FUNCTIONS = Functions()


def evaluate(node: Node, value: Any, known: Functions = _FUNCTIONS) -> Any:
    """Return what a parsed expression gives for a JSON value.

    Raises TooCostlyError, and whatever else evaluating raises: see expressions.UNANSWERED.
    """
    return _Interpreter(visitor.Options(custom_functions=known)).visit(node, value)


def check_growth(node: Node) -> None:
    """Raise ValueError if an expression can make more than 100 copies of a profile or a part."""
    if _copies(node) > MAX_COPIES:
        raise ValueError(
            f"an expression may make {MAX_COPIES} copies of a profile at most; lists and objects"
            " in brackets that are piped into another multiply"
        )


def _copies(node: Node) -> int:
    """Return how often the value, or a part of it, may stand in what a node gives.

    What is applied to the result of another multiplies; what stands side by side adds up.
    """
    match node["type"]:
        case "literal" | "slice":
            return 1
        case "subexpression" | "index_expression" | "pipe" | "flatten":
            return math.prod(map(_copies, node["children"]))
        case "projection" | "value_projection" | "filter_projection":
            return math.prod(map(_copies, node["children"]))
        case "function_expression":
            by = [each for each in node["children"] if each["type"] == "expref"]
            given = [each for each in node["children"] if each["type"] != "expref"]
            return max(1, sum(map(_copies, given))) * math.prod(map(_copies, by))
    return max(1, sum(map(_copies, node["children"])))


def _is_larger(value: Any, limit: int) -> bool:
    """Tell whether a value's texts and parts are more than that; parts count as often as used."""
    pending, size = [value], 0
    while pending and size <= limit:
        each = pending.pop()
        size += len(each) + 1 if isinstance(each, str | list | dict) else 1
        if isinstance(each, dict):
            pending += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            pending += each
    return size > limit
