"""Bodies of pushes: finding the profiles in them, each with its own text.

Imports the standard library alone, since ingest uses it.
"""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from attendee_sync.profile import (
    attendance,
    departures,
    envelopes,
    identity,
    json_text,
    names,
    persons,
    tables,
    unknown_lists,
)
from attendee_sync.profile.pieces import (
    OUT_OF_RANGE,
    TOO_DEEP,
    Array,
    PieceReader,
    Pushed,
    malformed,
    position,
)
from attendee_sync.profile.reader import Json

_NDJSON_TYPES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-lines",
)
_LINE = re.compile(r"[^ \t\r\n][^\n]*")  # from its first character on; blank ones are passed over
_TABLE = re.compile(r"\[[ \t\r\n]*\[")
_NO_NAME = ""  # of entities by id, all of which are in the list
_BEGINNINGS = ('"', "{", "[")  # of values that may tell who somebody is
_EMPTY = ('""', "{}", "[]")
_MAX_BESIDE = 16 * envelopes.MAX_BYTES  # characters as pushed, indented or not, before it is read
_TOO_MUCH_BESIDE = f"what stands beside the profiles has more than {envelopes.MAX_BYTES:,} bytes"
_NAMELESS_ROWS = "the rows are arrays; expected are objects, with a name for each value"
_UNREADABLE_BESIDE = "what stands beside the profiles can't be read as JSON without doubt"


class UnreadableBodyError(Exception):
    """Nothing in the body can be read as a profile; the text says why and where."""


class TooManyProfilesError(Exception):
    """A body holds more profiles than are taken; those past the limit were not looked at."""


class _UnclearError(Exception):
    """Where the profiles are can't be told, or not what stands beside them; the text says why."""


def split(
    body: str,
    content_type: str = "",
    most: int | None = None,
    place: str = "",
    *,
    maps_email: bool = False,
) -> list[Pushed]:
    """Return the profiles of a body, in order, each with its own text.

    A body is one JSON object, an array of them, an object around a list such as
    `{"profiles": [...]}`, or newline-delimited JSON, and what is in these may be such objects
    again. `place` names where else the list is, such as `payload.people`. Under a name that nobody
    knows it is found where the object around it tells of nobody by itself, unless the destination
    has its own places for an e-mail address (`maps_email`), which may be there.

    Raises UnreadableBodyError, with the position, if not one profile can be read, and
    TooManyProfilesError as soon as there are more than `most`.
    """
    body = body.removeprefix("\ufeff")
    opener = _Opener(most, place, maps_email=maps_email)
    is_lines = is_ndjson(body, content_type)
    pushed: list[Pushed] = []
    try:
        for piece in _lines(body, opener) if is_lines else _values(body, opener):
            if len(pushed) == most:
                raise TooManyProfilesError(f"more than {most} profiles")
            pushed.append(piece)
    except json.JSONDecodeError as error:
        raise UnreadableBodyError(f"not JSON: {position(error)}") from error
    except RecursionError as error:
        raise UnreadableBodyError(TOO_DEEP.detail) from error
    except _UnclearError as error:
        raise UnreadableBodyError(str(error)) from error
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
    line = first[0].rstrip(json_text.WHITE_SPACE)
    try:
        return json_text.end_of(line, 0) == len(line)
    except (ValueError, RecursionError):
        return False


def of_line(line: str, place: str = "", *, maps_email: bool = False) -> Sequence[Pushed]:
    """Return the profiles in a line of newline-delimited JSON that is not blank; see split()."""
    opener = _Opener(place=place, maps_email=maps_email)
    return _of_line(line.strip(json_text.WHITE_SPACE), opener)


def _lines(body: str, opener: "_Opener") -> Iterator[Pushed]:
    for line in _LINE.finditer(body):
        yield from _of_line(line[0].rstrip(json_text.WHITE_SPACE), opener)


def _of_line(text: str, opener: "_Opener") -> Sequence[Pushed]:
    try:
        end, piece = opener.reader.piece(text, 0)
    except json.JSONDecodeError as error:
        return [malformed(text, f"not JSON: {position(error)}")]
    except RecursionError:
        return [Pushed(text, fault=TOO_DEEP)]
    if json_text.skip_blanks(text, end) < len(text):
        return [malformed(text, "more than one JSON value on a line")]
    return opener.opened(piece)


def _values(body: str, opener: "_Opener") -> Iterator[Pushed]:
    """Yield the profiles of a JSON body; what follows the last is looked at in the end."""
    start = json_text.skip_blanks(body, 0)
    if start == len(body):
        raise UnreadableBodyError("the body is empty")
    if rows := _rows(body, start, opener):
        yield from rows
        return
    if body[start] == "[":
        if one := opener.of_pairs(body):
            yield one
            return
        array = Array(body, start, opener.reader)
        for piece in array:
            yield from opener.opened(piece)
        end = array.end
    else:
        end, found = opener.profiles(body, start)
        yield from found
    rest = json_text.skip_blanks(body, end)
    if rest < len(body):
        raise json.JSONDecodeError("Extra data", body, rest)


