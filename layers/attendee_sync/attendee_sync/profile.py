"""Profiles: finding them in a pushed body, and reading one whatever its sender's shape.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import json
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from attendee_sync import attendee

type Json = dict[str, Any]
type Mapped = Callable[[Json], object]

_NDJSON_TYPES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-lines",
)
_LIST = "profiles"
_WHITE_SPACE = " \t\r\n"
_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE = re.compile(r"[^ \t\r\n][^\n]*")  # from its first character on; blank ones are passed over
# What decides where a value ends: runs of brackets and whole strings. Possessive, so that none is
# looked at twice.
_BRACKETS = re.compile(r'[\[{]++|[\]}]++|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

_ADDRESSES = ("workAddress", "mailingAddress", "homeAddress", "billingAddress", "shippingAddress")
_STATES = ("realized", "exited", "existing")
_WRAPPERS = ("entity", "xdm", "attributes", "traits")
_EMAIL_ATTRIBUTES = ("email", "emailAddress", "personalEmail", "workEmail")
_HASH_NAMESPACES = ("email_lc_sha256", "email_sha256", "emailsha256", "email_hash")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PREFIXED_DEPTH = 20
_LENIENT = json.JSONDecoder(parse_int=str, parse_constant=str)  # finds a value's end
_TOO_DEEP = "nested too deeply to be a profile"


class UnreadableBodyError(Exception):
    """Nothing in the body can be read as a profile; the text says why and where."""


class TooManyProfilesError(Exception):
    """A body holds more profiles than are taken; those past the limit were not looked at."""


@dataclass(frozen=True)
class Pushed:
    """One profile of a body: its text as it was pushed, and its value or what is wrong with it."""

    text: str
    profile: Json | None = None
    fault: str = ""


def split(body: str, content_type: str = "", most: int | None = None) -> list[Pushed]:
    """Return the profiles of a body, in order, each with its own text.

    A body is one JSON object, an array of them, `{"profiles": [...]}`, or newline-delimited JSON.
    Raises UnreadableBodyError, with the position, if not one profile can be read, and
    TooManyProfilesError as soon as there are more than `most`.
    """
    pieces = _lines(body) if is_ndjson(body, content_type) else _values(body)
    pushed: list[Pushed] = []
    try:
        for piece in pieces:
            if len(pushed) == most:
                raise TooManyProfilesError(f"more than {most} profiles")
            pushed.append(piece)
    except json.JSONDecodeError as error:
        raise UnreadableBodyError(f"not JSON: {_position(error)}") from error
    except RecursionError as error:
        raise UnreadableBodyError(_TOO_DEEP) from error
    if not pushed:
        raise UnreadableBodyError("no profile in the body: the list is empty")
    if all(piece.profile is None for piece in pushed):
        raise UnreadableBodyError(f"no profile in the body; at index 0: {pushed[0].fault}")
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
    line = first[0].rstrip(_WHITE_SPACE)
    try:
        return _end(line, 0) == len(line)
    except (ValueError, RecursionError):
        return False


def of_line(line: str) -> Pushed:
    """Return what a line of newline-delimited JSON holds that is not blank."""
    return _of_line(line.strip(_WHITE_SPACE), _Reader())


def read(document: Json) -> Json:
    """Return a profile in one shape, whatever its sender's.

    Attributes stand at the top: what Destination SDK bodies keep under `attributes` (plain, or as
    `{"value": ...}`), Segment and RudderStack under `traits` or `context.traits`, Adobe's Profile
    API under `entity`, event forwarding under `xdm`. `xdm:` before names is dropped. `address` is
    one of XDM's addresses (work, mailing, home, billing, shipping; the first there is).
    `identityMap` has lower-case namespaces with lists of objects, whatever form the identities
    came in, and `segmentMembership` lower-case states.
    """
    profile = _unwrapped(document)
    for name in profile:
        if name.startswith("xdm:"):
            profile = _without_prefix(profile)
            break
    if profile.get("address") is None:
        profile["address"] = _chosen_address(profile)
    if not _has_usual_identities(profile):
        profile["identityMap"] = _identity_map(profile)
    if not _has_usual_memberships(profile):
        profile["segmentMembership"] = _memberships(profile)
    return profile


def _has_usual_identities(profile: Json) -> bool:
    """Tell whether identities are in the one shape already, as most are."""
    by_namespace = profile.get("identityMap")
    if not isinstance(by_namespace, dict) or "identities" in profile:
        return False
    for namespace, listed in by_namespace.items():
        if not namespace.islower() or not isinstance(listed, list):
            return False
        for each in listed:
            if not isinstance(each, dict) or "id" not in each:
                return False
    return True


def _has_usual_memberships(profile: Json) -> bool:
    """Tell whether memberships are in the one shape already, as most are."""
    by_namespace = profile.get("segmentMembership")
    if not isinstance(by_namespace, dict):
        return False
    for namespace, audiences in by_namespace.items():
        if not namespace.islower() or not isinstance(audiences, dict):
            return False
        for each in audiences.values():
            if not isinstance(each, dict) or each.get("status") not in _STATES:
                return False
    return True


def _chosen_address(profile: Json) -> Json:
    """Return one of XDM's addresses, so that a street is never paired with another's city."""
    for name in _ADDRESSES:
        address = profile.get(name)
        if isinstance(address, dict) and address:
            return address
    return {}


def email_of(profile: Json, mapped: Mapped | None = None) -> str | None:
    """Return the normalised e-mail address of a profile that was read, or None.

    The first that has the shape of one: what the destination maps to the e-mail address, or
    else the attributes `email`, `emailAddress`, `personalEmail`, `workEmail`; then the identity
    marked primary, then the first identity. A hash never has that shape.
    """
    for candidate in _candidates(profile, mapped, "email"):
        email = attendee.normalise_email(candidate)
        if attendee.is_email(email):
            return email
    return None


def email_hash_of(profile: Json, email: str | None, mapped: Mapped | None = None) -> str:
    """Return the SHA-256 of a profile's e-mail address (64 hex digits), or an empty text.

    Computed if the address is known, else the first that was pushed: in place of the address, as
    an identity in a namespace of hashes such as `email_lc_sha256`, or as an attribute of its name.
    """
    if email:
        return attendee.email_sha256(email)
    attributes = (each for each in map(profile.get, _HASH_NAMESPACES) if isinstance(each, str))
    candidates = _candidates(profile, mapped, "email", *_HASH_NAMESPACES)
    for candidate in itertools.chain(candidates, attributes):
        text = candidate.strip().lower()
        if _SHA256.fullmatch(text):
            return text
    return ""


def memberships(profile: Json) -> dict[str, set[str]]:
    """Return the states of a profile's audience memberships by audience id, in any namespace."""
    states: dict[str, set[str]] = {}
    for audiences in profile["segmentMembership"].values():
        for audience, membership in audiences.items():
            states.setdefault(audience, set()).add(membership["status"])
    return states


