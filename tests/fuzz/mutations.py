"""Changes of JSON values and texts: what senders push and RainFocus answers, made a little wrong.

A change keeps most of what it is given, so that it gets past the first look; random bytes do not.
"""

import base64
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from attendee_sync import attendee
from attendee_sync.profile.field_names import NAMES

type Json = Any
type _Place = tuple[Any, Any]  # an object or a list, and a name or an index in it

MARK = "zqxqz"  # in made-up names and addresses; nothing else has it
_MOST_PLACES = 2_000  # of a value that are looked at
_LARGEST = 30_000  # characters of what is copied many times
_ODD: Sequence[Json] = (
    *(None, True, False, 0, -1, 1, 0.5, 1e308, 10**30, "", " ", [], {}, [[]], [{}], {"": ""}),
    *("null", "N/A", "-", "true", "0", "US", "US-CA", "Germany", "realized", "exited", "n", "y"),
    *(f"{MARK}@example.com", f" {MARK.upper()}@Example.COM", f"{MARK}@b@example.com", f"{MARK}@"),
    *(f"{MARK.title()} Lee", f"Lee, {MARK.title()}", MARK, f"a@b.de;{MARK}@b.de", f"<{MARK}@b.de>"),
    *("\u200b", "\u0130", "\ud800", "a\u0300\u0316", "ß", "\0", "x" * 2_001, "0" * 64, "1.0", "00"),
    *("{}", "[]", '{"email": "a@b.de"}', "W10=", "e30=", "1970-01-01T00:00:00Z", "\u2028", "٣"),
)
_NAMES = (
    *attendee.FIELDS,
    *(name for listed in NAMES.values() for name in listed),
    *("address", "attributes", "consents", "contact", "contacts", "context", "data", "emails"),
    *("entity", "fields", "guests", "id", "identities", "identityMap", "items", "key", "label"),
    *("name", "namespace", "optInOut", "payload", "people", "person", "primary", "profiles"),
    *("records", "rows", "segmentMembership", "segments", "status", "traits", "type", "ups"),
    *("user", "value", "values", "xdm", "xdm:email", "_envelope", "action", "before", "after"),
)
_AFFIXES = ("xdm:", "billing", "old_", "primary", "user_", "s", "_1", " ", "s__c", "Address", "-")
_PIECES = (
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\n",
    "\r\n",
    "\ufeff",
    "\\u0000",
    "\\ud800",
    "\0",
)
_WORDS = ("NaN", "1e999", "-", '{"a":' * 60, "[" * 60, "9" * 60, "\u00a0", "<", "&", "=", "0", "a")


class Mutator:
    """Changes values and texts by chance; what is moved in comes from some donors."""

    def __init__(self, random: Random, donors: Sequence[Json]) -> None:
        self._random = random
        self._donors = donors

    def value(self, given: Json) -> Json:
        """Return a copy of a JSON value with a few changes."""
        whole = [copy.deepcopy(given)]
        for _ in range(self._random.choice((1, 1, 2, 4, 8))):
            place = self._random.choice(list(_places(whole)))
            self._random.choice(self._changes)(place)
        return whole[0]

    def text(self, given: str) -> str:
        """Return a text with a piece cut out, put in, or put in again."""
        random = self._random
        start = random.randint(0, len(given))
        end = min(len(given), start + random.choice((0, 0, 1, 1, 3, 20, 200)))
        put_in = random.choice(("", given[start:end] * 2, random.choice(_PIECES + _WORDS)))
        return given[:start] + put_in + given[end:]

    def name(self, given: str) -> str:
        """Return another name of a member."""
        random = self._random
        affix = random.choice(_AFFIXES)
        return random.choice(
            (
                random.choice(_NAMES),
                random.choice((given.upper(), given.lower(), given.title(), given.swapcase())),
                random.choice((affix + given, given + affix)),
                self.text(given),
            )
        )

    @property
    def _changes(self) -> Sequence[Callable[[_Place], None]]:
        return (
            self._make_odd,
            self._move_in,
            self._move_in,
            self._drop,
            self._rename,
            self._rename,
            self._wrap,
            self._repeat,
            self._lift,
            self._add,
            self._edit,
        )

    def _make_odd(self, place: _Place) -> None:
        holder, at = place
        holder[at] = copy.deepcopy(self._random.choice(_ODD))

    def _move_in(self, place: _Place) -> None:
        holder, at = place
        inner, key = self._random.choice(list(_places([self._random.choice(self._donors)])))
        holder[at] = copy.deepcopy(inner[key])

    def _drop(self, place: _Place) -> None:
        value = place[0][place[1]]
        if isinstance(value, dict) and value:
            del value[self._random.choice(list(value))]
        elif isinstance(value, list) and value:
            del value[self._random.randrange(len(value))]

    def _rename(self, place: _Place) -> None:
        value = place[0][place[1]]
        if isinstance(value, dict) and value:
            name = self._random.choice(list(value))
            value[self.name(name)] = value.pop(name)

    def _wrap(self, place: _Place) -> None:
        holder, at = place
        value = holder[at]
        ways: list[Callable[[], Json]] = [
            lambda: [value],
            lambda: {self._random.choice(_NAMES): value},
            lambda: [{"key": self._random.choice(_NAMES), "value": value}],
            lambda: {"value": value},
            lambda: json.dumps(value),
            lambda: base64.b64encode(json.dumps(value).encode()).decode(),
        ]
        holder[at] = self._random.choice(ways)()

    def _repeat(self, place: _Place) -> None:
        value = place[0][place[1]]
        if isinstance(value, list) and value and len(json.dumps(value)) < _LARGEST:
            value += copy.deepcopy([self._random.choice(value)] * self._random.choice((1, 2, 20)))

    def _lift(self, place: _Place) -> None:
        holder, at = place
        value = holder[at]
        inner = list(value.values()) if isinstance(value, dict) else value
        if isinstance(inner, list) and inner:
            holder[at] = self._random.choice(inner)

    def _add(self, place: _Place) -> None:
        value = place[0][place[1]]
        donor, key = self._random.choice(list(_places([self._random.choice(self._donors)])))
        added = copy.deepcopy(donor[key])
        if isinstance(value, dict):
            value[key if isinstance(key, str) else self._random.choice(_NAMES)] = added
        elif isinstance(value, list):
            value.insert(self._random.randint(0, len(value)), added)

    def _edit(self, place: _Place) -> None:
        holder, at = place
        if isinstance(holder[at], str):
            holder[at] = self.text(holder[at])


def _places(whole: list[Json]) -> Iterator[_Place]:
    """Yield where values stand in a list of one value, that one first."""
    pending: list[_Place] = [(whole, 0)]
    for _ in range(_MOST_PLACES):
        if not pending:
            return
        holder, at = pending.pop()
        yield holder, at
        value = holder[at]
        if isinstance(value, dict):
            pending += [(value, name) for name in value]
        elif isinstance(value, list):
            pending += [(value, n) for n in range(len(value))]
