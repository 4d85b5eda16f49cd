"""Envelope search: looking through one object for the list of its profiles.

Imports the standard library alone, since ingest uses it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from attendee_sync.profile import (
    attendance,
    departures,
    envelopes,
    json_text,
    names,
    persons,
    unknown_lists,
)
from attendee_sync.profile.pieces import (
    OUT_OF_RANGE,
    Array,
    PieceReader,
    Pushed,
    TooManyProfilesError,
)
from attendee_sync.profile.reader import Json

_NO_NAME = ""  # of entities by id, all of which are in the list
_BEGINNINGS = ('"', "{", "[")  # of values that may tell who somebody is
_EMPTY = ('""', "{}", "[]")
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]{0,49}")
_MAX_BESIDE = 16 * envelopes.MAX_BYTES  # characters as pushed, indented or not, before it is read
_TOO_MUCH_BESIDE = f"what stands beside the profiles has more than {envelopes.MAX_BYTES:,} bytes"
_UNREADABLE_BESIDE = "what stands beside the profiles can't be read as JSON without doubt"


class UnclearError(Exception):
    """Where the profiles are can't be told, or not what stands beside them; the text says why."""


class Opener(Protocol):
    """What opens the elements of the lists that are found."""

    reader: PieceReader
    most: int | None  # profiles that are taken

    def opened(self, piece: Pushed, depth: int = 1) -> Sequence[Pushed]:
        """Return the profiles of an element of a list: itself, unless it is an envelope."""

    def of_text(self, text: str, depth: int) -> Sequence[Pushed]:
        """Return the profiles of JSON that stands in a text; none if it is none."""


type _Members = dict[str, tuple[int, int]]  # where the value of each starts and ends


@dataclass(frozen=True)
class _Place:
    """Where in an envelope something stands."""

    path: tuple[str, ...] = ()
    levels: tuple[_Members, ...] = ()  # of the objects around it, the outermost first

    def of(self, name: str) -> "_Place":
        """Return the place of a member."""
        return _Place((*self.path, name), self.levels)

    def within(self, members: _Members) -> "_Place":
        """Return the place inside an object."""
        return _Place(self.path, (*self.levels, members))


@dataclass(frozen=True)
class ProfileList:
    """A list in an object that may be its profiles."""

    place: _Place
    pieces: Sequence[Pushed]  # with those that elements hold in their turn
    is_cut: bool = False  # there are more than are taken

    @property
    def change(self) -> str:
        """What has happened to these people, if the list's name or one around it says so."""
        path = self.place.path
        is_gone = any(map(departures.is_of_gone, path))
        return next(filter(None, map(envelopes.change_of, path)), "remove" if is_gone else "")

    @property
    def tells_somebody(self) -> bool:
        """Tell whether somebody is in it, and not one person's attributes alone."""
        found = [each.profile for each in self.pieces]
        return any(map(persons.tells_somebody, found)) and not self.is_one_persons

    @property
    def is_one_persons(self) -> bool:
        """Tell whether its elements are one person's attributes, as no list of `contacts` has."""
        if names.are_several(self.place.path[-1]):
            return False
        known = [each.profile for each in self.pieces if each.profile is not None]
        return len(known) == len(self.pieces) and persons.are_one_persons(known)

    @property
    def are_rows(self) -> bool:
        """Tell whether its elements are lists, as in a table whose columns are named elsewhere."""
        return len(self.pieces) > 1 and all(each.text.startswith("[") for each in self.pieces)

    @property
    def may_be_rows(self) -> bool:
        """Tell likewise, also of one row alone, or of objects around rows."""
        return bool(self.pieces) and all(map(_is_row, self.pieces))

    @property
    def may_be_profiles(self) -> bool:
        """Tell whether it is no list of texts, nor of one person's attributes."""
        objects = [each for each in self.pieces if each.text.startswith("{")]
        known = [each.profile for each in objects if each.profile is not None]
        if known:
            are_persons_own = persons.are_attributes(known) or self.is_one_persons
            return not (are_persons_own or all(map(persons.is_relative, known)))
        return bool(objects) or not self.pieces