def states(profile: Json) -> set[str]:
    """Return the states of all audience memberships of a profile."""
    return {
        membership["status"]
        for audiences in profile["segmentMembership"].values()
        for membership in audiences.values()
    }


def _candidates(profile: Json, mapped: Mapped | None, *namespaces: str) -> Iterator[str]:
    attributes = [mapped(profile)] if mapped else map(profile.get, _EMAIL_ATTRIBUTES)
    for value in attributes:
        if value is None:
            continue
        candidate = value.get("address") if isinstance(value, dict) else value
        if isinstance(candidate, str):
            yield candidate
    by_namespace = profile["identityMap"]
    identities = [each for namespace in namespaces for each in by_namespace.get(namespace, ())]
    identities.sort(key=lambda identity: identity.get("primary") is not True)  # keeps their order
    for each in identities:
        if isinstance(each.get("id"), str):
            yield each["id"]


def _without_prefix(value: Any, depth: int = 0) -> Any:
    """Return a value without `xdm:` before its names, as the XDM registry writes them."""
    if depth > _PREFIXED_DEPTH:
        return value
    if isinstance(value, dict):
        return {
            name.removeprefix("xdm:"): _without_prefix(each, depth + 1)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_without_prefix(each, depth + 1) for each in value]
    return value


def _unwrapped(document: Json) -> Json:
    profile = dict(document)
    if len(profile) == 1:
        [only] = profile.values()
        if isinstance(only, dict) and isinstance(only.get("entity"), dict):
            profile = dict(only)  # the Profile API answers with entities by id
    for wrapper in _WRAPPERS:
        if wrapper in profile and isinstance(profile[wrapper], dict):
            profile |= _plain(profile.pop(wrapper))
    context = profile.get("context")
    if isinstance(context, dict) and isinstance(context.get("traits"), dict):
        profile = _plain(context["traits"]) | profile
    return profile


