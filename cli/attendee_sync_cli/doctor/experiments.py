"""Trials: which single change of the settings may be what RainFocus wants.

RainFocus publishes no error codes to go by, so that the doctor tries changes out. What is listed
here are the ways that public clients have of speaking to RainFocus, and the names that stand in
RainFocus's own messages.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from attendee_sync.attendee import FIELDS
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor.report import Findings

# For one failure.
MAX_EXPERIMENTS = 30
MAX_SECONDS = 90.0

type Path = tuple[str, ...]
type Value = str | Mapping[str, str]

_MISSING = re.compile(r"missing\W+([A-Za-z0-9_.-]{1,64})", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_PLACES = ("header", "query", "both", "off")
_EVENT_PLACES = ("body", "query", "both")
_KINDS = ("json", "form", "array", "wrapped")
# Guesses.
_WRAPPERS = ("attendee", "attendees", "profile", "record", "data")
_HEADERS = ("apiProfile", "rfApiProfileId")  # seen in public clients
_KNOWN_NAMES = {  # seen in public clients
    "countryid": ("countryId", "country"),
    "state": ("stateId", "foreignstate"),
}


@dataclass(frozen=True)
class Change:
    """New values of settings by their paths. The first is the one to name; mostly there is one."""

    values: tuple[tuple[Path, Value], ...]

    @property
    def setting(self) -> str:
        """Path of the setting, such as api_profile.place."""
        return ".".join(self.values[0][0])

    @property
    def words(self) -> str:
        """What is set to what."""
        return " and ".join(f"{'.'.join(path)} = {_shown(value)}" for path, value in self.values)

    def touches(self, section: str) -> bool:
        """Tell whether a setting of a section such as auth changes."""
        return any(path[0] == section for path, _ in self.values)

    def before(self, connection: Connection) -> str:
        """Return the value that the setting to name has now."""
        value: Any = connection.model_dump()
        for key in self.values[0][0]:
            value = value.get(key, "") if isinstance(value, dict) else ""
        return _shown(value)

    def accepted_words(self, connection: Connection) -> str:
        """Say that RainFocus accepts the change of a connection."""
        now = f"{self.setting} is {self.before(connection)} now"
        return f"RainFocus accepts the call with {self.words}; {now}"

    def applied(self, connection: Connection) -> Connection | None:
        """Return the changed connection, or None where it would not be valid or not be new."""
        document = connection.model_dump()
        for path, value in self.values:
            section = document
            for key in path[:-1]:
                section = section[key]
            section[path[-1]] = value
        try:
            changed = Connection.model_validate(document).named(connection.name)
        except ValidationError:
            return None
        return None if changed == connection else changed


def of(path: str, value: Value) -> Change:
    """Return the change of one setting, given by a path such as api_profile.place."""
    return Change(((tuple(path.split(".")), value),))


def for_token(connection: Connection) -> list[Change]:
    """Return what may make the token endpoint grant a token."""
    auth = connection.auth
    return [
        *(of("auth.client_auth", way) for way in ("body", "basic") if way != auth.client_auth),
        *([of("auth.scope", "")] if auth.scope else []),
        *([of("auth.parameters", {})] if auth.parameters else []),
    ]


def for_kind(connection: Connection, credentials: Credentials) -> list[Change]:
    """Return the other way of authentication, if the credentials that it needs are stored."""
    kind: Path = ("auth", "kind")
    shown: Path = ("api_profile", "value")
    if connection.auth.kind == "profile_token":
        if not (credentials.client_secret and connection.auth.token_url):
            return []
        return [
            Change(((kind, "oauth"),)),
            Change(((kind, "oauth"), (shown, "client_id"))),
        ]
    if not credentials.profile_token:
        return []
    return [
        Change(((kind, "profile_token"),)),
        Change(((kind, "profile_token"), (shown, "profile_token"))),
    ]


def for_path(connection: Connection) -> list[Change]:
    """Return what may lead to the API where an unknown page answered."""
    return [of("version", "v2" if connection.version == "v3" else "v3")]


def for_access(connection: Connection, credentials: Credentials, message: str) -> list[Change]:
    """Return what may make RainFocus accept token and API profile."""
    named = missing_parameter(message)
    value = connection.api_profile.value
    changes = [
        *([of("api_profile.name", named)] if named else []),
        *(of("api_profile.place", place) for place in _PLACES),
        *(of("api_profile.name", name) for name in _HEADERS),
    ]
    if value == "profile_token":
        changes.append(of("api_profile.value", "client_id"))
    elif credentials.profile_token:
        changes.append(of("api_profile.value", "profile_token"))
    return [*changes, *for_kind(connection, credentials), *for_path(connection)]


def for_content(connection: Connection, message: str) -> list[Change]:
    """Return what may make RainFocus find in a call what it looks for."""
    named = missing_parameter(message)
    places = [of("event.place", place) for place in _EVENT_PLACES]
    return [
        *(places if named == connection.event.key else []),
        *(_for_missing(named) if named else []),
        *_for_named(connection, message),
        *places,
        *(of("body.kind", kind) for kind in _KINDS),
        *_for_wrapped(connection),
    ]


def missing_parameter(message: str) -> str:
    """Return the parameter that a message calls missing, or nothing."""
    found = _MISSING.search(message)
    return found.group(1).strip(".") if found else ""


def named_fields(connection: Connection, message: str) -> list[str]:
    """Return the attendee fields whose names, as they are sent, stand in a message."""
    words = set(_WORD.findall(message))
    names = connection.fields.names
    return [field for field in FIELDS if names.get(field, field) in words]


def likely(connection: Connection, message: str) -> str:
    """Return the setting that a refusal of a call's content seems to be about, or nothing."""
    fields = named_fields(connection, message)
    lower = message.lower()
    if fields:
        return f"fields.names.{fields[0]}"
    if "event" in lower:
        return "destination.event_code"
    if "body" in lower or "json" in lower or "format" in lower:
        return "body.wrapped_under" if connection.body.kind == "wrapped" else "body.kind"
    if lower == "success":
        return "answers.success_codes"
    return "fields.match_key" if missing_parameter(message) else ""


