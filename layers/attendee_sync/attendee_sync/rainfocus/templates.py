"""Templates: texts and JSON with places for what differs from call to call.

A place is a name in braces, such as {event}. A text that is nothing but a place becomes the value
itself, be it an object, and its member is left out where there is none; within a longer text a
missing value is empty. An item of an array with {field} or {value} stands for one item for each
field of the record. Other braces, such as { id }, stay as they are.
"""

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from pydantic import JsonValue

type Values = Mapping[str, JsonValue]

RECORD: Final = "record"  # all fields of the attendee under the names of the connection
RECORD_JSON: Final = "record_json"  # the same as a text
ONE_FIELD: Final = f"{RECORD}."  # and one of them, such as {record.email}
FIELD, VALUE = "field", "value"
_PLACE = re.compile(r"\{([A-Za-z][A-Za-z0-9_.-]{0,63})\}")
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
# Headers, parameters and members that say who is calling.
_SECRET_NAME = re.compile(
    r"(?!.*(?:author|type)$).*"
    r"(?:auth|token|secret|passw|api.?key|apiprofile|cookie|signature|credential)",
    re.IGNORECASE,
)
_SECRET_PLACES = frozenset(
    {"access_token", "basic", "basic_plain", "client_id", "client_secret", "profile_token"}
)
_SCHEME = re.compile(r"[A-Za-z-]{0,16}[ :=]?(?:[a-z]{1,16}=)?[\"']{0,2}")  # such as Bearer
_COOKIE_NAME = re.compile(r"[\w.-]{1,32}=")
_MIN_RANDOM = 24  # characters
_LONG_WORD = re.compile(rf"[A-Za-z0-9+/=_-]{{{_MIN_RANDOM},}}")
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z]).*[A-Za-z][0-9]+[A-Za-z]")
_MIN_MIXED = 8  # characters
MASKED: Final = "***"  # what `show` puts in the place of a secret


def places_in(template: JsonValue) -> Iterator[str]:
    """Yield the names of the places of a template."""
    if isinstance(template, str):
        yield from _PLACE.findall(template)
    elif isinstance(template, dict):
        for each in template.values():
            yield from places_in(each)
    elif isinstance(template, list):
        for each in template:
            yield from places_in(each)