def _rows(body: str, start: int, opener: "_Opener") -> Sequence[Pushed]:
    """Return the rows of a body that is a table with a header; nothing if it is none."""
    if not _TABLE.match(body, start):
        return ()
    try:
        return _of_rows(tables.of_rows(opener.reader.value(body)))
    except ValueError:
        return ()


def _is_row(piece: Pushed) -> bool:
    """Tell whether a piece is a list, or an object with nothing but a list, such as BigQuery's."""
    only = [*(piece.profile or {}).values()]
    return piece.text.startswith("[") or (len(only) == 1 and isinstance(only[0], list))


def _of_rows(rows: Sequence[Json]) -> Sequence[Pushed]:
    return [Pushed(json.dumps(each, ensure_ascii=False), each) for each in rows]


class _Opener:
    """Opens the envelopes of one body: objects around lists of profiles."""

    def __init__(
        self, most: int | None = None, place: str = "", *, maps_email: bool = False
    ) -> None:
        self.reader = PieceReader()
        self.most = most
        self.place = tuple(place.split(".")) if place else ()
        self.maps_email = maps_email

    def profiles(self, body: str, start: int) -> tuple[int, Sequence[Pushed]]:
        """Return where the value at `start` ends, and its profiles: itself, or what it holds."""
        opened = self._open(body, start, 0) if body.startswith("{", start) else None
        if opened:
            return opened
        end, piece = self.reader.piece(body, start)
        return end, self.opened(piece) if piece.profile is None else [piece]

    def of_pairs(self, text: str) -> Pushed | None:
        """Return the person of a list of names and values, as LeadSquared pushes; None if none is.

        https://apidocs.leadsquared.com/webhooks/
        """
        try:
            start = json_text.skip_blanks(text, json_text.skip_blanks(text, 0) + 1)
            _, first = self.reader.piece(text, start)
            if first.profile is None or not persons.are_attributes([first.profile]):
                return None
            listed = self.reader.value(text)
        except (ValueError, RecursionError):
            return None
        if not all(isinstance(each, dict) for each in listed):
            return None
        profile = {"attributes": listed}
        is_known = self.maps_email or identity.identify(profile).email
        are_pairs = persons.are_attributes(listed) and is_known
        return Pushed(f'{{"attributes":{text}}}', profile) if are_pairs else None

    def of_text(self, text: str, depth: int) -> Sequence[Pushed]:
        """Return the profiles of JSON that stands in a text, in Base64 or not; none if it is not.

        As a queue's record has it, a webhook's form, or Firehose:
        https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
        """
        found: list[Pushed] = []
        if depth > envelopes.MAX_TEXTS:
            return found
        try:
            text = json_text.plain(text)
            if text.startswith("["):
                for piece in Array(text, 0, self.reader):
                    found += self.opened(piece, depth)
            elif text.startswith("{"):
                _, piece = self.reader.piece(text, 0)
                found += self.opened(piece, depth)
        except (ValueError, RecursionError):
            return []
        return found

    def opened(self, piece: Pushed, depth: int = 1) -> Sequence[Pushed]:
        """Return the profiles of an element of a list: itself, unless it is an envelope."""
        if piece.text.startswith(json_text.QUOTED):
            return self.of_text(json_text.string(piece.text, 0)[0], depth + 1) or [piece]
        if depth > envelopes.MAX_LISTS:
            return [piece]
        if piece.text.startswith("[") and (one := self.of_pairs(piece.text)):
            return [one]
        try:
            is_known = self._may_be_envelope(piece)
            look = self._open if is_known else functools.partial(self._unknown, piece)
            opened = look(piece.text, 0, depth)
        except (json.JSONDecodeError, RecursionError):  # only brackets were looked at
            return [piece]
        except _UnclearError as error:
            return [malformed(piece.text, str(error))]
        return opened[1] if opened else [piece]

    def _may_be_envelope(self, piece: Pushed) -> bool:
        if piece.profile is None:
            return piece.text.startswith("{")
        if self.place and self.place[0] in piece.profile:
            return True
        is_opened = False
        for name, value in piece.profile.items():
            if persons.is_mark(name, value):
                return False
            may_hold = isinstance(value, list | dict) or json_text.is_quoted(value)
            is_opened |= may_hold and envelopes.is_opened(name)
        return is_opened

    def _open(self, text: str, start: int, depth: int) -> tuple[int, Sequence[Pushed]] | None:
        """Return where an object ends and the profiles in it; None if it is a profile itself."""
        named = self._at(self.place, text, start, depth) if self.place else None
        if named:
            return named
        search = _EnvelopeSearch(text, self, depth)
        chosen = search.chosen() if search.look(start) else ()
        if chosen and not all(each.may_be_rows for each in chosen):
            return search.end, search.profiles(*chosen)
        end, piece = self.reader.piece(text, start)
        found = self._unknown(piece, text, start, depth)
        if not found and search.has_rows and piece.profile is not None:
            raise _UnclearError(_NAMELESS_ROWS)
        if not found and chosen:
            return search.end, search.profiles(*chosen)
        return found or (end, [piece])

    def _unknown(
        self, piece: Pushed, text: str, start: int, depth: int
    ) -> tuple[int, Sequence[Pushed]] | None:
        """Return what _open() does of an object whose profiles are not where they usually are.

        They stand under an unknown name, or beside somebody who has registered them.
        """
        if piece.profile is None or self.maps_email:
            return None
        if (attending := attendance.of(piece.profile)) is not None:
            found = [self._at(each, text, start, depth) for each in attending.paths]
            people = [piece] * attending.with_other
            people += [one for each in found if each for one in each[1]]
            return start + len(piece.text), people
        places = unknown_lists.places(piece.profile)
        if len(places) > 1:
            raise _unclear(places)
        if places:
            return self._at(places[0], text, start, depth)
        rows = [] if persons.is_somebody(piece.profile) else tables.rows_of(piece.profile)
        return (start + len(piece.text), _of_rows(rows)) if rows else None

    def _at(
        self, place: tuple[str, ...], text: str, start: int, depth: int
    ) -> tuple[int, Sequence[Pushed]] | None:
        """Return what _open() does of an object whose profiles stand at one place alone."""
        search = _EnvelopeSearch(text, self, depth, place)
        search.look(start)
        return (search.end, search.profiles(search.lists[0])) if search.lists else None


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
class _List:
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


