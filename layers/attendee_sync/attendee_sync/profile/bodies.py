"""Bodies of pushes: finding the profiles in them, each with its own text.

Imports the standard library alone, since ingest uses it.
"""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile.reader import Json

_NDJSON_TYPES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-lines",
)
_LIST = "profiles"
_WHITE_SPACE = " \t\r\n"
_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE = re.compile(r"[^ \t\r\n][^\n]*")  # from its first character on; blank ones are passed over
# What decides where a value ends: runs of brackets and whole strings. Possessive, so that none is
# looked at twice.
_BRACKETS = re.compile(r'[\[{]++|[\]}]++|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_LENIENT = json.JSONDecoder(parse_int=str, parse_constant=str)  # finds a value's end
_TOO_DEEP = Fault(Reason.MALFORMED, "nested too deeply to be a profile")


class UnreadableBodyError(Exception):
    """Nothing in the body can be read as a profile; the text says why and where."""


class TooManyProfilesError(Exception):
    """A body holds more profiles than are taken; those past the limit were not looked at."""


@dataclass(frozen=True)
class Pushed:
    """One profile of a body: its text as it was pushed, and its value or what is wrong with it."""

    text: str
    profile: Json | None = None
    fault: Fault | None = None


def split(body: str, content_type: str = "", most: int | None = None) -> list[Pushed]:
    """Return the profiles of a body, in order, each with its own text.

    A body is one JSON object, an array of them, `{"profiles": [...]}`, or newline-delimited JSON.
    Raises UnreadableBodyError, with the position, if not one profile can be read, and
    TooManyProfilesError as soon as there are more than `most`.
    """
    pieces = _lines(body) if is_ndjson(body, content_type) else _values(body)
    pushed: list[Pushed] = []
    try:
        for piece in pieces:
            if len(pushed) == most:
                raise TooManyProfilesError(f"more than {most} profiles")
            pushed.append(piece)
    except json.JSONDecodeError as error:
        raise UnreadableBodyError(f"not JSON: {_position(error)}") from error
    except RecursionError as error:
        raise UnreadableBodyError(_TOO_DEEP.detail) from error
    if not pushed:
        raise UnreadableBodyError("no profile in the body: the list is empty")
    first = pushed[0].fault
    if first and all(piece.profile is None for piece in pushed):
        raise UnreadableBodyError(f"no profile in the body; at index 0: {first.detail}")
    return pushed


def is_ndjson(body: str, content_type: str = "") -> bool:
    """Tell whether a body is newline-delimited JSON.

    Its content type says so, or its first line is a whole object and more follows.
    """
    if content_type.partition(";")[0].strip().lower() in _NDJSON_TYPES:
        return True
    first = _LINE.search(body)
    if not first or not first[0].startswith("{") or not _LINE.search(body, first.end()):
        return False
    line = first[0].rstrip(_WHITE_SPACE)
    try:
        return _end(line, 0) == len(line)
    except (ValueError, RecursionError):
        return False


def of_line(line: str) -> Pushed:
    """Return what a line of newline-delimited JSON holds that is not blank."""
    return _of_line(line.strip(_WHITE_SPACE), _PieceReader())


def _lines(body: str) -> Iterator[Pushed]:
    reader = _PieceReader()
    for line in _LINE.finditer(body):
        yield _of_line(line[0].rstrip(_WHITE_SPACE), reader)


def _of_line(text: str, reader: "_PieceReader") -> Pushed:
    try:
        end, pushed = reader.piece(text, 0)
    except json.JSONDecodeError as error:
        return _malformed(text, f"not JSON: {_position(error)}")
    except RecursionError:
        return Pushed(text, fault=_TOO_DEEP)
    is_more = _skip(text, end) < len(text)
    return _malformed(text, "more than one JSON value on a line") if is_more else pushed


def _values(body: str) -> Iterator[Pushed]:
    """Yield the profiles of a JSON body; what follows the last is looked at in the end."""
    start = _skip(body, 0)
    if start == len(body):
        raise UnreadableBodyError("the body is empty")
    reader = _PieceReader()
    if body[start] == "[":
        end = yield from _array(body, start, reader)
    else:
        end = yield from _object(body, start, reader)
    if _skip(body, end) < len(body):
        raise json.JSONDecodeError("Extra data", body, _skip(body, end))


def _array(body: str, start: int, reader: "_PieceReader") -> Generator[Pushed, None, int]:
    """Yield the elements of the array that starts at `start`; return where it ends."""
    at = _skip(body, start + 1)
    if body.startswith("]", at):
        return at + 1
    while True:
        end, piece = reader.piece(body, at)
        yield piece
        at = _skip(body, end)
        if body.startswith("]", at):
            return at + 1
        at = _after_comma(body, at)


def _object(body: str, start: int, reader: "_PieceReader") -> Generator[Pushed, None, int]:
    """Yield the elements of an object's list of profiles, or else the object; return its end."""
    found = _profiles(body, start)
    if found is None:
        end, piece = reader.piece(body, start)
        yield piece
        return end
    end = yield from _array(body, found, reader)
    return _end_of_envelope(body, _skip(body, end))


def _profiles(body: str, start: int) -> int | None:
    """Return where an object's list of profiles starts; None if it is something else."""
    if '"profiles"' not in body or not body.startswith("{", start):
        return None
    at = _skip(body, start + 1)
    is_found = False
    while body.startswith('"', at):
        name, at = _member(body, at)
        if name == _LIST:
            _refuse_second(is_found)
            if body.startswith("[", at):
                return at
            is_found = True
        at = _skip(body, _end(body, at))
        if body.startswith("}", at):
            return None
        at = _after_comma(body, at)
    return None


def _end_of_envelope(body: str, at: int) -> int:
    """Return where an object ends of which the list of profiles was read."""
    while not body.startswith("}", at):
        at = _after_comma(body, at)
        name, at = _member(body, at)
        _refuse_second(name == _LIST)
        at = _skip(body, _end(body, at))
    return at + 1


def _refuse_second(is_second: bool) -> None:
    """Raise UnreadableBodyError for a second list: to take one would lose the other in silence."""
    if is_second:
        raise UnreadableBodyError('"profiles" stands twice in the body')


def _member(body: str, at: int) -> tuple[str, int]:
    """Return the name of a member of an object, and where its value starts."""
    if not body.startswith('"', at):
        message = "Expecting property name enclosed in double quotes"
        raise json.JSONDecodeError(message, body, at)
    name, end = _LENIENT.raw_decode(body, at)
    at = _skip(body, end)
    if not body.startswith(":", at):
        raise json.JSONDecodeError("Expecting ':' delimiter", body, at)
    return name, _skip(body, at + 1)


def _after_comma(body: str, at: int) -> int:
    if not body.startswith(",", at):
        raise json.JSONDecodeError("Expecting ',' delimiter", body, at)
    return _skip(body, at + 1)


def _end(body: str, start: int) -> int:
    """Return where the JSON value at `start` ends, however deeply it is nested."""
    try:
        return _LENIENT.raw_decode(body, start)[1]
    except RecursionError:
        return _end_of_nested(body, start)


def _end_of_nested(body: str, start: int) -> int:
    """Return where the brackets that open at `start` are closed.

    Whether it is JSON in between is not looked at: what is this deep is no profile anyhow. Raises
    RecursionError if they are not closed.
    """
    depth = 0
    for found in _BRACKETS.finditer(body, start):
        first = body[found.start()]
        if first in "[{":
            depth += found.end() - found.start()
        elif first != '"':
            depth -= found.end() - found.start()
            if depth <= 0:
                return found.end() + depth
    raise RecursionError


class _PieceReader:
    """Reads the pieces of one body, all with one decoder."""

    def __init__(self) -> None:
        self._has_repeated = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._members, parse_constant=_refuse_constant
        )

    def piece(self, body: str, start: int) -> tuple[int, Pushed]:
        """Read the JSON value at `start`; return where it ends, and what it is."""
        self._has_repeated = False
        try:
            value, end = self._decoder.raw_decode(body, start)
        except json.JSONDecodeError:
            raise
        except ValueError:  # NaN, Infinity, or an integer of more than 4,300 digits
            end = _end(body, start)
            return end, _malformed(body[start:end], "a number is NaN, Infinity or out of range")
        except RecursionError:
            end = _end_of_nested(body, start)
            return end, Pushed(body[start:end], fault=_TOO_DEEP)
        text = body[start:end]
        if self._has_repeated:
            return end, _malformed(text, "an object has the same key twice")
        if not isinstance(value, dict):
            return end, _malformed(text, f"a profile is a JSON object, not {_name(value)}")
        return end, Pushed(text, value)

    def _members(self, pairs: list[tuple[str, Any]]) -> Json:
        found = dict(pairs)
        if len(found) < len(pairs):
            self._has_repeated = True
        return found


def _malformed(text: str, detail: str) -> Pushed:
    return Pushed(text, fault=Fault(Reason.MALFORMED, detail))


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _position(error: json.JSONDecodeError) -> str:
    return f"{error.msg} (line {error.lineno}, column {error.colno})"


def _name(value: object) -> str:
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        str: "a string",
        list: "an array",
        int: "a number",
        float: "a number",
    }
    return names[type(value)]
