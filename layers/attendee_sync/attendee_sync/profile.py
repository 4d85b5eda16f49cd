"""Profiles: finding them in a pushed body, and reading one whatever its sender's shape.

Imports the standard library alone, since ingest uses it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from attendee_sync import attendee

type Json = dict[str, Any]

_NDJSON_TYPES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-lines",
)
_WHITE_SPACE = " \t\r\n"
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
        pushed = list(_split_lines(body) if _is_ndjson(body, content_type) else _split_json(body))
    except json.JSONDecodeError as error:
        raise UnreadableBodyError(f"not JSON: {_position(error)}") from error
    except RecursionError as error:
        raise UnreadableBodyError("nested too deeply to be a profile") from error
    if not pushed:
        raise UnreadableBodyError("no profile in the body: the list is empty")
    if all(piece.profile is None for piece in pushed):
        raise UnreadableBodyError(f"no profile in the body; at index 0: {pushed[0].fault}")
    return pushed


def read(document: Json) -> Json:
    """Return a profile with its attributes at the top, whatever the sender's shape.

    Destination SDK bodies keep them under `attributes`, plain or as `{"value": ...}`; other
    customer-data platforms under `traits`. XDM documents stay as they are.
    """
    profile = dict(document)
    for wrapper in ("attributes", "traits"):
        inner = profile.get(wrapper)
        if not isinstance(inner, dict):
            continue
        del profile[wrapper]
        for name, value in inner.items():
            if _is_freeform(value):
                profile.update({name: value["value"]} if "value" in value else {})
            else:
                profile[name] = value
    return profile


def email_of(profile: Json) -> str | None:
    """Return the normalised e-mail address of a profile that was read, or None.

    The first that has the shape of one: attributes (`email`, `emailAddress`, `personalEmail`,
    `workEmail`), then the identity marked primary, then the first identity.
    """
    for candidate in _email_candidates(profile):
        if not isinstance(candidate, str):
            continue
        email = attendee.normalise_email(candidate)
        if attendee.is_email(email):
            return email
    return None


def _email_candidates(profile: Json) -> Iterator[object]:
    for name in ("email", "emailAddress", "personalEmail", "workEmail"):
        value = profile.get(name)
        yield value.get("address") if isinstance(value, dict) else value
    identities = list(_email_identities(profile))
    yield from (each.get("id") for each in identities if each.get("primary") is True)
    yield from (each.get("id") for each in identities)


def _email_identities(profile: Json) -> Iterator[Json]:
    """Yield identities of the namespace `email`, from `identityMap` or a list of identities."""
    by_namespace = profile.get("identityMap")
    if isinstance(by_namespace, dict):
        for namespace, identities in by_namespace.items():
            if namespace.lower() == "email" and isinstance(identities, list):
                yield from (each for each in identities if isinstance(each, dict))
    listed = profile.get("identities")
    if isinstance(listed, list):
        for each in listed:
            if isinstance(each, dict) and str(each.get("type")).lower() == "email":
                yield each


def _is_freeform(value: object) -> bool:
    return isinstance(value, dict) and value.keys() <= {"value"}


def _is_ndjson(body: str, content_type: str) -> bool:
    if content_type.partition(";")[0].strip().lower() in _NDJSON_TYPES:
        return True
    first_line, newline, rest = body.strip(_WHITE_SPACE).partition("\n")
    if not newline or not rest or not first_line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(first_line), dict)
    except (ValueError, RecursionError):
        return False


def _split_lines(body: str) -> Iterator[Pushed]:
    for line in body.split("\n"):
        text = line.strip(_WHITE_SPACE)
        if not text:
            continue
        try:
            end, pushed = _piece(text, 0)
        except json.JSONDecodeError as error:
            yield Pushed(text, fault=f"not JSON: {_position(error)}")
        except RecursionError:
            yield Pushed(text, fault="nested too deeply to be a profile")
        else:
            extra = _skip(text, end) < len(text)
            yield Pushed(text, fault="more than one JSON value on a line") if extra else pushed


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
