"""Wrappers: what senders put around a value that could stand by itself.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import json
from typing import Any, Final

type Json = dict[str, Any]

_WRAPPERS: Final = ("value", "answer")
_MAP: Final = "M"  # of DynamoDB's, around an object
OF_JSON: Final = "{"
_LONGEST_JSON = 2_000  # characters of a text
_LOCALE = 5  # characters of `en-US`
_MOST = 50  # members that are looked at


def member_around_object(value: Json) -> str | None:
    """Return the member in which an object stands that is to stand in this one's place."""
    for name in value if len(value) == 1 else ():
        if name == _MAP or "." in name:  # Avro writes the type there, such as `com.acme.Address`
            return name if isinstance(value[name], dict) else None
    return next((name for name in _WRAPPERS if isinstance(value.get(name), dict)), None)


def member_with_value(value: Json) -> str | None:
    """Return the member that has an object's value: its own type or a locale is the name.

    As in Notion's properties, and Contentful's `{"en-US": "Ada"}`.
    """
    kind = value.get("type")
    is_name = isinstance(kind, str) and isinstance(value.get(kind), str | list | dict)
    return kind if is_name else _of_locale(value)


def _of_locale(value: Json) -> str | None:
    """Return the first of members that are all called by a language and a country."""
    names_in = [*itertools.islice(value, _MOST)]
    return names_in[0] if names_in and all(map(_is_locale, names_in)) else None


def _is_locale(name: str) -> bool:
    is_like_one = len(name) == _LOCALE and name[2] in "-_"
    return is_like_one and name[:2].islower() and name[3:].isupper()


def object_in_text(text: str) -> Json | None:
    """Return the object that stands as JSON in a text, such as an address; None if none does."""
    try:
        found = json.loads(text) if text[0] == OF_JSON and len(text) <= _LONGEST_JSON else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
