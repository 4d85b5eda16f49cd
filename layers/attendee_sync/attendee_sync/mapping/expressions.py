"""JMESPath expressions, compiled for speed.

The plain parts of the language (names, indexes, `.`, `||`, literals) become Python closures;
what uses any other part is left to the jmespath library. Both give the same answers.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jmespath

from attendee_sync.mapping import evaluation

_KEPT = 1_024  # expressions of settings, none of which comes from a profile

type Search = Callable[[Any], Any]
type _Node = Mapping[str, Any]

# What evaluating an expression raises where it has no answer. Beside JMESPathError, a ValueError,
# some functions of the library let Python's own errors through, such as a TypeError of
# contains('text', `1`), and those of filters expect a whole profile. It never ends a batch.
UNANSWERED = (
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
)


@functools.lru_cache(maxsize=_KEPT)
def compiled(expression: str) -> Search:
    """Return a function that evaluates an expression on a JSON value.

    Raises jmespath.exceptions.JMESPathError for what is not JMESPath.
    """
    node = jmespath.compile(expression).parsed
    return _closure(node) or functools.partial(evaluation.evaluate, node)


@functools.lru_cache(maxsize=_KEPT)
def lenient(expression: str) -> Search:
    """Return a function that evaluates an expression, and gives None where it can't.

    Functions of the language can meet values that they don't take. Raises
    jmespath.exceptions.JMESPathError for what is not JMESPath.
    """
    node = jmespath.compile(expression).parsed
    plain = _closure(node)  # never raises

    def search(value: Any) -> Any:
        try:
            return evaluation.evaluate(node, value)
        except UNANSWERED:
            return None

    return plain or search


@functools.lru_cache(maxsize=_KEPT)
def explicit_null(expression: str) -> Search:
    """Return a function that tells whether a value says null where the expression looks.

    Raises ValueError for an expression that is not plain: only names, `.` and `||` can tell a
    null from what is absent.
    """
    return _nulls(jmespath.compile(expression).parsed)


def _nulls(node: _Node) -> Search:
    match node["type"]:
        case "field":
            return lambda value: isinstance(value, dict) and value.get(node["value"], 0) is None
        case "or_expression":
            alternatives = [_nulls(child) for child in node["children"]]
            return lambda value: any(is_null(value) for is_null in alternatives)
        case "subexpression":
            *outer, last = node["children"]
            path = [search for search in map(_closure, outer) if search]
            is_null = _nulls(last)
            if len(path) == len(outer):
                return _chain([*path, is_null])
    raise ValueError("only names, . and || can tell a null from what is absent")


def _closure(node: _Node) -> Search | None:
    """Return a node's closure, or None if it or a part of it is not plain."""
    children = node["children"]
    match node["type"]:
        case "subexpression" if _names(node):
            return _path(_names(node))
        case "subexpression" | "index_expression":
            return _combined(_chain, children)
        case "or_expression":
            return _either(_alternatives(node))
        case leaf:
            return _leaf(leaf, node)


def _combined(
    combine: Callable[[Sequence[Search]], Search], nodes: Sequence[_Node]
) -> Search | None:
    plain = [search for search in map(_closure, nodes) if search]
    return combine(plain) if len(plain) == len(nodes) else None


def _alternatives(node: _Node) -> list[_Node]:
    """Return what stands between `||`, however it is nested."""
    if node["type"] != "or_expression":
        return [node]
    return [each for child in node["children"] for each in _alternatives(child)]


def _either(nodes: Sequence[_Node]) -> Search | None:
    paths = [_names(node) for node in nodes]
    return _first_path([each for each in paths if each]) if all(paths) else _combined(_first, nodes)


def _names(node: _Node) -> tuple[str, ...]:
    """Return the names of a path, or nothing if the node is something else."""
    steps = node["children"] if node["type"] == "subexpression" else [node]
    is_path = all(step["type"] == "field" for step in steps)
    return tuple(step["value"] for step in steps) if is_path else ()


def _leaf(kind: str, node: _Node) -> Search | None:
    match kind:
        case "field":
            return _path([node["value"]])
        case "index":
            return _index(node["value"])
        case "literal":
            return lambda _value: node["value"]
        case _:
            return None


def _path(names: Sequence[str]) -> Search:
    if len(names) == 1:
        [only] = names
        return lambda value: value.get(only) if isinstance(value, dict) else None

    def search(value: Any) -> Any:
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return search


def _index(n: int) -> Search:
    def search(value: Any) -> Any:
        if not isinstance(value, list) or not -len(value) <= n < len(value):
            return None
        return value[n]

    return search


def _chain(searches: Sequence[Search]) -> Search:
    def search(value: Any) -> Any:
        for each in searches:
            value = each(value)
        return value

    return search


def _first(searches: Sequence[Search]) -> Search:
    """Return the first value that counts as true, or else the last one.

    In JMESPath 0 counts as true: https://jmespath.org/specification.html#or-expressions
    """

    def search(value: Any) -> Any:
        found = None
        for each in searches:
            found = each(value)
            if found or (found == 0 and found is not False):
                return found
        return found

    return search


def _first_path(paths: Sequence[tuple[str, ...]]) -> Search:
    """Do what _first does for paths, which is what mappings mostly are, without a call for each."""
    steps = [(path[0], path[1:]) for path in paths]

    def search(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        get = value.get
        found = None
        for first, rest in steps:
            found = get(first)
            if found is None:
                continue
            for name in rest:
                if not isinstance(found, dict):
                    found = None
                    break
                found = found.get(name)
            if found or (found == 0 and found is not False):
                return found
        return found

    return search
