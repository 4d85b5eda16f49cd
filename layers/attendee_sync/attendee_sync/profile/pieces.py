"""Pieces of a body: its JSON values one by one, each with its own text.

Imports the standard library alone, since ingest uses it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile import json_text
from attendee_sync.profile.reader import Json

TOO_DEEP = Fault(Reason.MALFORMED, "nested too deeply to be a profile")
OUT_OF_RANGE = Fault(Reason.MALFORMED, "a number is NaN, Infinity or out of range")


@dataclass(frozen=True)
class Pushed:
    """One profile of a body: its text as it was pushed, and its value or what is wrong with it.

    What stood beside the list it came in is the first member of both, `_envelope`.
    """

    text: str
    profile: Json | None = None
    fault: Fault | None = None


class Array:
    """The elements of an array of a body; where it ends is known when all of them were read."""

    def __init__(self, body: str, start: int, reader: "PieceReader") -> None:
        self._body = body
        self._start = start
        self._reader = reader
        self.end = start

    def __iter__(self) -> Iterator[Pushed]:
        at = json_text.skip_blanks(self._body, self._start + 1)
        is_last = self._body.startswith("]", at)
        while not is_last:
            end, piece = self._reader.piece(self._body, at)
            yield piece
            at = json_text.skip_blanks(self._body, end)
            is_last = self._body.startswith("]", at)
            if not is_last:
                at = json_text.after_comma(self._body, at)
        self.end = at + 1


class TooManyProfilesError(Exception):
    """A body holds more profiles than are taken; those past the limit were not looked at."""


class PieceReader:
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
            end = json_text.end_of(body, start)
            return end, Pushed(body[start:end], fault=OUT_OF_RANGE)
        except RecursionError:
            end = json_text.end_of_nested(body, start)
            return end, Pushed(body[start:end], fault=TOO_DEEP)
        text = body[start:end]
        if self._has_repeated:
            return end, malformed(text, "an object has the same key twice")
        if not isinstance(value, dict):
            return end, malformed(text, f"a profile is a JSON object, not {_name(value)}")
        return end, Pushed(text, value)

    def value(self, text: str) -> Any:
        """Read one JSON value. Raises ValueError for the same name twice, NaN or Infinity."""
        self._has_repeated = False
        value = self._decoder.decode(text)
        if self._has_repeated:
            raise ValueError("the same name twice")
        return value

    def _members(self, pairs: list[tuple[str, Any]]) -> Json:
        found = dict(pairs)
        if len(found) < len(pairs):
            self._has_repeated = True
        return found


def malformed(text: str, detail: str) -> Pushed:
    """Return a piece that is no profile."""
    return Pushed(text, fault=Fault(Reason.MALFORMED, detail))


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def position(error: json.JSONDecodeError) -> str:
    """Return in words what is wrong with JSON, and where."""
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
