"""JSON as text: where a value begins and ends, so that each profile keeps the text it came in.

Imports the standard library alone, since ingest uses it.
"""

import base64
import json
import re
from typing import Final

WHITE_SPACE = " \t\r\n"
# How texts begin that may be JSON, plain or in Base64, in JSON themselves.
_OF_JSON: Final = ("{", "[", "eyJ", "ewo", "eyA", "W3s", "Wwo", "WyJ")
QUOTED: Final = tuple(f'"{each}' for each in _OF_JSON)
_BLANKS = re.compile(r"[ \t\r\n]*")
# What decides where a value ends: runs of brackets and whole strings. Possessive, so that none is
# looked at twice.
_BRACKETS = re.compile(r'[\[{]++|[\]}]++|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_LENIENT = json.JSONDecoder(parse_int=str, parse_constant=str)  # finds a value's end


def skip_blanks(text: str, at: int) -> int:
    """Return where the first character is that is no white space."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def is_quoted(value: object) -> bool:
    """Tell whether a value is a text that may be JSON, plain or in Base64."""
    return isinstance(value, str) and value.startswith(_OF_JSON)


def plain(text: str) -> str:
    """Return a text that is in Base64 as it is without. Raises ValueError if it is none."""
    if text.startswith(("{", "[")):
        return text
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()


def member(text: str, at: int) -> tuple[str, int]:
    """Return the name of the member of an object that stands at `at`, and where its value starts.

    Raises json.JSONDecodeError.
    """
    if not text.startswith('"', at):
        message = "Expecting property name enclosed in double quotes"
        raise json.JSONDecodeError(message, text, at)
    name, end = string(text, at)
    at = skip_blanks(text, end)
    if not text.startswith(":", at):
        raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
    return name, skip_blanks(text, at + 1)


def string(text: str, start: int) -> tuple[str, int]:
    """Return the string that stands at `start`, and where it ends. Raises json.JSONDecodeError."""
    value, end = _LENIENT.raw_decode(text, start)
    return str(value), end


def after_comma(text: str, at: int) -> int:
    """Return where what follows a comma starts. Raises json.JSONDecodeError if there is none."""
    if not text.startswith(",", at):
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    return skip_blanks(text, at + 1)


def end_of(text: str, start: int) -> int:
    """Return where the value at `start` ends, however deeply it is nested.

    Raises json.JSONDecodeError, and RecursionError as end_of_nested() does.
    """
    try:
        return _LENIENT.raw_decode(text, start)[1]
    except RecursionError:
        return end_of_nested(text, start)


def end_of_nested(text: str, start: int) -> int:
    """Return where the brackets that open at `start` are closed.

    Whether it is JSON in between is not looked at: what is this deep is no profile anyhow. Raises
    RecursionError if they are not closed.
    """
    depth = 0
    for found in _BRACKETS.finditer(text, start):
        first = text[found.start()]
        if first in "[{":
            depth += found.end() - found.start()
        elif first != '"':
            depth -= found.end() - found.start()
            if depth <= 0:
                return found.end() + depth
    raise RecursionError
