"""What a profile says of an attendee: for each field the values that stand under its names.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from attendee_sync.profile import (
    addresses,
    elements,
    field_names,
    names,
    overlooked,
    pairs,
    persons,
    texts,
    wrappers,
)
from attendee_sync.profile.addresses import Address, Ordered, Parts
from attendee_sync.profile.field_names import FIRST_AND_LAST
from attendee_sync.profile.names import Entry, Kind, Names, Place

type Json = dict[str, Any]
type Scalar = str | int | float
type Path = tuple[str, ...]

_MAX_MEMBERS = 4_000  # of a profile that are looked at
_MAX_ELEMENTS = 50  # of a list that are looked at
_MAX_DEPTH = 12
_MAX_BESIDE = 100  # members beside a list that may tell its primary element
_LONGEST_NAME = 100
_PRIMARY: Final = "primary"
_OF_GUESTS: Final = "#ext#@"

# What is added to the order of a candidate: for an object within another, for a name after a
# better one, for an element of a list after another.
_LEVEL, _NAME, _ELEMENT = 10_000_000, 1_000, 20

_OF_ONE_VALUE: Final = frozenset({"value", "type"})  # members of an object around one value
_PERSONS_OWN: Final = frozenset({"identitymap", "identities", "segmentmembership", "person"})
_COMPANY: Final = "companyname"
_OF_PERSONS: Final = ("email", "firstname", "lastname", field_names.FULL_NAME)

_SAME_PERSON: Final = frozenset({"personcomponents"})  # XDM's lists of one person's parts

# A usable value, and the names that lead there.
type Candidate = tuple[Scalar, Path]


@dataclass(slots=True)
class Found:
    """The usable values of a profile."""

    best: dict[str, Scalar]  # by field
    paths: Mapping[str, Path]  # of these
    more: Mapping[str, Sequence[Candidate]]  # of fields that have some, better ones first
    # Where what the address that counts lacks stands in another one, by field.
    elsewhere: Mapping[str, Sequence[Path]]
    is_plain: bool = field(
        default=False, compare=False
    )  # texts.are_plain holds, but for the e-mail
    # Fields without a value, but with a name where it may be somebody else's; see overlooked.
    overlooked: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        candidates: Mapping[str, Sequence[Candidate]],
        elsewhere: Mapping[str, Sequence[Path]],
        overlooked: frozenset[str] = frozenset(),
    ) -> "Found":
        """Return the candidates of fields, the best ones first."""
        known = {field: listed for field, listed in candidates.items() if listed}
        return cls(
            {field: listed[0][0] for field, listed in known.items()},
            {field: listed[0][1] for field, listed in known.items()},
            {field: listed[1:] for field, listed in known.items() if len(listed) > 1},
            elsewhere,
            overlooked=overlooked,
        )

    def without(self, field: str) -> "Found":
        """Return what is found of the other fields."""
        kept = {each: self.candidates(each) for each in self.best if each != field}
        return Found.of(kept, self.elsewhere, self.overlooked)

    def candidates(self, field: str) -> list[Candidate]:
        """Return the values of a field, the best one first."""
        if field not in self.best:
            return []
        best = (self.best[field], self.paths[field])
        return [best, *self.more[field]] if field in self.more else [best]


def find(profile: Json, table: Names | None = None) -> Found:
    """Return for each field the usable values of a profile that was read.

    Beside the fields of attendees there is field_names.FULL_NAME. What belongs to an address is all
    from one place: the first with a street or a city, or else the first with anything.
    """
    return Search(table or names.standard()).find(profile)


def usability(value: Any, entry: Entry) -> bool | None:
    """Tell whether a name's field may have a value that is pushed.

    None says that it is to be looked at: it holds several, or is of another field.
    """
    if isinstance(value, str):
        if not entry.field or not texts.is_text(value):
            return not entry.field
        if entry.field == "jobtitle":
            return texts.is_title(value, entry)
        is_account = entry.field == "email" and entry.is_weak
        return _may_be_address(value) if is_account else value[0] != wrappers.OF_JSON or None
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict | list):
        return None
    return isinstance(value, int) and not isinstance(value, bool)


def _may_be_address(account: str) -> bool | None:
    """Tell whether an account's name may be an address; None if it is a person's name.

    Entra makes one for a guest that looks like an address, and is none:
    https://learn.microsoft.com/en-us/entra/external-id/user-properties
    """
    if "@" in account:
        return _OF_GUESTS not in account.lower()
    return None if " " in account.strip() else False


class Search:
    """Finds the values of one profile; see find()."""

    def __init__(self, table: Names) -> None:
        self.found: Parts = {}
        self.addresses: list[Address] = []
        self.objects: dict[Path, Json] = {}  # that were looked at
        self.entries: dict[Path, Entry] = {}  # of what is in them and no object
        self.is_plain = True  # names, in any order, and usability() have led to what was found
        self._profile: Json = {}
        self._questions: pairs.Questions | None = None  # of the profile, once they are asked for
        self._table = table
        self._left = _MAX_MEMBERS

    def find(self, profile: Json) -> Found:
        """Return the usable values of a profile."""
        self._profile = profile
        self.holder(profile, 0, ())
        filled = [each for each in self.addresses if each.parts]
        place, elsewhere = addresses.chosen_of(filled)
        found = self.found | place
        if "jobtitle" in found:
            found["jobtitle"] = [each for each in found["jobtitle"] if self._is_titled(each.path)]
        self.is_plain &= addresses.are_ordered(filled) and all(
            map(addresses.are_ordered, found.values())
        )
        ordered = {field: sorted(listed, key=_by_order) for field, listed in found.items()}
        if len(ordered.get(_COMPANY, ())) > 1:
            ordered[_COMPANY] = _beside_person(ordered[_COMPANY], ordered)
        candidates = {
            field: [(each.value, each.path) for each in listed] for field, listed in ordered.items()
        }
        like = [*overlooked.find(self.objects, self.entries, candidates, self._table.person)]
        self.is_plain &= not like  # another profile of the shape may have texts there, or none
        with_texts = frozenset(field for field, is_text in like if is_text)
        return Found.of(candidates, elsewhere, with_texts)

    def _is_titled(self, path: Path) -> bool:
        """Tell whether a job title is surely one, or stands beside or within what tells who it is.

        The `title` of a payload is its own, where the person stands in an object within.
        """
        entry = self.entries.get(path)
        if len(path) == 1 or entry is None or not entry.is_weak:
            return True
        around = path[:-1]
        signs = [each.path for field in _OF_PERSONS for each in self.found.get(field, ())]
        told = (
            self._table.person[sign[n]]
            for n in range(len(path))
            for sign in signs
            if sign[:n] == around[:n] and len(sign) > n
        )
        are_persons = any(map(names.person_words, around))
        return are_persons or any(each and each.kind is not Kind.HOLDER for each in told)

    def holder(self, members: Json, level: int, path: Path) -> None:
        """Look at an object that holds a person's attributes."""
        thing, event = _member(members, "properties"), _member(members, "event")
        if event is not None and isinstance(thing, dict):
            self.is_plain = False
            if isinstance(event, str) and not self._has_email(thing):
                own = self._persons_within(thing)
                members = {name: own if each is thing else each for name, each in members.items()}
        flat = Address((level, 0), True, {})
        self.addresses.append(flat)
        place = self._table.place_of(members)
        self._members(members, place, _Spot(level, level, "", flat), path)

    def _persons_within(self, properties: Json) -> Json:
        """Return what holds the person in an event's properties, as `$set` does."""
        looked_at = itertools.islice(properties.items(), _MAX_MEMBERS)
        place = self._table.person
        return {
            name: each
            for name, each in looked_at
            if isinstance(each, dict)
            and (entry := place[name])
            and entry.kind is Kind.HOLDER
            and self._has_email(each)
        }

    def _members(self, members: Json, place: Place, spot: "_Spot", path: Path) -> None:
        looked_at = min(self._left, len(members)) if len(path) <= _MAX_DEPTH else 0
        self._left -= looked_at
        self.is_plain &= looked_at == len(members)
        self.objects[path] = members
        for name, value in itertools.islice(members.items(), looked_at):
            entry = place[name]
            if entry is not None:
                self._value(value, entry, spot, (*path, name))

    def _value(self, value: Any, entry: Entry, spot: "_Spot", path: Path) -> None:
        if isinstance(value, dict):
            self._object(value, entry, spot, path)
            return
        if isinstance(value, list):
            self.is_plain = False
            self._list(value[:_MAX_ELEMENTS], entry, spot, path)
            return
        self.entries[path] = entry
        is_usable = usability(value, entry)
        if is_usable is None:
            self.is_plain = False
            if (inner := wrappers.object_in_text(value)) is not None:
                self._object(inner, entry, spot, path)
                return
            entry, is_usable = _as_name(entry), True
        if entry.field and is_usable:
            is_of_outer = entry.field == spot.field
            order = spot.order + entry.rank if is_of_outer else _order_of(entry, spot.level)
            self._keep(Ordered(order, value, path), entry, spot)

    def _keep(self, candidate: Ordered, entry: Entry, spot: "_Spot") -> None:
        found = self.found
        if entry.field in field_names.PLACE:
            found = spot.address.parts if not entry.address else self._prefixed(entry, spot)
        listed = found.get(entry.field)
        if listed is None:
            found[entry.field] = [candidate]
        else:
            listed.append(candidate)

    def _prefixed(self, entry: Entry, spot: "_Spot") -> Parts:
        """Return the address of which a flat name tells a part, such as `billingcity`."""
        order = (spot.level, entry.address)
        for each in self.addresses:
            if each.order == order and each.is_flat:
                return each.parts
        made = Address(order, True, {})
        self.addresses.append(made)
        return made.parts

    def _object(self, value: Json, entry: Entry, spot: "_Spot", path: Path) -> None:
        if len(path) > _MAX_DEPTH:  # also of wrappers around wrappers
            self.is_plain = False
            return
        if entry.kind is Kind.HOLDER:
            self._inner_holder(value, entry, spot.level + _LEVEL, path)
            return
        # With other values of these, other members would count.
        self.is_plain &= _OF_ONE_VALUE.isdisjoint(map(str.lower, value))
        if entry.kind is Kind.ADDRESS:
            only = _member(value, "value")  # as HubSpot wraps each of its properties
            if (wrapped := wrappers.member_around_object(value)) is not None:
                self.is_plain = False
                self._object(value[wrapped], entry, spot, (*path, wrapped))
            elif only is None or self._has_parts(value, entry):
                self._address(value, entry, spot, path)
            else:
                self._value(only, entry, spot, (*path, "value"))
        elif (wrapped := wrappers.member_around_object(value)) is not None:
            self.is_plain = False
            self._object(value[wrapped], entry, spot, (*path, wrapped))
        elif (typed := wrappers.member_with_value(value)) is not None:
            self._value(value[typed], entry, spot, (*path, typed))
        elif entry.within is not None:
            inner = spot._replace(order=_order_of(entry, spot.order), field=entry.field)
            self._members(value, entry.within, inner, path)
        else:
            self.is_plain = False  # in another profile it may be a text

    def _inner_holder(self, value: Json, entry: Entry, level: int, path: Path) -> None:
        if persons.is_relative(value):
            self.is_plain = False
            return
        titled = (
            pairs.of([*value.values()], self._table.person, self._find_questions)
            if pairs.are_by_number(value)
            else pairs.by_title(value, self._table.person, self._find_questions)
        )
        if titled is not None:
            self.is_plain = False
            value = titled
        if entry.within is self._table.person or self._has_email(value):
            is_event = names.fold(path[-1]) == "event"
            self.holder(self._without_weak(value) if is_event else value, level, path)
        elif entry.within is not None:
            nowhere = Address((level, 0), True, {})
            self._members(value, entry.within, _Spot(level, level, "", nowhere), path)

    def _without_weak(self, value: Json) -> Json:
        """Return the members of an event that mean the person, unlike its `name` and `title`."""
        self.is_plain = False
        place = self._table.person
        looked_at = itertools.islice(value.items(), _MAX_MEMBERS)
        return {name: each for name, each in looked_at if not _is_doubtful(name, each, place[name])}

    def _has_email(self, value: Json) -> bool:
        """Tell whether an object holds an e-mail address or identities: then it is a person's."""
        for name in itertools.islice(value, _MAX_ELEMENTS):
            entry = self._table.person[name]
            if entry and entry.is_email:
                return True
        return not _PERSONS_OWN.isdisjoint(map(names.fold, itertools.islice(value, _MAX_ELEMENTS)))

    def _has_parts(self, value: Json, entry: Entry) -> bool:
        """Tell whether an address has parts beside its whole as a text."""
        place = entry.within or self._table.address
        known = (place[name] for name in itertools.islice(value, _MAX_ELEMENTS))
        return any(each and each.field in addresses.TOWNS for each in known)

    def _address(self, value: Json, entry: Entry, spot: "_Spot", path: Path) -> None:
        is_plain_one = entry.address == addresses.PLAIN and not self._has_parts(value, entry)
        if is_plain_one and self._has_email(value):  # an e-mail address, as SparkPost has it
            self.is_plain = False
            self.holder(value, spot.level, path)
            return
        # One within another is of its own kind, or else of the other's.
        address = Address((spot.level, entry.address or spot.address.order[1]), False, {})
        self.addresses.append(address)
        if entry.within is not None:
            self._members(value, entry.within, _Spot(spot.level, spot.order, "", address), path)

    def _find_questions(self) -> pairs.Questions:
        if self._questions is None:
            self._questions = pairs.questions(self._profile)
        return self._questions

    def _holders(self, listed: list[Any], entry: Entry, spot: "_Spot", path: Path) -> None:
        """Look at a list of a person's attributes: pairs, one object, or parts of one."""
        found = pairs.of(listed, self._table.person, self._find_questions)
        if found:
            self._object(found, entry, spot, path)
        elif (person := _only_person(listed)) is not None:
            self._object(listed[person], entry, spot, (*path, str(person)))
        elif _are_parts(listed) or names.fold(path[-1]) in _SAME_PERSON:
            parts = [(n, each) for n, each in enumerate(listed) if isinstance(each, dict)]
            if any(self._has_email(each) for _, each in parts):
                entry = entry._replace(within=self._table.person)
            for n, each in parts:
                self._object(each, entry, spot, (*path, str(n)))

    def _list(self, listed: list[Any], entry: Entry, spot: "_Spot", path: Path) -> None:
        if entry.kind is Kind.HOLDER:
            self._holders(listed, entry, spot, path)
            return
        if entry.field == "address1" and all(isinstance(each, str) for each in listed):
            first, *rest = [*filter(texts.is_text, listed)] or [""]
            lines = {"address1": first, "address2": ", ".join(rest)}
            for field, line in lines.items():
                self._value(line, entry._replace(field=field), spot, path)
            return
        primary = self._primary_id(path) if len(listed) > 1 else None
        for n, (index, each) in enumerate(elements.by_preference(listed, entry.kind, primary)):
            at = spot._replace(order=spot.order + n * _ELEMENT)
            # A number beside a name is how a record of it is known: [233, "United States"].
            is_number = entry.field in field_names.PLACE and isinstance(each, int | float)
            if not isinstance(each, list) and not is_number:
                self._value(each, entry, at, (*path, str(index)))

    def _primary_id(self, path: Path) -> str | int | None:
        """Return the id of a list's primary element, if it stands beside the list.

        As Clerk's `primary_email_address_id` does beside `email_addresses`:
        https://clerk.com/docs/references/javascript/user
        """
        listed = names.fold(path[-1][:_LONGEST_NAME])
        beside = self.objects.get(path[:-1], {})
        for name, value in itertools.islice(beside.items(), _MAX_BESIDE):
            if name[: len(_PRIMARY)].lower() != _PRIMARY or not isinstance(value, str | int):
                continue
            word = names.fold(name[:_LONGEST_NAME])
            one = word.removeprefix(_PRIMARY).removesuffix("id")
            if word.endswith("id") and one and listed.startswith(one):
                return value
        return None


