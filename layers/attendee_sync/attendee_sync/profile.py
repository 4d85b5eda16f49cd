"""Profiles: finding them in a pushed body, and reading one whatever its sender's shape.

Imports the standard library alone, since ingest uses it.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
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
_WHITE_SPACE = " \t\r\n"

_ADDRESSES = ("workAddress", "mailingAddress", "homeAddress", "billingAddress", "shippingAddress")
_STATES = ("realized", "exited", "existing")
_WRAPPERS = ("entity", "xdm", "attributes", "traits")
_EMAIL_ATTRIBUTES = ("email", "emailAddress", "personalEmail", "workEmail")
_HASH_NAMESPACES = ("email_lc_sha256", "email_sha256", "emailsha256", "email_hash")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PREFIXED_DEPTH = 20
_LENIENT = json.JSONDecoder(parse_int=str, parse_constant=str)  # finds a value's end


class UnreadableBodyError(Exception):
    """Nothing in the body can be read as a profile; the text says why and where."""


@dataclass(frozen=True)
class Pushed:
    """One profile of a body: its text as it was pushed, and its value or what is wrong with it."""

    text: str
    profile: Json | None = None
    fault: str = ""


def split(body: str, content_type: str = "") -> list[Pushed]:
    """Return the profiles of a body, in order, each with its own text.

    A body is one JSON object, an array of them, `{"profiles": [...]}`, or newline-delimited JSON.
    Raises UnreadableBodyError, with the position, if not one profile can be read.
    """
    try:
        pushed = list(_split_lines(body) if is_ndjson(body, content_type) else _split_json(body))
    except json.JSONDecodeError as error:
        raise UnreadableBodyError(f"not JSON: {_position(error)}") from error
    except RecursionError as error:
        raise UnreadableBodyError("nested too deeply to be a profile") from error
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
    first_line, newline, rest = body.strip(_WHITE_SPACE).partition("\n")
    if not newline or not rest or not first_line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first_line), dict)
    except (ValueError, RecursionError):
        return False


def of_line(line: str) -> Pushed:
    """Return what a line of newline-delimited JSON holds that is not blank."""
    text = line.strip(_WHITE_SPACE)
    try:
        end, pushed = _piece(text, 0)
    except json.JSONDecodeError as error:
        return Pushed(text, fault=f"not JSON: {_position(error)}")
    except RecursionError:
        return Pushed(text, fault="nested too deeply to be a profile")
    is_more = _skip(text, end) < len(text)
    return Pushed(text, fault="more than one JSON value on a line") if is_more else pushed


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


def _split_lines(body: str) -> Iterator[Pushed]:
    for line in body.split("\n"):
        if line.strip(_WHITE_SPACE):
            yield of_line(line)


def _split_json(body: str) -> Iterator[Pushed]:
    start = _skip(body, 0)
    if start == len(body):
        raise UnreadableBodyError("the body is empty")
    if body[start] == "[":
        end, pieces = _array(body, start)
    else:
        envelope = _profiles_array(body, start)
        if envelope is None:
            end, piece = _piece(body, start)
            pieces = [piece]
        else:
            end, pieces = envelope
    if _skip(body, end) < len(body):
        raise json.JSONDecodeError("Extra data", body, _skip(body, end))
    yield from pieces


def _array(body: str, start: int) -> tuple[int, list[Pushed]]:
    """Read the array that starts at `start`, keeping the text of each element."""
    pieces: list[Pushed] = []
    at = _skip(body, start + 1)
    if body[at : at + 1] == "]":
        return at + 1, pieces
    while True:
        end, piece = _piece(body, at)
        pieces.append(piece)
        at = _skip(body, end)
        if body[at : at + 1] == "]":
            return at + 1, pieces
        if body[at : at + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", body, at)
        at = _skip(body, at + 1)


def _profiles_array(body: str, start: int) -> tuple[int, list[Pushed]] | None:
    """Read an object with a member `profiles` that is an array; None if it is something else."""
    pieces: list[Pushed] | None = None
    at = _skip(body, start + 1) if '"profiles"' in body else start
    while body.startswith('"', at):
        name, at = _LENIENT.raw_decode(body, at)
        at = _skip(body, at)
        if not body.startswith(":", at):
            return None
        at = _skip(body, at + 1)
        if name == "profiles" and body.startswith("[", at):
            at, pieces = _array(body, at)
        else:
            _, at = _LENIENT.raw_decode(body, at)
        at = _skip(body, at)
        if body.startswith("}", at):
            return None if pieces is None else (at + 1, pieces)
        if not body.startswith(",", at):
            return None
        at = _skip(body, at + 1)
    return None


def _piece(body: str, start: int) -> tuple[int, Pushed]:
    """Read the JSON value at `start`; return where it ends, and what it is."""
    repeated: list[str] = []
    try:
        value, end = _decoder(repeated).raw_decode(body, start)
    except json.JSONDecodeError:
        raise
    except ValueError:  # NaN, Infinity, or an integer of more than 4,300 digits
        _, end = _LENIENT.raw_decode(body, start)
        return end, Pushed(body[start:end], fault="a number is NaN, Infinity or out of range")
    text = body[start:end]
    if repeated:
        return end, Pushed(text, fault="an object has the same key twice")
    if not isinstance(value, dict):
        return end, Pushed(text, fault=f"a profile is a JSON object, not {_name(value)}")
    return end, Pushed(text, value)


def _decoder(repeated: list[str]) -> json.JSONDecoder:
    def members(pairs: list[tuple[str, Any]]) -> Json:
        found = dict(pairs)
        if len(found) < len(pairs):
            repeated.append("")
        return found

    return json.JSONDecoder(object_pairs_hook=members, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE_SPACE:
        at += 1
    return at


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
