"""Function calls in JMESPath expressions that can never be evaluated, found beforehand.

Of each part of an expression it is inferred what types its value can have, whatever is pushed:
`is_member('59bd')` can't have its two arguments, nor can `length(a == b)` have a text or a list.
https://jmespath.org/specification.html#built-in-functions
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jmespath
from jmespath.functions import Functions

from attendee_sync.mapping import evaluation
from attendee_sync.mapping.evaluation import Node

type Types = frozenset[str]

ANY: Types = frozenset({"array", "boolean", "null", "number", "object", "string"})
PROFILE: Types = frozenset({"object"})
_NULL: Types = frozenset({"null"})
_LIKENESS = 0.75  # of two names of functions
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
# What functions give; those that are not here can give anything.
_GIVEN: Mapping[str, Types] = {
    name: frozenset(types.split())
    for names, types in {
        "abs ceil floor length sum": "number",
        "avg to_number": "number null",
        "contains starts_with ends_with is_member consents has_opted_out": "boolean",
        "join to_string type": "string",
        "first_word rest": "string null",
        "keys values map sort sort_by to_array": "array",
        "max min": "number string null",
        "merge": "object",
        "reverse": "array string",
    }.items()
    for name in names.split()
}


def check(expression: str, known: type[Functions] = evaluation.Functions) -> None:
    """Raise ValueError if an expression calls what does not exist, or as it never can be called.

    Its text says what is expected, with the positions of functions that do not exist.
    """
    calls = [each for each in walk(expression) if each[0]["type"] == "function_expression"]
    called = {node["value"] for node, _ in calls}
    unknown = sorted(called - known.FUNCTION_TABLE.keys(), key=expression.find)
    if unknown:
        places = ", ".join(_place(name, expression, known) for name in unknown)
        raise ValueError(f"a function of JMESPath is expected; there is no {places}: {expression}")
    for node, current in calls:
        if _is_amiss(node, current, takes(node["value"], known)):
            raise ValueError(_expected(node, takes(node["value"], known)))


def _place(name: str, expression: str, known: type[Functions]) -> str:
    alike = difflib.get_close_matches(name.lower(), known.FUNCTION_TABLE, 1, _LIKENESS)
    meant = f" ({alike[0]}?)" if alike else ""
    return f"{name} at position {expression.find(name)}{meant}"


def walk(expression: str) -> Iterator[tuple[Node, Types]]:
    """Yield every node of an expression with the types that `@` can have there."""
    pending: list[tuple[Node, Types]] = [(jmespath.compile(expression).parsed, PROFILE)]
    while pending:
        node, current = pending.pop()
        yield node, current
        pending += _children(node, current)


def names_in(expression: str) -> set[str]:
    """Return the names that an expression looks for."""
    return {node["value"] for node, _ in walk(expression) if node["type"] == "field"}


def takes(function: str, known: type[Functions] = evaluation.Functions) -> Sequence[Any]:
    """Return the signature of a function: of each argument the `types` that it may have."""
    signature: Sequence[Any] = known.FUNCTION_TABLE[function]["signature"]
    return signature


def types_of(node: Node, current: Types) -> Types:
    """Return the types that the value of a node can have, where `@` has one of `current`."""
    kind, children = node["type"], node["children"]
    if kind in _CHAINS:
        for child in children:
            current = types_of(child, current)
        return current
    if kind in ("and_expression", "or_expression"):
        left, right = (types_of(child, current) for child in children)
        return (left - _NULL if kind == "or_expression" else left) | right
    if kind == "function_expression":
        return _given(node, current)
    if kind in _LOOKED_FOR_IN:
        return ANY if _LOOKED_FOR_IN[kind] in current else _NULL
    return _MADE.get(kind) or _leaf(node, current)


def _given(call: Node, current: Types) -> Types:
    """Return the types of what a function gives."""
    if call["value"] != "not_null":
        return _GIVEN.get(call["value"], ANY)
    given = [types_of(child, current) for child in call["children"]]
    found: Types = frozenset().union(*given)
    return found if all("null" in each for each in given) else found - _NULL


def _leaf(node: Node, current: Types) -> Types:
    match node["type"]:
        case "literal":
            return frozenset({_type(node["value"])})
        case "current" | "identity":
            return current
        case "comparator":
            is_equality = node["value"] in ("eq", "ne")
            return frozenset({"boolean"}) if is_equality else frozenset({"boolean", "null"})
    return ANY


# What each part of these is applied to is what the one before it gives.
_CHAINS = ("subexpression", "index_expression", "pipe")
_LOOKED_FOR_IN: Mapping[str, str] = {"field": "object", "index": "array"}
_MADE: Mapping[str, Types] = {
    "expref": frozenset({"expref"}),
    "not_expression": frozenset({"boolean"}),
    "multi_select_list": frozenset({"array", "null"}),
    "multi_select_dict": frozenset({"object", "null"}),
    "slice": frozenset({"array", "null"}),
    "flatten": frozenset({"array", "null"}),
    "projection": frozenset({"array", "null"}),
    "filter_projection": frozenset({"array", "null"}),
    "value_projection": frozenset({"array", "null"}),
}


def _children(node: Node, current: Types) -> Iterator[tuple[Node, Types]]:
    kind, children = node["type"], node["children"]
    if kind == "slice":
        return  # they are numbers
    for n, child in enumerate(children):
        is_of_element = kind == "expref" or (kind.endswith("projection") and n > 0)
        yield child, ANY if is_of_element else current
        if kind in _CHAINS:
            current = types_of(child, current)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _is_amiss(call: Node, current: Types, signature: Sequence[Any]) -> bool:
    given = call["children"]
    is_variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if len(given) < len(signature) or (len(given) > len(signature) and not is_variadic):
        return True
    return any(
        not types_of(node, current) & allowed(argument)
        for node, argument in zip(given, signature, strict=False)
    )


def allowed(argument: Mapping[str, Any]) -> Types:
    """Return the types that an argument of a function may have."""
    kinds = frozenset(each.partition("-")[0] for each in argument["types"])
    return kinds or ANY | {"expref"}


def _expected(call: Node, signature: Sequence[Any]) -> str:
    name, given = call["value"], call["children"]
    wanted = [allowed(argument) for argument in signature]
    texts = [each for node in given for each in _texts(node)]
    if wanted == [PROFILE, {"string"}] and texts:
        calls = " || ".join(f"{name}(@, {text})" for text in texts)
        return f"{calls} is expected: {name} takes the profile and a text"
    kinds = ", ".join(_KIND_WORDS.get(each, " or ".join(sorted(each - _NULL))) for each in wanted)
    return f"{name}({kinds or 'nothing'}) is expected, not {in_words(call)}"


def _texts(node: Node) -> list[str]:
    """Return the texts that an argument is, as they are written."""
    if node["type"] == "multi_select_list":
        return [text for child in node["children"] for text in _texts(child)]
    value = node.get("value") if node["type"] == "literal" else None
    return [_literal(each) for each in _listed(value) if isinstance(each, str)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_KIND_WORDS: Mapping[Types, str] = {
    ANY | {"expref"}: "anything",
    frozenset({"expref"}): "&expression",
    PROFILE: "object",
}


def in_words(node: Node) -> str:
    """Return the plain parts of an expression as they are written; the others are `…`."""
    children = node["children"]
    match node["type"]:
        case "current":
            return "@"
        case "field":
            name: str = node["value"]
            return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)
        case "literal":
            return _literal(node["value"])
        case "subexpression":
            return ".".join(map(in_words, children))
        case "function_expression":
            return f"{node['value']}({', '.join(map(in_words, children))})"
    return "…"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "\\'") + "'"
    return f"`{json.dumps(value, ensure_ascii=False)}`"
