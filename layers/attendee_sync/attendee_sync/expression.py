"""JMESPath expressions, compiled for speed.

The plain parts of the language (names, indexes, `.`, `||`, literals) become Python closures;
what uses any other part is left to the jmespath library. Both give the same answers.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jmespath

type Search = Callable[[Any], Any]
type _Node = Mapping[str, Any]


@functools.cache
def compiled(expression: str) -> Search:
    """Return a function that evaluates an expression on a JSON value.

    Raises jmespath.exceptions.JMESPathError for what is not JMESPath.
    """
    parsed = jmespath.compile(expression)
    return _closure(parsed.parsed) or parsed.search


def _closure(node: _Node) -> Search | None:
    """Return a node's closure, or None if it or a part of it is not plain."""
    children = [_closure(child) for child in node["children"]]
    plain = [child for child in children if child]
    if len(plain) < len(children):
        return None
    match node["type"]:
        case "subexpression" | "index_expression":
            return functools.reduce(_chain, plain)
        case "or_expression":
            return _either(*plain)
        case leaf:
            return _leaf(leaf, node)


def _leaf(kind: str, node: _Node) -> Search | None:
    match kind:
        case "field":
            return _field(node["value"])
        case "index":
            return _index(node["value"])
        case "literal":
            return lambda _value: node["value"]
        case _:
            return None


def _field(name: str) -> Search:
    return lambda value: value.get(name) if isinstance(value, dict) else None


def _index(n: int) -> Search:
    def search(value: Any) -> Any:
        if not isinstance(value, list) or not -len(value) <= n < len(value):
            return None
        return value[n]

    return search


def _chain(outer: Search, inner: Search) -> Search:
    return lambda value: inner(outer(value))


def _either(first: Search, second: Search) -> Search:
    def search(value: Any) -> Any:
        found = first(value)
        return second(value) if _is_false(found) else found

    return search


def _is_false(value: Any) -> bool:
    """Tell what counts as false: https://jmespath.org/specification.html#or-expressions."""
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)
