"""Attendance: the people for whom somebody has registered or bought, beside who did it.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from attendee_sync.profile import departures, field_names, identity, names, persons, unknown_lists
from attendee_sync.profile.candidates import Found
from attendee_sync.profile.field_names import FIRST_AND_LAST
from attendee_sync.profile.names import Kind

type Json = dict[str, Any]
type Path = tuple[str, ...]

_MOST_MEMBERS: Final = 1_000  # of an object that are looked at
_LONGEST_NAME: Final = 100  # characters
_MOST_LISTS: Final = 5  # of those who attend
_MOST_NAMES: Final = 100  # of an element that are looked at
# Lists of those who attend, whoever registered them, or of their tickets, and of those who come
# with somebody.
_TICKETS: Final = frozenset({"ticket", "registration", "booking", "badge", "admission", "seat"})
_REGISTERED: Final = frozenset({"attendee", "registrant", "participant", "delegate", "enrollee"})
_ATTENDING: Final = _TICKETS.union(
    _REGISTERED, {"passenger", "traveler", "traveller", "student", "visitor", "invitee"}
)
_NAMES: Final = frozenset({*FIRST_AND_LAST, field_names.FULL_NAME})
_COMPANIONS: Final = frozenset(
    {"guest", "companion", "party", "plusones", "plusone", "accompanying"}
)
# A document with a member whose name is made of these words, and of those that may stand beside
# them, is somebody's order; `totalSpend` is a person's.
_OF_ORDERS: Final = frozenset(
    {"amount", "buyer", "checkout", "cost", "costs", "currency", "fee", "fees", "invoice", "order"}
    | {"payer", "payment", "price", "purchase", "purchaser", "quantity", "total", "transaction"}
)
_BESIDE_ORDERS: Final = _OF_ORDERS | {"id", "number", "code", "status"}


@dataclass(frozen=True)
class Attendance:
    """Where the people are who attend, and whether the one beside them does."""

    paths: tuple[Path, ...]
    with_other: bool


def of(document: Json) -> Attendance | None:
    """Return where those are who attend, in a document that is somebody's; None if it is not so.

    Who ordered or registered others attends only if in the list. Who brings guests does, too.
    Beside somebody who ordered nothing, others' tickets, bookings or students are no attendees,
    nor are those of another occasion, such as a `lastMeeting`.
    """
    found = list(itertools.islice(_lists(document), _MOST_LISTS))
    if not found:
        return _unreached(document)
    other = identity.identify(document).email
    if not other:
        return None
    is_order = _is_order(document)
    attending = {path: emails for path, emails in found if is_order or _are_registered(path)}
    if any(emails - {other} for emails in attending.values()):
        return Attendance((*attending,), with_other=False)
    companions = [each for each in found if _is(_COMPANIONS, each[0][-1])]
    if attending or len(companions) != 1 or not companions[0][1] - {other}:
        return None
    path, emails = companions[0]
    return Attendance((path,), other not in emails)


def is_list(name: str) -> bool:
    """Tell whether a list of that name has those who attend, or come with somebody."""
    return bool(_IS_ATTENDANCE[name])


def _lists(document: Json) -> Iterator[tuple[Path, set[str]]]:
    """Yield the places of lists of people who attend, with some of their addresses.

    What is listed may be the parts of an order, each with its own attendees.
    """
    taken: list[Path] = []
    for place, value in unknown_lists.members_of(document):
        if not isinstance(value, dict | list) or any(place[: len(each)] == each for each in taken):
            continue
        emails = _emails(value, place[-1])
        if emails:
            taken.append(place)
            yield place, emails


def _emails(value: object, name: str) -> set[str]:
    """Return addresses of people who attend in a list, or in an object by their ids."""
    elements = unknown_lists.by_ids(value) or unknown_lists.elements_of(value)
    if _IS_ATTENDANCE[name] or _are_of_attendees(elements):
        found = {identity.identify(each).email for each in elements if _is_somebody(each, name)}
        if found:
            return found
    within = (emails for each in elements for _, emails in _lists(each))
    return set() if any(map(_has_address, elements)) else set().union(*within)


def _unreached(document: Json) -> Attendance | None:
    """Return where others than who ordered attend by their names alone, without an address.

    They can't be delivered, and who ordered attends only if named among them. Where no name tells
    who ordered, it may be one of them.
    """
    members = unknown_lists.members_of(document)
    lists = ((place, _named(value, place[-1])) for place, value in members)
    found = [*itertools.islice(filter(operator.itemgetter(1), lists), _MOST_LISTS)]
    orderer = identity.identify(document) if found and _is_order(document) else None
    other = _name(orderer.found) if orderer and orderer.email else frozenset()
    for place, attending in found if other else ():
        if any(not each <= other for each in attending):
            return Attendance((place,), any(each <= other for each in attending))
    return None


def _named(value: object, name: str, *, is_outer: bool = True) -> list[frozenset[str]]:
    """Return the names of those who attend in a list, or in the lists within an outer one."""
    is_many = isinstance(value, dict | list)
    elements = (unknown_lists.by_ids(value) or unknown_lists.elements_of(value)) if is_many else []
    if not elements or _is(_COMPANIONS, name):
        return []
    if found := [*filter(None, (_name_of(each, name) for each in elements))]:
        return found
    within = (unknown_lists.members_of(each) for each in elements * is_outer)
    inner = itertools.chain.from_iterable(within)
    return [each for place, one in inner for each in _named(one, place[-1], is_outer=False)]


def _name_of(element: Json, of: str) -> frozenset[str]:
    """Return the words of the name of somebody who attends; none if that is no person's name."""
    is_attendees = any(_IS_ATTENDANCE[name] for name in itertools.islice(element, _MOST_NAMES))
    if not is_attendees and not _IS_ATTENDANCE[of]:
        return frozenset()
    found = identity.identify(element).found
    is_told = any(_IS_ATTENDANCE[path[-1]] for path in found.paths.values())
    is_named = "firstname" in found.best or "lastname" in found.best
    is_one = _IS_ATTENDANCE[of] and (is_named or not _is(_TICKETS, of))
    return _name(found) if is_one or is_told else frozenset()