def run(
    connection: Connection,
    changes: Iterable[Change],
    accepted: Callable[[Change, Connection], bool],
    findings: Findings,
) -> Change | None:
    """Try changes one at a time, and return the first that is accepted, if there is time."""
    usable = list(_usable(connection, changes))[:MAX_EXPERIMENTS]
    deadline = time.monotonic() + MAX_SECONDS
    for number, (change, changed) in enumerate(usable, 1):
        if time.monotonic() > deadline:
            return None
        findings.progress(f"trying {change.words} ({number} of {len(usable)})")
        findings.experiments += 1
        if accepted(change, changed):
            return change
    return None


def _usable(
    connection: Connection, changes: Iterable[Change]
) -> Iterator[tuple[Change, Connection]]:
    seen: list[Connection] = []
    for change in changes:
        changed = change.applied(connection)
        if changed and changed not in seen:
            seen.append(changed)
            yield change, changed


def _for_missing(named: str) -> Iterator[Change]:
    """Return what a missing parameter can be: API profile, event, match key, or a field."""
    lower = named.lower()
    # Before the match key: under the event's key anything passes for an event code.
    yield of("event.key", named)
    if "sha" in lower:
        yield Change(
            ((("fields", "match_key"), named), (("fields", "match_value"), "email_sha256"))
        )
    elif "mail" in lower:
        yield Change(((("fields", "names", "email"), named),))
    yield of("fields.match_key", named)
    for field in FIELDS:
        if field in lower:
            yield Change(((("fields", "names", field), named),))
    yield of("api_profile.name", named)


def _for_named(connection: Connection, message: str) -> Iterator[Change]:
    for field in named_fields(connection, message):
        for name in (field, *_KNOWN_NAMES.get(field, ())):
            yield Change(((("fields", "names", field), name),))
    if connection.fields.match_key in _WORD.findall(message):
        yield of("fields.match_key", "email")


def _for_wrapped(connection: Connection) -> list[Change]:
    if connection.body.kind == "wrapped":
        return [of("body.wrapped_under", name) for name in _WRAPPERS]
    return [
        Change(((("body", "kind"), "wrapped"), (("body", "wrapped_under"), name)))
        for name in _WRAPPERS
    ]


def _shown(value: object) -> str:
    return str(value) if value else "(empty)"