def _plain(attributes: Json) -> Json:
    """Return attributes without the objects around freeform ones; empty ones are absent."""
    found: Json = {}
    for name, value in attributes.items():
        if not isinstance(value, dict) or value.keys() - {"value"}:
            found[name] = value
        elif value:
            found[name] = value["value"]
    return found


def _identity_map(profile: Json) -> dict[str, list[Json]]:
    identities: dict[str, list[Json]] = {}
    by_namespace = profile.get("identityMap")
    if isinstance(by_namespace, dict):
        for namespace, listed in by_namespace.items():
            found = [_identity(each) for each in (listed if isinstance(listed, list) else [listed])]
            identities.setdefault(namespace.lower(), []).extend(found)
    listed = profile.get("identities")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            namespace = each.get("namespace", each.get("type"))
            code = namespace.get("code") if isinstance(namespace, dict) else namespace
            identities.setdefault(str(code).lower(), []).append(_identity(each))
    return identities


def _identity(value: object) -> Json:
    if not isinstance(value, dict):
        return {"id": value}
    return value if "id" in value else {**value, "id": value.get("value")}


def _memberships(profile: Json) -> dict[str, dict[str, Json]]:
    """Return memberships by namespace and audience, each with its state in lower case.

    XDM's default state is realized. A text in place of a membership is taken for its state.
    """
    found: dict[str, dict[str, Json]] = {}
    pushed = profile.get("segmentMembership")
    for namespace, audiences in pushed.items() if isinstance(pushed, dict) else ():
        if not isinstance(audiences, dict):
            continue
        known = found.setdefault(namespace.lower(), {})
        for audience, pushed_one in audiences.items():
            membership = {"status": pushed_one} if isinstance(pushed_one, str) else pushed_one
            if isinstance(membership, dict):
                status = str(membership.get("status") or "realized").lower()
                known[audience] = {**membership, "status": status}
    return found


def _lines(body: str) -> Iterator[Pushed]:
    reader = _Reader()
    for line in _LINE.finditer(body):
        yield _of_line(line[0].rstrip(_WHITE_SPACE), reader)


def _of_line(text: str, reader: "_Reader") -> Pushed:
    try:
        end, pushed = reader.piece(text, 0)
    except json.JSONDecodeError as error:
        return Pushed(text, fault=f"not JSON: {_position(error)}")
    except RecursionError:
        return Pushed(text, fault=_TOO_DEEP)
    is_more = _skip(text, end) < len(text)
    return Pushed(text, fault="more than one JSON value on a line") if is_more else pushed


def _values(body: str) -> Iterator[Pushed]:
    """Yield the profiles of a JSON body; what follows the last is looked at in the end."""
    start = _skip(body, 0)
    if start == len(body):
        raise UnreadableBodyError("the body is empty")
    reader = _Reader()
    if body[start] == "[":
        end = yield from _array(body, start, reader)
    else:
        end = yield from _object(body, start, reader)
    if _skip(body, end) < len(body):
        raise json.JSONDecodeError("Extra data", body, _skip(body, end))


def _array(body: str, start: int, reader: "_Reader") -> Generator[Pushed, None, int]:
    """Yield the elements of the array that starts at `start`; return where it ends."""
    at = _skip(body, start + 1)
    if body.startswith("]", at):
        return at + 1
    while True:
        end, piece = reader.piece(body, at)
        yield piece
        at = _skip(body, end)
        if body.startswith("]", at):
            return at + 1
        at = _after_comma(body, at)


def _object(body: str, start: int, reader: "_Reader") -> Generator[Pushed, None, int]:
    """Yield the elements of an object's list of profiles, or else the object; return its end."""
    found = _profiles(body, start)
    if found is None:
        end, piece = reader.piece(body, start)
        yield piece
        return end
    end = yield from _array(body, found, reader)
    return _end_of_envelope(body, _skip(body, end))


