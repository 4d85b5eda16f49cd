"""The shape of a profile: which paths it has, and what kind of text stands there. Never a value.

Paths are JMESPath expressions, so that a mapping can have them. What stands for names is kept only
if it is one that senders use, or looks like one: a key can be an e-mail address or an id as well.
"""

import json
import re
from typing import Any

from attendee_sync.profile import names

_MAX_PATHS = 200
_MAX_DEPTH = 20
_MAX_ELEMENTS = 20  # of an array; the first one of a path gives the shape
_MAX_TEXT = 60  # characters
_MAX_NAME = 40  # characters
_KEPT = frozenset("@.+-_:/ ")
_WORD = r"[^\W\d_]+(\d{1,3}[^\W\d_]{0,2})?"  # such as address2, b2b, sha256
_NAME = re.compile(rf"[$@_]?{_WORD}([_.:-]{{1,2}}{_WORD}|_\d{{1,2}})*")
_UNQUOTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def shapes(text: str) -> dict[str, str]:
    """Return by path the shape of each value in a profile's JSON text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {"@": f"not JSON: {_masked(text)}"}
    found: dict[str, str] = {}
    _collect(value, "", 0, found)
    return found


def _collect(value: Any, path: str, depth: int, found: dict[str, str]) -> None:
    if len(found) >= _MAX_PATHS:
        return
    if depth < _MAX_DEPTH and isinstance(value, dict) and value:
        for key, each in value.items():
            name = name_of(key, each)
            _collect(each, f"{path}.{name}" if path else name, depth + 1, found)
    elif depth < _MAX_DEPTH and isinstance(value, list) and value:
        for each in value[:_MAX_ELEMENTS]:
            _collect(each, f"{path}[*]", depth + 1, found)
    else:
        found.setdefault(path or "@", _shape(value))


def name_of(key: str, value: object = None) -> str:
    """Return a key as a path has it; `*` in place of what may tell who it is about."""
    is_entity_id = isinstance(value, dict) and "entity" in value  # as the Profile API answers
    if is_entity_id or len(key) > _MAX_NAME or not (_NAME.fullmatch(key) or _is_known(key)):
        return "*"
    return key if _UNQUOTED.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _is_known(key: str) -> bool:
    """Tell whether a key is a name of the table of names, such as `First Name *`."""
    return names.fold(key) in names.standard().person.known


def _shape(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return f'"{_masked(value)}"'
        case dict():
            return "{...}" if value else "{}"
        case list():
            return "[...]" if value else "[]"
    return _masked(str(value))


def _masked(text: str) -> str:
    masked = "".join(map(_mask, text[:_MAX_TEXT]))
    return f"{masked}..." if len(text) > _MAX_TEXT else masked


def _mask(character: str) -> str:
    if character.isalpha():
        return "A" if character.isupper() else "a"
    if character.isnumeric():
        return "9"
    return character if character in _KEPT else "*"
