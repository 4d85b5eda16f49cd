"""Answers as settings see them: {"status", "headers", "body"}, whatever the body is written in.

JSON is its value, lines of JSON an array. XML is an object: attributes and elements by their local
names, elements of the same name as an array, one that holds nothing but text as that text; `tag` is
the root's name and `text` what stands between elements. A form is an object, any other text is
itself. An HTML page, a body that was cut, or one that can't be read is null. Cookies that an answer
sets are `cookies` of its headers, by their names.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl
from xml.parsers import expat

from attendee_sync.http_client import HttpAnswer, without_repeats
from attendee_sync.mapping import expressions

_MAX_DEPTH = 50  # of elements within elements
# Of several, joined by commas, the names and values; those of attributes follow a semicolon.
_COOKIE = re.compile(r"(?:^|,)\s*([^=;,\s]+)=([^;,]*)")
_PAGE = re.compile(r"\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """An answer, or one of the results in it, as expressions see it."""

    status: int
    headers: Mapping[str, str]  # by lower-case names
    body: Any
    text: str = ""  # the body as it came
    is_page: bool = False  # HTML: made for people, by whoever answered in the API's place

    @functools.cached_property
    def _view(self) -> dict[str, Any]:
        headers = {**self.headers, "cookies": self.cookies}
        return {"status": self.status, "headers": headers, "body": self.body}

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that it sets, by name."""
        return dict(_COOKIE.findall(self.headers.get("set-cookie", "")))

    def find(self, expression: str | None) -> Any:
        """Return what an expression finds; null if it finds nothing, or there is none."""
        return expressions.lenient(expression)(self._view) if expression else None

    def result(self, body: Any) -> "Reading":
        """Return a result that stands in the answer as an answer of its own."""
        return replace(self, body=body)


def read(received: HttpAnswer) -> Reading:
    """Return an answer as expressions see it."""
    headers = {name.lower(): value for name, value in received.headers.items()}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    text = received.body.decode(errors="replace")
    is_page = bool(_PAGE.match(text))
    body = None if is_page or not received.complete else _value(received.body, text, kind)
    return Reading(received.status, headers, body, text, is_page)


def _value(body: bytes, text: str, kind: str) -> Any:
    try:
        return json.loads(body, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError):
        pass
    if kind.endswith("json") or text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return _lines(text)
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        return _xml(body)
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text))
    return None if kind == "text/html" else text.strip() or None


def _lines(text: str) -> list[Any] | None:
    """Return the values of lines of JSON; None for JSON that is cut, or has a name twice."""
    try:
        lines = [line for line in text.splitlines() if line.strip()]
        return [json.loads(line, object_pairs_hook=without_repeats) for line in lines] or None
    except (ValueError, RecursionError):
        return None


def _xml(body: bytes) -> dict[str, Any] | None:
    """Return the members of an XML document's root; None if it is none, or has a document type.

    Without a document type there are no entities that could grow or read anything.
    """
    reader = _XmlReader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        return None
    return reader.root


def _refuse(*_: object) -> None:
    raise ValueError("a document type")


class _XmlReader:
    """Makes objects of elements as a parser meets them."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise ValueError("too deep")
        members: dict[str, Any] = {_local(each): value for each, value in attributes.items()}
        self._open.append((_local(name), members, []))

    def characters(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, _name: str) -> None:
        name, members, texts = self._open.pop()
        text = "".join(texts).strip()
        if text and (members or not self._open):
            members.setdefault("text", text)
        if not self._open:
            self.root = {"tag": name} | members
            return
        self._add(name, members or text)

    def _add(self, name: str, value: Any) -> None:
        outer = self._open[-1][1]
        if isinstance(outer.get(name), list):
            outer[name].append(value)
        else:
            outer[name] = [outer[name], value] if name in outer else value


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