def texts_in(template: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a template with its path."""
    if isinstance(template, str):
        yield path, template
    elif isinstance(template, dict):
        for name, each in template.items():
            yield from texts_in(each, f"{path}.{name}".strip("."))
    elif isinstance(template, list):
        for each in template:
            yield from texts_in(each, path)


def is_place(name: str, known: frozenset[str]) -> bool:
    """Tell whether a name is one of the known places, or that of a field of the record."""
    return name in known or (RECORD in known and name.startswith(ONE_FIELD))


def fill(template: JsonValue, values: Values) -> JsonValue:
    """Return a template with values in its places; None where it is a place without one."""
    if isinstance(template, str):
        only = _PLACE.fullmatch(template)
        return _value(only[1], values) if only else fill_text(template, values)
    if isinstance(template, dict):
        filled = {name: fill(each, values) for name, each in template.items()}
        return {
            name: each
            for name, each in filled.items()
            if each is not None or template[name] is None
        }
    if isinstance(template, list):
        return [fill(item, each) for item in template for each in _each(item, values)]
    return template


def fill_text(template: str, values: Values, spelt: Callable[[str], str] = str) -> str:
    """Return a text with values in its places, each spelt as the text needs it."""
    return _PLACE.sub(lambda place: spelt(_text(_value(place[1], values))), template)


def fill_url(template: str, values: Values) -> str:
    """Return a URL with values in its places, percent-encoded but for those of {base}, {call}."""
    for name in ("base", "call"):
        template = template.replace(f"{{{name}}}", _text(values.get(name)))
    return fill_text(template, values, lambda text: quote(text, safe=""))


def fill_header(template: str, values: Values) -> str:
    """Return a header with values in its places; what no header can carry is percent-encoded."""
    return fill_text(template, values, lambda text: quote(text, safe=_PRINTABLE))


def fill_body(template: str, values: Values, headers: dict[str, str]) -> bytes:
    """Return a body that is a text, with values in its places.

    It is XML, in which an object stands as its elements, unless a request's headers say otherwise:
    then values are escaped as in JSON's texts, and objects are JSON. Headers that say nothing of
    it are made to.
    """
    kind = next((text for name, text in headers.items() if name.lower() == "content-type"), "")
    if not kind:
        kind = headers["Content-Type"] = "application/xml; charset=utf-8"
    return to_bytes((_fill_xml if "xml" in kind.lower() else _fill_json)(template, values))


def _fill_json(template: str, values: Values) -> str:
    def value(place: re.Match[str]) -> str:
        found = _value(place[1], values)
        is_json = place[1] == RECORD_JSON or not isinstance(found, str)
        return _text(found) if is_json else json.dumps(found)[1:-1]

    return _PLACE.sub(value, template)


def _fill_xml(template: str, values: Values) -> str:

    def element(place: re.Match[str]) -> str:
        value = _value(place[1], values)
        if not isinstance(value, dict):
            return _xml_text(_text(value))
        return "".join(f"<{key}>{_xml_text(_text(each))}</{key}>" for key, each in value.items())

    return _PLACE.sub(element, template)


def to_bytes(text: str) -> bytes:
    """Return a text in UTF-8; JSON can hold half a character, UTF-8 can't."""
    return text.encode("utf-8", "replace")


def add_headers(headers: dict[str, str], template: Mapping[str, str], values: Values) -> None:
    """Add a template's headers to a request's; an empty text leaves one out."""
    for name, text in template.items():
        _set(headers, name, fill_header(text, values))


def add_query(query: dict[str, str], template: Mapping[str, str], values: Values) -> None:
    """Add a template's parameters to a request's; an empty text leaves one out."""
    for name, text in template.items():
        _set(query, name, fill_text(text, values))


def _set(members: dict[str, str], name: str, text: str) -> None:
    for each in [each for each in members if each.lower() == name.lower()]:
        del members[each]
    if text:
        members[name] = text


def looks_secret(path: str, text: str) -> bool:
    """Tell whether what is set at a path looks like a secret; those have places."""
    rest = _PLACE.sub("", text)
    name = path.rpartition(".")[2]
    if _SECRET_NAME.match(name):
        has_place = bool(_SECRET_PLACES & set(_PLACE.findall(text)))
        before = _COOKIE_NAME if name.lower() == "cookie" else _SCHEME
        return bool(text) and not (has_place and before.fullmatch(rest))
    return MASKED in rest or any(map(_is_random, _LONG_WORD.findall(_PLACE.sub(" ", text))))


def _is_random(word: str) -> bool:
    """Tell a word of letters and digits; with slashes it is base64, or a path of plain names."""
    pieces = word.split("/")
    if len(pieces) == 1:
        return any(each.isdecimal() for each in word) and any(each.isalpha() for each in word)
    return any(_is_random(each) if len(each) >= _MIN_RANDOM else _is_mixed(each) for each in pieces)


def _is_mixed(piece: str) -> bool:
    return len(piece) >= _MIN_MIXED and bool(_MIXED.match(piece))


def _each(item: JsonValue, values: Values) -> Iterator[Values]:
    record = values.get(RECORD)
    if not {FIELD, VALUE} & set(places_in(item)) or not isinstance(record, dict):
        yield values
        return
    for name, value in record.items():
        yield {**values, FIELD: name, VALUE: value}


def _value(name: str, values: Values) -> JsonValue:
    record = values.get(RECORD)
    if name.startswith(ONE_FIELD) and isinstance(record, dict):
        return record.get(name.removeprefix(ONE_FIELD))
    return values.get(name)


def _text(value: JsonValue) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _xml_text(text: str) -> str:
    """Return a text as XML has it, without what XML 1.0 can't hold at all."""
    return html.escape("".join(each for each in text if each >= " " or each in "\t\n\r"))
