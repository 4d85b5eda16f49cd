"""What no source read of a profile: shown by previews, so that nothing is lost in silence."""

import functools
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from attendee_sync.profile import envelopes, memberships, names, pairs, persons, unknown_lists
from attendee_sync.profile.candidates import Found, Path
from attendee_sync.profile.names import Entry, Kind, Names, Place
from attendee_sync.profile.reader import Json
from attendee_sync.profile.texts import is_text

_MOST = 50  # that are told
_MAX_DEPTH = 12
_LONGEST = 100  # characters of a name that are compared
_SHORTEST = 4  # letters of a name that tells a field within another name

# What is read of what a profile is, beside what tells who somebody is and agreed to.
_READ_ELSEWHERE = frozenset({"type", "id"})


class Unread(NamedTuple):
    """An attribute that no source read."""

    name: str  # with those of the objects around it, as the sender wrote them
    like: str  # the field whose name it holds, or nothing


def find(profile: Json, by_field: Found, table: Names, named: Collection[str] = ()) -> list[Unread]:
    """Return the attributes of a profile that was read which no field knows, the first fifty.

    `by_field` is what stands in it under the usual names.
    What a destination's expressions name (`named`) counts as read.
    """
    known = {name: value for name, value in profile.items() if name not in named}
    if any(profile["address"] is each for name, each in known.items() if name != "address"):
        known.pop("address", None)  # the reader put it there
    taken = _places(by_field)
    found = _people_beside(profile.get(envelopes.NAME))
    for path in _unread(known, table.place_of(known), (), by_field):
        is_own = path[0] == envelopes.NAME or persons.is_lifted(path[0])
        is_read = is_own or names.fold(path[0]) in _READ_ELSEWHERE
        if not is_read and path not in taken:
            like = "email" if _are_people(known, path) else _like(path[-1][:_LONGEST], table)
            found.append(Unread(".".join(path), like))
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _places(found: Found) -> set[Path]:
    return {path for field in found.best for _, path in found.candidates(field)}


def _are_people(profile: Json, path: Path) -> bool:
    """Tell whether people of their own stand in a list: a buyer's `registrants`, for one."""
    value: Any = profile
    for name in path:
        value = value[name]
    elements = unknown_lists.elements_of(value) if isinstance(value, list) else []
    return bool(elements) and unknown_lists.are_people(elements)


def _people_beside(envelope: object) -> list[Unread]:
    """Return the people who stood beside the list of the profiles, such as who paid for them."""
    members = envelope.items() if isinstance(envelope, dict) else ()
    return [
        Unread(f"{envelopes.NAME}.{name}", "email")
        for name, value in members
        if persons.tells_somebody(value) or persons.is_mark(name, value)
    ]


def _unread(members: Json, place: Place | None, path: Path, by_field: Found) -> Iterator[Path]:
    if len(path) > _MAX_DEPTH:
        return
    for name, value in members.items():
        entry = place[name] if place is not None else None
        inner = (*path, name)
        if memberships.is_read(name, value):
            continue
        if isinstance(value, dict) and _is_read_pair(value, by_field, path):
            continue
        if isinstance(value, dict):
            yield from _unread(value, entry.within if entry else None, inner, by_field)
        elif value not in (None, "", []) and not _is_known(value, entry, by_field, inner):
            yield inner


def _is_read_pair(value: Json, by_field: Found, path: Path) -> bool:
    """Tell whether an object was read as a pair, whose name stands in the place of its key."""
    titles = pairs.names_of(value)
    depth = len(path)
    return bool(titles) and any(
        place[:depth] == path and place[depth : depth + 1] and place[depth] in titles
        for place in _places(by_field)
    )


def _is_known(value: Any, entry: Entry | None, by_field: Found, path: Path) -> bool:
    """Tell whether a value is read where it stands, or stands for none."""
    if entry is None:
        return False
    if isinstance(value, str) and not is_text(value):
        return True
    is_found = entry.field in by_field.best or entry.field in by_field.elsewhere
    if isinstance(value, list) and entry.kind is Kind.HOLDER:  # several persons are not read
        return any(place[: len(path)] == path for place in _places(by_field))
    return is_found or (isinstance(value, list) and entry.kind is Kind.ADDRESS)


@functools.lru_cache(maxsize=1_024)
def _like(name: str, table: Names) -> str:
    """Return the field whose longest name is within another name, or nothing."""
    folded = names.fold(name)
    within = [each for each in table.words if len(each) >= _SHORTEST and each in folded]
    entry = table.person.known.get(max(within, key=len)) if within else None
    return entry.field if entry else ""