def _profiles(body: str, start: int) -> int | None:
    """Return where an object's list of profiles starts; None if it is something else."""
    if '"profiles"' not in body or not body.startswith("{", start):
        return None
    at = _skip(body, start + 1)
    is_found = False
    while body.startswith('"', at):
        name, at = _member(body, at)
        if name == _LIST:
            _refuse_second(is_found)
            if body.startswith("[", at):
                return at
            is_found = True
        at = _skip(body, _end(body, at))
        if body.startswith("}", at):
            return None
        at = _after_comma(body, at)
    return None


def _end_of_envelope(body: str, at: int) -> int:
    """Return where an object ends of which the list of profiles was read."""
    while not body.startswith("}", at):
        at = _after_comma(body, at)
        name, at = _member(body, at)
        _refuse_second(name == _LIST)
        at = _skip(body, _end(body, at))
    return at + 1


def _refuse_second(is_second: bool) -> None:
    """Raise UnreadableBodyError for a second list: to take one would lose the other in silence."""
    if is_second:
        raise UnreadableBodyError('"profiles" stands twice in the body')


def _member(body: str, at: int) -> tuple[str, int]:
    """Return the name of a member of an object, and where its value starts."""
    if not body.startswith('"', at):
        message = "Expecting property name enclosed in double quotes"
        raise json.JSONDecodeError(message, body, at)
    name, end = _LENIENT.raw_decode(body, at)
    at = _skip(body, end)
    if not body.startswith(":", at):
        raise json.JSONDecodeError("Expecting ':' delimiter", body, at)
    return name, _skip(body, at + 1)


def _after_comma(body: str, at: int) -> int:
    if not body.startswith(",", at):
        raise json.JSONDecodeError("Expecting ',' delimiter", body, at)
    return _skip(body, at + 1)


def _end(body: str, start: int) -> int:
    """Return where the JSON value at `start` ends, however deeply it is nested."""
    try:
        return _LENIENT.raw_decode(body, start)[1]
    except RecursionError:
        return _end_of_nested(body, start)


def _end_of_nested(body: str, start: int) -> int:
    """Return where the brackets that open at `start` are closed.

    Whether it is JSON in between is not looked at: what is this deep is no profile anyhow. Raises
    RecursionError if they are not closed.
    """
    depth = 0
    for found in _BRACKETS.finditer(body, start):
        first = body[found.start()]
        if first in "[{":
            depth += found.end() - found.start()
        elif first != '"':
            depth -= found.end() - found.start()
            if depth <= 0:
                return found.end() + depth
    raise RecursionError


class _Reader:
    """Reads the pieces of one body, all with one decoder."""

    def __init__(self) -> None:
        self._has_repeated = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._members, parse_constant=_refuse_constant
        )

    def piece(self, body: str, start: int) -> tuple[int, Pushed]:
        """Read the JSON value at `start`; return where it ends, and what it is."""
        self._has_repeated = False
        try:
            value, end = self._decoder.raw_decode(body, start)
        except json.JSONDecodeError:
            raise
        except ValueError:  # NaN, Infinity, or an integer of more than 4,300 digits
            end = _end(body, start)
            return end, Pushed(body[start:end], fault="a number is NaN, Infinity or out of range")
        except RecursionError:
            end = _end_of_nested(body, start)
            return end, Pushed(body[start:end], fault=_TOO_DEEP)
        text = body[start:end]
        if self._has_repeated:
            return end, Pushed(text, fault="an object has the same key twice")
        if not isinstance(value, dict):
            return end, Pushed(text, fault=f"a profile is a JSON object, not {_name(value)}")
        return end, Pushed(text, value)

    def _members(self, pairs: list[tuple[str, Any]]) -> Json:
        found = dict(pairs)
        if len(found) < len(pairs):
            self._has_repeated = True
        return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _position(error: json.JSONDecodeError) -> str:
    return f"{error.msg} (line {error.lineno}, column {error.colno})"


def _name(value: object) -> str:
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        str: "a string",
        list: "an array",
        int: "a number",
        float: "a number",
    }
    return names[type(value)]