class EnvelopeSearch:
    """Looks through one object for the list of its profiles."""

    def __init__(self, text: str, opener: Opener, depth: int, named: tuple[str, ...] = ()) -> None:
        self.lists: list[ProfileList] = []
        self.end = 0  # of the object
        self.has_rows = False  # without names, in a list
        self._text = text
        self._opener = opener
        self._depth = depth
        self._named = named  # where alone to look
        self._members: _Members = {}  # of the object itself
        self._has_repeated = False  # a name in one of the objects
        self._has_person = False  # in a member such as `customer`

    def look(self, start: int) -> bool:
        """Look through the object that starts there. Return False if it is a profile itself."""
        end = self._object(start, _Place())
        self.end = end or start
        return end is not None

    def chosen(self) -> Sequence[ProfileList]:
        """Return the list of profiles; nothing if the object is a profile itself.

        Of who came and who went there is a list each. Raises UnclearError where more than one may
        be meant otherwise: to take one would lose the others.
        """
        if not self.lists and not self._has_person:
            return self._entities()
        people = [each for each in self.lists if each.tells_somebody]
        if self._has_person and all(attendance.is_list(each.place.path[-1]) for each in people):
            return ()  # of somebody who has registered them
        are_changes = not self._has_person and all(each.change for each in people)
        if not are_changes and len(people) + self._has_person * bool(people) > 1:
            others = " and somebody beside it" if self._has_person else ""
            raise unclear([each.place.path for each in people], others)
        if people:
            return people
        self.has_rows = not self._has_person and any(each.are_rows for each in self.lists)
        if self.has_rows:
            return ()
        rest = [each for each in self.lists if each.may_be_profiles]
        if self._has_person or len(rest) != 1 or (self._depth and not rest[0].pieces):
            return ()
        return () if _is_somebodys(self._beside(rest), rest[0].pieces) else rest

    def _entities(self) -> Sequence[ProfileList]:
        """Return profiles that stand by id in the object, as Adobe's Profile API answers."""
        pieces: list[Pushed] = []
        beside: _Members = {}
        for name, (start, end) in self._members.items():
            if not self._text.startswith("{", start) or self._text.startswith("{}", start):
                beside[name] = start, end
                continue
            _, piece = self._opener.reader.piece(self._text, start)
            is_known = envelopes.is_id(name) and persons.is_somebody(piece.profile)
            if not is_known and not envelopes.is_entity(piece.profile):
                return ()
            pieces.append(piece)
        most = self._opener.most
        is_cut = most is not None and len(pieces) > most
        place = _Place((_NO_NAME,), (beside,))
        return [ProfileList(place, pieces, is_cut)] if pieces else ()

    def profiles(self, *found: ProfileList) -> Sequence[Pushed]:
        """Return the profiles of lists, each with what stands beside them.

        Raises TooManyProfilesError, and UnclearError if that can't be read or is too large.
        """
        if any(each.is_cut for each in found):
            raise TooManyProfilesError(f"more than {self._opener.most} profiles")
        if self._has_repeated:
            raise UnclearError(_UNREADABLE_BESIDE)
        beside = self._beside(found)
        return [piece for each in found for piece in self._with_beside(each, beside)]

    def _with_beside(self, found: ProfileList, beside: Json) -> Sequence[Pushed]:
        if found.change:
            beside = {**beside, "action": found.change}
        if not beside:
            return found.pieces
        try:
            encoded = envelopes.encode(beside)
        except ValueError:
            raise UnclearError(_UNREADABLE_BESIDE) from None
        if len(encoded) > envelopes.MAX_BYTES:
            raise UnclearError(_TOO_MUCH_BESIDE)
        return [_with_envelope(each, beside, encoded) for each in found.pieces]

    def _object(self, start: int, place: _Place) -> int | None:
        """Look through an object; return where it ends, or None if it is a profile itself."""
        members: _Members = {}
        if not place.path:
            self._members = members
        inside = place.within(members)
        at = json_text.skip_blanks(self._text, start + 1)
        is_last = self._text.startswith("}", at)
        while not is_last:
            name, at = json_text.member(self._text, at)
            # What has an envelope was taken out of it already.
            if name == envelopes.NAME or (not self._named and self._is_of_a_person(name, at)):
                return None
            if name in members:
                self._see_twice(name)
            end = self._member(at, inside.of(name))
            members[name] = at, end
            at = json_text.skip_blanks(self._text, end)
            is_last = self._text.startswith("}", at)
            if not is_last:
                at = json_text.after_comma(self._text, at)
        return at + 1

    def _see_twice(self, name: str) -> None:
        """Note a name that stands twice; raise UnclearError if it may name the profiles."""
        if envelopes.is_opened(name):
            raise UnclearError(f'"{name}" stands twice in the body')
        self._has_repeated = True

    def _is_of_a_person(self, name: str, at: int) -> bool:
        """Tell whether the member that starts there makes the object somebody's profile."""
        value = self._text[at] if self._text.startswith(_BEGINNINGS, at) else ""
        return persons.is_mark(name, value) and not self._text.startswith(_EMPTY, at)

    def _member(self, at: int, place: _Place) -> int:
        """Look at the value of a member; return where it ends."""
        if self._named[: len(place.path)] != place.path if self._named else not _is_opened(place):
            return json_text.end_of(self._text, at)
        is_named = self._named == place.path
        is_list = is_named if self._named else envelopes.is_list(place.path[-1])
        if is_list and self._text.startswith("[", at):
            return self._list(at, place)
        if self._text.startswith("{", at):
            return self._at_its_place(at, place) if is_named else self._inner(at, place)
        if self._text.startswith(json_text.QUOTED, at):
            return self._quoted(at, place)
        return json_text.end_of(self._text, at)

    def _list(self, start: int, place: _Place) -> int:
        array = Array(self._text, start, self._opener.reader)
        pieces: list[Pushed] = []
        most = self._opener.most
        for piece in array:
            pieces += self._opener.opened(piece, self._depth + 1)
            if most is not None and len(pieces) > most:
                self.lists.append(ProfileList(place, pieces, is_cut=True))
                return json_text.end_of(self._text, start)
        self.lists.append(ProfileList(place, pieces))
        return array.end

    def _inner(self, start: int, place: _Place) -> int:
        """Look through an object within; return where it ends."""
        lists, has_person = len(self.lists), self._has_person
        end = self._object(start, place)
        if envelopes.is_lone(place.path[-1]) and len(self.lists) == lists:
            self._has_person = has_person
            return self._lone(start, place)
        if end and envelopes.is_list(place.path[-1]) and len(self.lists) == lists:
            self._by_id(start, place)
        self._has_person |= end is None
        return json_text.end_of(self._text, start) if end is None else end

    def _by_id(self, start: int, place: _Place) -> None:
        """Take an object for a list if its members are people by their ids: `{"101": {...}}`."""
        pieces = self._people_by_id(start)
        most = self._opener.most
        if pieces:
            self.lists.append(ProfileList(place, pieces, most is not None and len(pieces) > most))

    def _people_by_id(self, start: int, depth: int = 1) -> list[Pushed]:
        """Return the people in an object by their ids, or by ids within ids; nothing if not all."""
        pieces: list[Pushed] = []
        at = json_text.skip_blanks(self._text, start + 1)
        while not self._text.startswith("}", at):
            name, at = json_text.member(self._text, at)
            if not envelopes.is_id(name) or not self._text.startswith("{", at):
                return []
            end, piece = self._opener.reader.piece(self._text, at)
            found = [piece] if persons.is_somebody(piece.profile) else []
            found = found or (self._people_by_id(at, depth - 1) if depth else [])
            if not found:
                return []
            pieces += found
            at = json_text.skip_blanks(self._text, end)
            if self._text.startswith(",", at):
                at = json_text.after_comma(self._text, at)
        return pieces

    def _lone(self, start: int, place: _Place) -> int:
        """Take an object for one profile; return where it ends."""
        end, piece = self._opener.reader.piece(self._text, start)
        self.lists.append(ProfileList(place, [piece]))
        return end

    def _at_its_place(self, start: int, place: _Place) -> int:
        """Take an object where profiles are known to be for people by their ids, or for one."""
        self._by_id(start, place)
        return json_text.end_of(self._text, start) if self.lists else self._lone(start, place)

    def _quoted(self, start: int, place: _Place) -> int:
        """Look at JSON that stands in a text; return where the text ends."""
        text, end = json_text.string(self._text, start)
        found = ProfileList(place, self._opener.of_text(text, self._depth + 1))
        if found.tells_somebody or self._named:
            self.lists.append(found)
        return end

    def _beside(self, found: Sequence[ProfileList]) -> Json:
        """Return what stands beside lists and around them; of a name, the nearest."""
        around = [
            pair for each in found for pair in zip(each.place.levels, each.place.path, strict=True)
        ]
        taken = {(id(members), name) for members, name in around}
        spans: _Members = {}
        for members, _ in around:
            spans |= {
                name: span for name, span in members.items() if (id(members), name) not in taken
            }
        if sum(len(name) + end - start for name, (start, end) in spans.items()) > _MAX_BESIDE:
            raise UnclearError(_TOO_MUCH_BESIDE)
        read = self._opener.reader.value
        try:
            return {name: read(self._text[start:end]) for name, (start, end) in spans.items()}
        except (ValueError, RecursionError):
            raise UnclearError(_UNREADABLE_BESIDE) from None