class _EnvelopeSearch:
    """Looks through one object for the list of its profiles."""

    def __init__(self, text: str, opener: _Opener, depth: int, named: tuple[str, ...] = ()) -> None:
        self.lists: list[_List] = []
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

    def chosen(self) -> Sequence[_List]:
        """Return the list of profiles; nothing if the object is a profile itself.

        Of who came and who went there is a list each. Raises _UnclearError where more than one may
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
            raise _unclear([each.place.path for each in people], others)
        if people:
            return people
        self.has_rows = not self._has_person and any(each.are_rows for each in self.lists)
        if self.has_rows:
            return ()
        rest = [each for each in self.lists if each.may_be_profiles]
        if self._has_person or len(rest) != 1 or (self._depth and not rest[0].pieces):
            return ()
        return () if _is_somebodys(self._beside(rest), rest[0].pieces) else rest

    def _entities(self) -> Sequence[_List]:
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
        return [_List(place, pieces, is_cut)] if pieces else ()

    def profiles(self, *found: _List) -> Sequence[Pushed]:
        """Return the profiles of lists, each with what stands beside them.

        Raises TooManyProfilesError, and _UnclearError if that can't be read or is too large.
        """
        if any(each.is_cut for each in found):
            raise TooManyProfilesError(f"more than {self._opener.most} profiles")
        if self._has_repeated:
            raise _UnclearError(_UNREADABLE_BESIDE)
        beside = self._beside(found)
        return [piece for each in found for piece in self._with_beside(each, beside)]

    def _with_beside(self, found: _List, beside: Json) -> Sequence[Pushed]:
        if found.change:
            beside = {**beside, "action": found.change}
        if not beside:
            return found.pieces
        try:
            encoded = envelopes.encode(beside)
        except ValueError:
            raise _UnclearError(_UNREADABLE_BESIDE) from None
        if len(encoded) > envelopes.MAX_BYTES:
            raise _UnclearError(_TOO_MUCH_BESIDE)
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
        """Note a name that stands twice; raise _UnclearError if it may name the profiles."""
        if envelopes.is_opened(name):
            raise _UnclearError(f'"{name}" stands twice in the body')
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
                self.lists.append(_List(place, pieces, is_cut=True))
                return json_text.end_of(self._text, start)
        self.lists.append(_List(place, pieces))
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
            self.lists.append(_List(place, pieces, most is not None and len(pieces) > most))

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
        self.lists.append(_List(place, [piece]))
        return end

    def _at_its_place(self, start: int, place: _Place) -> int:
        """Take an object where profiles are known to be for people by their ids, or for one."""
        self._by_id(start, place)
        return json_text.end_of(self._text, start) if self.lists else self._lone(start, place)

    def _quoted(self, start: int, place: _Place) -> int:
        """Look at JSON that stands in a text; return where the text ends."""
        text, end = json_text.string(self._text, start)
        found = _List(place, self._opener.of_text(text, self._depth + 1))
        if found.tells_somebody or self._named:
            self.lists.append(found)
        return end

    def _beside(self, found: Sequence[_List]) -> Json:
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
            raise _UnclearError(_TOO_MUCH_BESIDE)
        read = self._opener.reader.value
        try:
            return {name: read(self._text[start:end]) for name, (start, end) in spans.items()}
        except (ValueError, RecursionError):
            raise _UnclearError(_UNREADABLE_BESIDE) from None


def _unclear(places: Sequence[tuple[str, ...]], others: str = "") -> _UnclearError:
    """Return the error that profiles may stand at more than one place."""
    words = " and ".join(f'"{".".join(each)}"' for each in places)
    return _UnclearError(f"the profiles can't be told: {words}{others} may be meant")


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
