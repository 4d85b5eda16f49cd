"""Attendance: the people for whom somebody has registered or bought, beside who did it.

Imports the standard library alone, since ingest uses it.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from attendee_sync.profile import departures, field_names, identity, names, persons, unknown_lists
from attendee_sync.profile.names import Kind

type Json = dict[str, Any]
type Path = tuple[str, ...]

_MOST_MEMBERS: Final = 1_000  # of an object that are looked at
_LONGEST_NAME: Final = 100  # characters
_MOST_NAMES: Final = 100  # of an element that are looked at
# Lists of those who attend, whoever registered them, or of their tickets, and of those who come
# with somebody.
_TICKETS: Final = frozenset({"ticket", "registration", "booking", "badge", "admission", "seat"})
_REGISTERED: Final = frozenset({"attendee", "registrant", "participant", "delegate", "enrollee"})
_ATTENDING: Final = _TICKETS.union(
    _REGISTERED, {"passenger", "traveler", "traveller", "student", "visitor", "invitee"}
)
_NAMES: Final = frozenset({"firstname", "lastname", field_names.FULL_NAME})
_COMPANIONS: Final = frozenset({"guest", "companion", "plusones", "plusone", "accompanying"})
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

    path: Path
    with_other: bool


def of(document: Json) -> Attendance | None:
    """Return where those are who attend, in a document that is somebody's; None if it is not so.

    Who ordered or registered others attends only if in the list. Who brings guests does, too.
    Beside somebody who ordered nothing, others' tickets, bookings or students are no attendees,
    nor are those of another occasion, such as a `lastMeeting`.
    """
    looked_at = list(itertools.islice(_lists(document), 2))
    if len(looked_at) != 1:
        return None
    path, elements = looked_at[0]
    other = identity.identify(document).email
    emails = [identity.identify(each).email for each in elements]
    if not other or {*emails} <= {other, ""}:
        return None
    is_own = all(map(_is_holder, path[:-1]))
    if _is_order(document) or (is_own and _is(_REGISTERED, path[-1])):
        return Attendance(path, with_other=False)
    return Attendance(path, other not in emails) if _is(_COMPANIONS, path[-1]) else None


def is_list(name: str) -> bool:
    """Tell whether a list of that name has those who attend, or come with somebody."""
    return bool(_IS_ATTENDANCE[name])


def _lists(document: Json) -> Iterator[tuple[Path, list[Json]]]:
    """Yield the lists of people who attend, with their places."""
    for place, value in unknown_lists.members_of(document):
        if isinstance(value, list):
            name, elements = place[-1], unknown_lists.elements_of(value)
            is_known = _IS_ATTENDANCE[name] or _are_of_attendees(elements)
            if is_known and any(_is_somebody(each, name) for each in elements):
                yield place, elements


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
