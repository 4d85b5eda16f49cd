"""What is overlooked: fields that a person has in an object which nothing says to be the person's.

It is not taken, since it may be somebody else's, but somebody has to be told.
Imports the standard library alone, since ingest uses it.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from attendee_sync import attendee
from attendee_sync.profile import field_names, names, persons, texts
from attendee_sync.profile.field_names import FIRST_AND_LAST
from attendee_sync.profile.names import Entry, Kind, Place

type Json = dict[str, Any]
type Path = tuple[str, ...]

_MOST = 200  # members of an object that are looked at
_DEEPEST = 4  # objects within each other
# An object that has one of these is somebody's.
_SIGNS: Final = frozenset({*FIRST_AND_LAST, "jobtitle", field_names.FULL_NAME})


def find(
    objects: Mapping[Path, Json],
    entries: Container[Path],
    found: Iterable[str],
    person: Place,
) -> Iterator[tuple[str, bool]]:
    """Yield fields that were not found, but have a name where nothing was read.

    Of each is told whether it has a text there. `objects` are those that were looked at, `entries`
    the places in them that mean something, `found` the fields that were found, and `person` is
    what is known of the names of a person's attributes.
    """
    known = {*found}
    if field_names.FULL_NAME in known:
        known.update(FIRST_AND_LAST)
    for path, members in objects.items():
        unread = {
            name: each
            for name, each in members.items()
            if (*path, name) not in entries and (path or name not in persons.AT_TOP)
        }
        own = _of_object(path[-1], unread, person) if path else ()
        for field, is_text in chain(own, _unread(path, unread, objects, person)):
            if field not in known:
                yield field, is_text


def _unread(
    path: Path, members: Json, objects: Container[Path], person: Place
) -> Iterator[tuple[str, bool]]:
    """Yield the fields of lists and objects in an object that was looked at, as they were not."""
    for name, value in islice(members.items(), _MOST):
        entry = person[name]
        if isinstance(value, dict) and (*path, name) not in objects and _may_be(entry):
            yield from _within(name, value, person, _DEEPEST)
        elif isinstance(value, list) and entry and _is_told(entry) and _hold_text(value):
            yield entry.field, True


def _may_be(entry: Entry | None) -> bool:
    """Tell whether nothing is known of an object, or that it may hold a person."""
    return entry is None or entry.kind is Kind.HOLDER


def _within(name: str, members: Json, person: Place, depth: int) -> Iterator[tuple[str, bool]]:
    """Yield the fields that an object has, if it is somebody's, and those of objects in it."""
    yield from _of_object(name, members, person)
    for inner, value in islice(members.items(), _MOST):
        if isinstance(value, dict) and depth and _may_be(person[inner]):
            yield from _within(inner, value, person, depth - 1)


def _of_object(name: str, members: Json, person: Place) -> Iterator[tuple[str, bool]]:
    """Yield the fields that an object has, if it is somebody's and not surely another's."""
    looked_at = dict(islice(members.items(), _MOST))
    fields = {
        each: entry.field for each in looked_at if (entry := person[each]) and _is_told(entry)
    }
    if _SIGNS.isdisjoint(fields.values()) or names.is_of_others(name):
        return
    for each, field in fields.items():
        is_text = isinstance(looked_at[each], str) and texts.is_text(looked_at[each])
        yield from ((one, is_text) for one in _split(field))


def _is_told(entry: Entry) -> bool:
    """Tell whether a name is surely that of a field, or of a full name."""
    is_field = entry.field in attendee.FIELDS or entry.field == field_names.FULL_NAME
    return is_field and not entry.is_weak and entry.kind is Kind.VALUE


def _hold_text(elements: list[Any]) -> bool:
    """Tell whether a text stands in one of a list's objects."""
    objects = (each for each in islice(elements, _MOST) if isinstance(each, dict))
    texts_within = (text for each in objects for text in islice(each.values(), _MOST))
    return any(isinstance(text, str) and texts.is_text(text) for text in texts_within)


def _split(field: str) -> tuple[str, ...]:
    return FIRST_AND_LAST if field == field_names.FULL_NAME else (field,)
