"""Unknown lists: where people stand under names of no table, in a document that is nobody's.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from attendee_sync.outcome import Reason
from attendee_sync.profile import envelopes, identity, json_text, names, persons
from attendee_sync.profile.field_names import FIRST_AND_LAST
from attendee_sync.profile.names import Kind

type Json = dict[str, Any]
type Path = tuple[str, ...]

_MAX_DEPTH: Final = 4  # objects within each other, as with names that are known
_MOST_MEMBERS: Final = 1_000  # of all objects that are looked at
_MOST_LISTS: Final = 20  # that are looked at
_WITHIN: Final = 3  # elements of those, and lists in these, that are looked at in their turn
_DEEPEST: Final = 12  # values within each other in which an address is looked for
_HASH: Final = 64  # hex digits of SHA-256
_LONGEST_NAME: Final = 100
_REFUSED: Final = frozenset(
    {"bounced", "duplicates", "error", "errors", "failed", "failures", "ignored", "invalid"}
    | {"rejected", "skipped", "suppressed"}
)
_WITHOUT_EMAIL: Final = frozenset({Reason.MISSING_EMAIL, Reason.UNCLEAR_EMAIL})
_TRIED: Final = 20  # of the elements of a list: one of them must be somebody


def places(document: Json, most: int = _MOST_LISTS) -> list[Path]:
    """Return where people stand in a document that tells by itself of nobody, at most two places.

    Each is a list of objects some of which are somebody or hold such lists, or one person as JSON
    in a text. Lists of people in another role, such as `speakers`, are passed over, and of those
    that were refused. The first lists are looked at, `most` of them.
    """
    if envelopes.NAME in document or persons.is_somebody(document):
        return []
    looked_at = list(itertools.islice(_lists(document), most))
    if not looked_at or not _is_nobody(document):
        return []
    found = (path for path, elements in looked_at if _are_pushed(elements, is_outer=most > _WITHIN))
    return list(itertools.islice(found, 2))


def _are_pushed(elements: list[Json], *, is_outer: bool) -> bool:
    """Tell whether some of a list's elements are somebody, or, of the outer ones, hold such."""
    if are_people(elements):
        return not persons.are_one_persons(elements)
    return is_outer and any(places(each, _WITHIN) for each in elements[:_WITHIN])


def may_have_address(value: object, depth: int = 0) -> bool:
    """Tell whether a text within a value may be an address or the hash of one."""
    if isinstance(value, str):
        return "@" in value or len(value) == _HASH
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < _DEEPEST and any(may_have_address(each, depth + 1) for each in within)


def are_people(elements: list[Json]) -> bool:
    """Tell whether one of a list's elements is somebody with an address or hash."""
    found = map(identity.identify, elements)
    return any(each.email or each.email_hash for each in found)


def members_of(
    document: Json, is_entered: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[Path, Any]]:
    """Yield the members of a document and of the objects within it, with their places.

    `is_entered` tells of the name of an object whether its members are among them.
    """
    pending: list[tuple[Path, Json]] = [((), document)]
    left = _MOST_MEMBERS
    for path, members in pending:  # which grows meanwhile
        for name, value in itertools.islice(members.items(), left):
            left -= 1
            place = (*path, name)
            yield place, value
            if isinstance(value, dict) and len(place) < _MAX_DEPTH and is_entered(name):
                pending.append((place, value))


def _lists(document: Json) -> Iterator[tuple[Path, list[Json]]]:
    """Yield the lists of objects in a document, and the objects in texts, with their places."""
    for place, value in members_of(document, lambda name: not _is_of_others(name)):
        elements = elements_of(value)
        is_other = _is_of_others(place[-1]) or _is_field(place[-1])
        if elements and not is_other and may_have_address(elements):
            yield place, elements


def _is_field(name: str) -> bool:
    """Tell whether a name is that of a field, in which the lists are no people: `address1`."""
    entry = names.standard().person[name]
    return entry is not None and entry.kind is not Kind.HOLDER


def _is_of_others(name: str) -> bool:
    """Tell whether a name says that people are not those that are pushed."""
    found = names.words(name[:_LONGEST_NAME])
    return names.is_other_person(name) or not _REFUSED.isdisjoint(found)


def elements_of(value: object) -> list[Json]:
    """Return the first objects of a list, or of a text of JSON."""
    if isinstance(value, str) and json_text.is_quoted(value):
        try:
            found = json.loads(json_text.plain(value))
        except (ValueError, RecursionError):
            return []
        value = found if isinstance(found, list) else [found]
    listed = value if isinstance(value, list) else []
    return [each for each in listed[:_TRIED] if isinstance(each, dict)]


def by_ids(value: object, depth: int = 1) -> list[Json]:
    """Return the first objects in an object where they stand by ids, or by ids within ids."""
    members = list(value.items())[:_TRIED] if isinstance(value, dict) else []
    if not all(envelopes.is_id(name) and isinstance(each, dict) for name, each in members):
        return []
    found = [by_ids(each, depth - 1) if depth else [] for _, each in members]
    return [
        one for (_, each), inner in zip(members, found, strict=True) for one in inner or [each]
    ][:_TRIED]


def _is_nobody(document: Json) -> bool:
    """Tell whether a document gives no address, not even a bad one, and no first or last name."""
    found = identity.identify(document)
    is_nameless = found.found.best.keys().isdisjoint(FIRST_AND_LAST)
    return found.fault is not None and found.fault.reason in _WITHOUT_EMAIL and is_nameless