def unclear(places: Sequence[tuple[str, ...]], others: str = "") -> UnclearError:
    """Return the error that profiles may stand at more than one place."""
    words = " and ".join(f'"{".".join(map(_told, each))}"' for each in places)
    return UnclearError(f"the profiles can't be told: {words}{others} may be meant")


def _told(name: str) -> str:
    """Return a name as it may be logged: one that is no identifier may be somebody's address."""
    return name if _IDENTIFIER.fullmatch(name) else "?"


def _is_somebodys(beside: Json, listed: Sequence[Pushed]) -> bool:
    """Tell whether a list is what somebody beside it has, such as documents; it may be empty."""
    if persons.tells_somebody(beside):
        return True
    are_nobody = not any(
        each.profile is None or unknown_lists.may_have_address(each.profile) for each in listed
    )
    return are_nobody and unknown_lists.may_have_address(beside)


def _is_opened(place: _Place) -> bool:
    return len(place.path) <= envelopes.MAX_OBJECTS and envelopes.is_opened(place.path[-1])


def _with_envelope(piece: Pushed, beside: Json, encoded: str) -> Pushed:
    """Return a profile with what stood beside its list as its first member."""
    if not piece.text.startswith("{"):
        return piece
    profile = piece.profile
    if profile is None:
        return replace(piece, text=envelopes.text_with(encoded, piece.text))
    own = profile.get(envelopes.NAME)
    if own is None:
        text = envelopes.text_with(encoded, piece.text)
        return Pushed(text, {envelopes.NAME: beside, **profile})
    both = {**profile, envelopes.NAME: {**beside, **own} if isinstance(own, dict) else own}
    try:
        return Pushed(json.dumps(both, ensure_ascii=False, allow_nan=False), both)
    except ValueError:
        return Pushed(piece.text, fault=OUT_OF_RANGE)


def _is_row(piece: Pushed) -> bool:
    """Tell whether a piece is a list, or an object with nothing but a list, such as BigQuery's."""
    only = [*(piece.profile or {}).values()]
    return piece.text.startswith("[") or (len(only) == 1 and isinstance(only[0], list))
