"""Expressions that are JMESPath and can't be what was meant: for everybody they say the same."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
from jmespath.lexer import Lexer

from attendee_sync.mapping import function_calls
from attendee_sync.mapping.destination import Destination
from attendee_sync.mapping.evaluation import Node
from attendee_sync.mapping.function_calls import PROFILE, Types, in_words, types_of
from attendee_sync_cli.settings.validation import SettingFault

FILTER = "filter"
_OF_PROFILE = frozenset({"is_member", "consents", "has_opted_out"})
# Their second argument is a text that somebody writes, seldom an attribute.
_WITH_TEXT = _OF_PROFILE | {"contains", "starts_with", "ends_with"}
_CONSENT = re.compile(r"(consents\.)?([^.].*?)(\.val)?", re.DOTALL)
_JSON_WORDS = frozenset({"true", "false", "null"})
_ORDERED = frozenset({"number", "string"})
_SINGLE_VALUES = frozenset({"string", "number", "boolean"})


def expressions_of(settings: Destination) -> Mapping[str, str]:
    """Return the expressions of a destination by the paths of their settings."""
    mapped = {
        f"mapping.{name}": rule.value
        for name, rule in settings.mapping.items()
        if rule.write in ("overwrite", "clear_on_null")
    }
    return mapped | ({FILTER: settings.filter} if settings.filter else {})


def faults(settings: Destination) -> list[SettingFault]:
    """Return what is amiss with the expressions of settings that are valid else."""
    return [
        SettingFault(path, f'"{text}"', expected)
        for path, text in expressions_of(settings).items()
        for expected in dict.fromkeys(_expected(path, text))
    ]


def _expected(path: str, text: str) -> Iterator[str]:
    """Yield what is expected in place of parts of an expression."""
    root = jmespath.compile(text).parsed
    quoted = {each["value"] for each in Lexer().tokenize(text) if each["type"].startswith("quoted")}
    for node, current in function_calls.walk(text):
        if node["type"] == "comparator":
            yield from _of_comparison(node, current, quoted)
        elif node["type"] == "function_expression":
            yield from _of_call(node, current, quoted)
    if path == FILTER and not _reads(text):
        yield "a condition on something of the profile; this is the same for everybody"
    elif path == FILTER:
        yield from _of_condition(root)
    elif path != "mapping.email" and not types_of(root, PROFILE) & _SINGLE_VALUES:
        yield "a single value, such as the first by [0]; of a list or an object nothing is sent"


def _reads(text: str) -> bool:
    """Tell whether an expression reads anything of a profile."""
    return any(node["type"] in ("field", "current") for node, _ in function_calls.walk(text))


def _of_comparison(node: Node, current: Types, quoted: set[Any]) -> Iterator[str]:
    left, right = node["children"]
    for side, other in ((right, left), (left, right)):
        if _is_quoted(side, quoted) and other["type"] != "literal":
            yield _as_text(side)
            return
        if side["type"] == "field" and side["value"] in _JSON_WORDS:
            yield f"`{side['value']}`, in backticks; without them it is an attribute's name"
            return
    types = types_of(left, current), types_of(right, current)
    if node["value"] not in ("eq", "ne"):
        if not types[0] & types[1] & _ORDERED:
            yield f"two numbers or two texts around < and >, not {in_words(right)}"
    elif not types[0] & types[1]:
        kinds = (" or ".join(sorted(each)) for each in types)
        told = " and ".join(map(in_words, (left, right)))
        yield f"two values of one type; {told} are never equal ({', '.join(kinds)})"
    for side in (left, right):
        if side["type"] == "or_expression" and _is_literal(side["children"][0]):
            yield f"a comparison with each text; here only {in_words(side['children'][0])} counts"


def _of_call(node: Node, current: Types, quoted: set[Any]) -> Iterator[str]:
    name, arguments = node["value"], node["children"]
    if name not in _WITH_TEXT:
        return
    first, second = arguments
    if name in _OF_PROFILE and (first["type"] != "current" or current != PROFILE):
        yield f"{name}(@, …) at the top: it takes the whole profile"
    if _is_quoted(second, quoted):
        yield _as_text(second)
    elif name in _OF_PROFILE and second["type"] != "literal":
        yield f"a text in single quotes, such as {name}(@, '…')"
    elif name in _OF_PROFILE - {"is_member"}:
        asked = second["value"]
        path = _CONSENT.fullmatch(asked)
        if path and path[2] != asked:
            yield f"{name}(@, '{path[2]}'): the path begins within consents, without val"


def _of_condition(node: Node) -> Iterator[str]:
    """Yield what is expected in place of texts that stand where a condition should."""
    if node["type"] in ("or_expression", "and_expression", "not_expression"):
        first = node["children"][0]
        for child in node["children"]:
            if _is_literal(child) and first["type"] == "comparator":
                yield f"{in_words(first['children'][0])} == {in_words(child)} in place of it alone"
            else:
                yield from _of_condition(child)
    elif _is_literal(node):
        yield f"a condition, such as country == {in_words(node)}; by itself it asks nothing"


def _is_literal(node: Node) -> bool:
    return bool(node["type"] == "literal")


def _is_quoted(node: Node, quoted: set[Any]) -> bool:
    return bool(node["type"] == "field" and node["value"] in quoted)


def _as_text(node: Node) -> str:
    name = node["value"]
    return f"'{name}', in single quotes; \"{name}\" is an attribute (if meant: @.{in_words(node)})"