def _name(found: Found) -> frozenset[str]:
    told = (str(found.best.get(field, "")) for field in sorted(_NAMES))
    return frozenset(" ".join(told).casefold().split())


def _has_address(element: Json) -> bool:
    return bool(identity.identify(element).email)


def _are_registered(path: Path) -> bool:
    """Tell whether a list is of the people that the document is about, by its name and place."""
    return _is(_REGISTERED, path[-1]) and all(map(_is_holder, path[:-1]))


def _is_somebody(element: Json, of: str) -> bool:
    """Tell whether an element has somebody's address, and it or its list's name says that it is."""
    found = identity.identify(element)
    is_named = not _NAMES.isdisjoint(found.found.best) or _are_of_attendees([element])
    return bool(found.email) and (is_named or not _is(_TICKETS, of))


def _are_of_attendees(elements: list[Json]) -> bool:
    """Tell whether what is listed is an order's, with names such as `attendee_email`."""
    first = itertools.islice(elements[0] if elements else (), _MOST_NAMES)
    return any("mail" in name and _IS_ATTENDANCE[name] for name in first)


def _is_attendance(name: str) -> bool | None:
    is_one = _is(_ATTENDING | _COMPANIONS, name) and not names.is_other_person(name)
    return (is_one and not departures.is_of_gone(name)) or None


def _is(wanted: frozenset[str], name: str) -> bool:
    found = names.words(name)
    singular = {word.removesuffix("s") for word in found} | {"".join(found).removesuffix("s")}
    return not wanted.isdisjoint(singular.union(found))


def _is_holder(name: str) -> bool:
    """Tell whether an object of that name holds what is the document's own."""
    entry = names.standard().person[name]
    return entry is not None and entry.kind is Kind.HOLDER


def _is_order(document: Json) -> bool:
    objects = [document] + [
        value
        for name, value in itertools.islice(document.items(), _MOST_MEMBERS)
        if isinstance(value, dict) and _is_holder(name)
    ]
    looked_at = (name for each in objects for name in itertools.islice(each, _MOST_MEMBERS))
    told = (set(names.words(name[:_LONGEST_NAME])) for name in looked_at)
    return any(each <= _BESIDE_ORDERS and not each.isdisjoint(_OF_ORDERS) for each in told)


_IS_ATTENDANCE = persons.ByName(_is_attendance)
