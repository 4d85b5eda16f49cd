"""Bodies of pushes: finding the profiles in them, each with its own text.

Imports the standard library alone, since ingest uses it.
"""

import functools
import json
import re
from collections.abc import Iterator, Sequence

from attendee_sync.profile import (
    attendance,
    envelopes,
    identity,
    json_text,
    persons,
    tables,
    unknown_lists,
)
from attendee_sync.profile.envelope_search import EnvelopeSearch, UnclearError, unclear
from attendee_sync.profile.pieces import (
    TOO_DEEP,
    Array,
    PieceReader,
    Pushed,
    TooManyProfilesError,
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
_NAMELESS_ROWS = "the rows are arrays; expected are objects, with a name for each value"


class UnreadableBodyError(Exception):
    """Nothing in the body can be read as a profile; the text says why and where."""


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
    except UnclearError as error:
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
        array = Array(body, start, opener.reader)
        for n, piece in enumerate(array):
            if n == 0 and (one := opener.of_pairs(body, piece)):
                yield one
                return
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

    def of_pairs(self, text: str, first: Pushed) -> Pushed | None:
        """Return the person of a list of names and values, as LeadSquared pushes; None if none is.

        `first` is its first element. https://apidocs.leadsquared.com/webhooks/
        """
        if first.profile is None or not persons.are_attributes([first.profile]):
            return None
        try:
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
        if piece.text.startswith("["):
            first = next(iter(Array(piece.text, 0, self.reader)), piece)
            return [self.of_pairs(piece.text, first) or piece]
        try:
            is_known = self._may_be_envelope(piece)
            look = self._open if is_known else functools.partial(self._unknown, piece)
            opened = look(piece.text, 0, depth)
        except (json.JSONDecodeError, RecursionError):  # only brackets were looked at
            return [piece]
        except UnclearError as error:
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
        search = EnvelopeSearch(text, self, depth)
        chosen = search.chosen() if search.look(start) else ()
        if chosen and not all(each.may_be_rows for each in chosen):
            return search.end, search.profiles(*chosen)
        end, piece = self.reader.piece(text, start)
        found = self._unknown(piece, text, start, depth)
        if not found and search.has_rows and piece.profile is not None:
            raise UnclearError(_NAMELESS_ROWS)
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
            raise unclear(places)
        if places:
            return self._at(places[0], text, start, depth)
        rows = [] if persons.is_somebody(piece.profile) else tables.rows_of(piece.profile)
        return (start + len(piece.text), _of_rows(rows)) if rows else None

    def _at(
        self, place: tuple[str, ...], text: str, start: int, depth: int
    ) -> tuple[int, Sequence[Pushed]] | None:
        """Return what _open() does of an object whose profiles stand at one place alone."""
        search = EnvelopeSearch(text, self, depth, place)
        search.look(start)
        return (search.end, search.profiles(search.lists[0])) if search.lists else None