def _as_name(entry: Entry) -> Entry:
    """Return what is known of an account's name that is a person's name."""
    return entry._replace(field=field_names.FULL_NAME) if entry.field == "email" else entry


def _only_person(listed: Sequence[Any]) -> int | None:
    """Return which of several objects alone says that it is a person's, by its type."""
    types = [
        elements.type_of(pairs.folded(each)) if isinstance(each, dict) else "" for each in listed
    ]
    found = [n for n, kind in enumerate(types) if names.is_person_word(kind)]
    return found[0] if len(found) == 1 < len(listed) and all(types) else None


def _are_parts(listed: Sequence[Any]) -> bool:
    """Tell whether there is one object, or several with parts of one person: no name is twice."""
    if not all(isinstance(each, dict) for each in listed):
        return False
    found = [name for each in listed for name in pairs.folded(each)]
    return len(set(found)) == len(found)


def _order_of(entry: Entry, first: int) -> int:
    return first + entry.rank * _NAME


def _by_order(candidate: Ordered) -> int:
    return candidate.order


def _beside_person(companies: list[Ordered], found: Parts) -> list[Ordered]:
    """Return companies with those first that stand in the object of the address or first name.

    One around that is often the sender's own: the organization whose webhook it is.
    """
    signs = [found[field][0] for field in ("email", "firstname") if field in found]
    around = {sign.path[:-1] for sign in signs}
    return sorted(companies, key=lambda each: each.path[:-1] not in around)


class _Spot(NamedTuple):
    """Where in a profile the search is."""

    level: int  # how deep, as it counts in the order
    order: int  # of what stands here
    field: str  # for which an object stands here instead of a text, or nothing
    address: Address  # which flat names belong to


def _is_doubtful(name: str, value: object, entry: Entry | None) -> bool:
    """Tell whether a member of an event may be the event's own, not the person's beside it."""
    if entry is None or not entry.is_weak:
        return False
    if entry.kind is Kind.ADDRESS and isinstance(value, dict | list):
        return names.fold(name) == "location"
    if not isinstance(value, dict) or entry.within is None:
        return True
    known = (entry.within[each] for each in itertools.islice(value, _MAX_ELEMENTS))
    return not any(each and each.field in FIRST_AND_LAST for each in known)


def _member(members: Json, name: str) -> Any:
    """Return the member of a name, which may be in capitals, or nothing."""
    for spelling in (name, name.upper(), name.capitalize()):
        if spelling in members:
            return members[spelling]
    return None
