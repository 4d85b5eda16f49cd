"""Trials: which changes of the settings may be what RainFocus wants.

RainFocus publishes no error codes to go by, so that the doctor tries changes out. What is listed
here are the ways that public clients have of speaking to RainFocus and that APIs of this kind have
of being spoken to, and the names that stand in the server's own words (see hints).
"""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import quote_plus

from attendee_sync.http_client import is_success
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import field_names, hints, shapes, signs
from attendee_sync_cli.doctor.answers import NOT_FOUND, Seen, Stage
from attendee_sync_cli.doctor.changes import (
    Change,
    Value,
    any_of,
    as_header,
    as_name,
    as_names,
    as_parameter,
    both,
    moved,
    of,
)

_PLACES: Final = ("header", "query", "both", "off")
_EVENT_PLACES: Final = ("body", "query", "both")
_EVENT_KEYS: Final = ("event", "eventCode", "eventId", "event_code", "eventcode", "event_id")
# Guesses.
_WRAPPERS: Final = (
    *("attendee", "attendees", "data", "profile", "record", "person", "contact", "payload"),
    *("registrant", "participant", "items", "records", "profiles", "body", "request", "user"),
    *("member", "customer", "registration", "guest", "fields"),
)
_LISTS: Final = (
    *("attendees", "data", "records", "items", "profiles", "contacts", "people", "payload"),
    *("users", "registrants", "batch"),
)
_PROFILE_NAMES: Final = ("apiProfile", "rfApiProfileId")  # seen in public clients
# Where else a token may stand; rfAuthToken and authToken are among the headers that RainFocus's
# API allows (seen).
_TOKEN_HEADERS: Final = (
    *("X-Auth-Token", "authToken", "rfAuthToken", "X-Access-Token", "X-API-Key", "Access-Token"),
    *("token", "X-Authorization", "apikey", "X-Api-Token", "X-RF-Token", "X-RainFocus-Token"),
    *("X-Token", "X-Session-Token", "session"),
)
# Of API keys, as gateways and public APIs call them.
_KEY_PARAMETERS: Final = ("key", "apikey", "api_key", "apiKey", "access_token", "token", "api-key")
_KEY_SCHEMES: Final = ("ApiKey ", "Token ", "Key ", "", "apikey ", "Basic ")
_COOKIES: Final = ("JSESSIONID", "session", "SESSION", "sid", "sessionid", "token", "PHPSESSID")
_TOKEN_PARAMETERS: Final = ("access_token", "authToken", "token", "rfAuthToken", "auth_token")
_SCHEMES: Final = ("Token", "OAuth", "JWT", "bearer", "token")
_PATHS: Final = (
    *("/api/{org_id}/{version}/{call}", "/api/{version}/{org_id}/{call}", "/api/{version}/{call}"),
    *(
        "/{org_id}/api/{version}/{call}",
        "/{org_id}/{version}/{call}",
        "/{version}/{org_id}/{call}",
        "/{version}/{call}",
    ),
    *(
        "/rest/{version}/{org_id}/{call}",
        "/rest/{org_id}/{version}/{call}",
        "/rest/{version}/{call}",
    ),
    *("/api/{org_id}/{call}", "/api/{call}", "/rest/{call}", "/{org_id}/{call}", "/{call}"),
)
_VERSIONS: Final = ("v3", "v2", "v1")
_STARTS: Final = ("/api/{org_id}/{version}", "/api/{version}", "/api/{version}/{org_id}")
_ENDS: Final = (
    *("/attendees", "/attendee", "/events/{event}/attendees", "/attendees/{email}"),
    *("/events/{event}/attendees/{email}", "/attendee/{email}", "/attendee/upsert"),
    *("/event/{event}/attendee/store", "/{event}/attendee/store", "/attendee/update"),
    *("/events/{event}/attendee/store", "/attendees/store", "/attendee/create"),
)
# A tenant's own paths.
_TENANTS: Final = tuple(
    f"{start}/{word}/{{org_id}}"
    for word in ("orgs", "organizations", "tenants", "accounts")
    for start in ("", "/api/{version}", "/{version}", "/api")
)
_TENANT_ENDS: Final = ("/attendees", "/attendee/store", "/events/{event}/attendees")
# What asks for JSON in the place of a page.
_FORMATS: Final = (("format", "json"), ("output", "json"), ("f", "json"), ("alt", "json"))
_METHODS: Final = ("PUT", "PATCH", "POST", "GET")
_TOKEN_MEMBERS: Final = (
    ("clientId", "clientSecret"),
    ("apiKey", "apiSecret"),
    ("username", "password"),
    ("key", "secret"),
    ("id", "secret"),
    ("client", "secret"),
    ("user", "pass"),
    ("user", "password"),
    ("appId", "appSecret"),
    ("app_id", "app_secret"),
    ("api_key", "api_secret"),
    ("consumer_key", "consumer_secret"),
)
_TOKEN_CALL_HEADERS: Final = (
    ("X-Client-Id", "X-Client-Secret"),
    ("X-API-Key", "X-API-Secret"),
    ("client_id", "client_secret"),
    ("clientId", "clientSecret"),
)


def after(
    connection: Connection, credentials: Credentials, seen: Seen, said_before: str = ""
) -> Iterator[Change]:
    """Yield what may lead further than what is seen, the likeliest first.

    `said_before` is what was refused before the last change.
    """
    if seen.stage is Stage.TOKEN:
        if seen.status == NOT_FOUND:  # there may be no such endpoint
            yield from for_kind(connection, credentials)
        yield from hints.for_token(connection, seen)
        yield from for_token(connection, credentials)
        yield from for_kind(connection, credentials)
        return
    if seen.read and seen.read.is_page and is_success(seen.read.status):
        yield from for_page()
        if seen.is_shown:
            return  # nothing else is amiss
    if seen.stage is Stage.UNREAD and seen.read:
        is_stored, of_new = seen.is_shown, seen.of_new
        yield from signs.of(seen.read, connection, is_stored=is_stored, of_new=of_new)
        if seen.is_shown:
            return  # nothing else is amiss
        if seen.is_silent:
            guesses = signs.of(seen.read, connection, is_stored=True, of_new=of_new)
            yield from (replace(each, is_guess=True) for each in guesses)
    for change in hints.for_call(connection, credentials, seen, said_before):
        yield from shapes.with_constants(connection, change)
        yield change
    for name in _order(seen.stage):
        yield from _family(name, connection, credentials)


def _family(name: str, connection: Connection, credentials: Credentials) -> list[Change]:
    """Return the changes of one kind, which are many, made only when it is their turn."""
    match name:
        case "path":
            return for_path(connection)
        case "access":
            return [*for_access(connection, credentials), *for_kind(connection, credentials)]
        case "event":
            return for_event()
        case "body":
            return for_body(connection)
        case _:
            return for_fields()


def _order(stage: Stage) -> tuple[str, ...]:
    match stage:
        case Stage.PATH:
            return "path", "access", "event", "body", "fields"
        case Stage.ACCESS | Stage.ENDPOINT:
            return "access", "path", "event", "body", "fields"
        case _:
            return "event", "body", "fields", "access", "path"


def for_read(changes: Iterator[Change]) -> Iterator[Change]:
    """Yield of changes those that matter to a read, which shows little of how a write is made."""
    for change in changes:
        if not change.touches("body") and not _is_of_writes(change):
            yield change


def _is_of_writes(change: Change) -> bool:
    mine = ("url", "method", "body")
    return any(path[0] == "call" and path[1] in mine for path, _ in change.values)


def for_token(connection: Connection, credentials: Credentials) -> Iterator[Change]:
    """Yield what may make the token endpoint grant a token.

    Each shows the secret, which may be wrong, once more: rare ways are tried many at once.
    """
    auth = connection.auth
    for way in ("basic", "json", "body"):
        yield of("auth.client_auth", way)
    if quote_plus(credentials.client_secret) != credentials.client_secret:
        yield of("auth.client_auth", "basic_plain")
    if auth.scope or auth.parameters:
        yield both(of("auth.scope", ""), of("auth.parameters", {}))
    yield of("auth.client_auth", "query")
    queries, json_body, form = (
        [hints.shown_as(place, *names, way=way) for names in _TOKEN_MEMBERS]
        for place, way in (("query", "query"), ("body", "json"), ("body", "body"))
    )
    headers = [hints.shown_as("headers", *names, way="json") for names in _TOKEN_CALL_HEADERS]
    yield any_of(*queries, *headers, *json_body)
    yield any_of(*form)
    yield from hints.password_grants()
    queries = [of("auth.client_auth", "query"), *queries]
    yield any_of(*(both(of("token_call.method", "GET"), each) for each in queries))


def for_kind(connection: Connection, credentials: Credentials) -> Iterator[Change]:
    """Yield the other ways of authentication, if the credentials that they need are stored."""
    if connection.auth.kind == "profile_token":
        if credentials.client_secret and connection.auth.token_url:
            yield of("auth.kind", "oauth")
            yield both(of("auth.kind", "oauth"), of("api_profile.value", "client_id"))
        return
    yield of("auth.kind", "profile_token")
    if credentials.profile_token:
        yield both(of("auth.kind", "profile_token"), of("api_profile.value", "profile_token"))
        yield preset("v2", "version", "auth", "api_profile", "fields")
        yield preset("attendee-side", "version", "auth", "api_profile")


def preset(name: str, *sections: str) -> Change:
    """Return the change to a preset; what it sets is no longer set beside it."""
    kept = ["auth.kind" if section == "auth" else section for section in sections]
    return both(of("preset", name), *(of(each, None) for each in kept))


def for_page() -> Iterator[Change]:
    """Yield what asks for JSON in the place of a page."""
    for name, text in _FORMATS:
        yield as_parameter(name, text)
    yield as_header("X-Requested-With", "XMLHttpRequest")


def for_path(connection: Connection) -> list[Change]:
    """Return what may lead to the API where an unknown page answered."""
    other = "v2" if connection.version == "v3" else "v3"
    changes = [of("version", other)]
    changes += [of("call.method", each) for each in _METHODS[:2]]
    for path in _PATHS:
        versions = _VERSIONS if "{version}" in path else ("v3",)
        changes += [_at(path, version) for version in versions]
    for end, start in itertools.product(_ENDS, _STARTS):
        for version in (connection.version, other):
            url = "{base}" + start + end
            changes.append(both(of("call.url", url), of("version", version)))
    for end, tenant in itertools.product(_TENANT_ENDS, _TENANTS):
        for version in (connection.version, other) if "{version}" in tenant else ("v3",):
            changes.append(both(of("call.url", "{base}" + tenant + end), of("version", version)))
    return changes


def _at(path: str, version: str) -> Change:
    if version == "v1":  # no setting has it
        return of("path", path.replace("{version}", version))
    return both(of("path", path), of("version", version))


def for_access(connection: Connection, credentials: Credentials) -> list[Change]:
    """Return what may make RainFocus accept token and API profile."""
    value = "client_id" if connection.api_profile.value == "profile_token" else "profile_token"
    changes = [of("api_profile.place", place) for place in _PLACES]
    changes += [of("api_profile.name", name) for name in _PROFILE_NAMES]
    if value == "client_id" or credentials.profile_token:
        changes.append(of("api_profile.value", value))
        changes += [
            both(of("api_profile.value", value), of("api_profile.name", name), place)
            for name in _PROFILE_NAMES
            for place in map(functools.partial(of, "api_profile.place"), _PLACES[:3])
        ]
    if connection.auth.kind == "oauth":
        changes += [as_header("Authorization", f"{scheme} {{access_token}}") for scheme in _SCHEMES]
        changes.append(as_header("Authorization", "{access_token}"))
        changes.append(as_header("Authorization", 'Token token="{access_token}"'))
        changes += [moved(as_header(name, "{access_token}")) for name in _TOKEN_HEADERS]
        changes += [moved(as_parameter(name, "{access_token}")) for name in _TOKEN_PARAMETERS]
        changes += [
            moved(of("call.body", {name: "{access_token}", "attendee": "{record}"}))
            for name in ("token", "access_token")
        ]
        changes += map(hints.as_cookie, _COOKIES)
    elif credentials.profile_token:
        changes += _keys()
    changes += [
        as_header(name, "{client_id}") for name in ("X-Client-Id", "X-API-Key", "client-id")
    ]
    return changes


def _keys() -> Iterator[Change]:
    """Yield where a key may stand, where there is no OAuth."""
    key = "{profile_token}"
    yield as_header("Authorization", f"Bearer {key}")
    yield from (as_header(name, key) for name in hints.KEY_HEADERS)
    yield from (as_parameter(name, key) for name in _KEY_PARAMETERS)
    yield from (as_header("Authorization", f"{each}{key}") for each in _KEY_SCHEMES)


def for_event() -> list[Change]:
    """Return what may make RainFocus find the event in a call."""
    changes = [of("event.place", place) for place in _EVENT_PLACES]
    changes += [
        both(of("event.key", key), of("event.place", place))
        for place, key in itertools.product(("body", "query"), _EVENT_KEYS)
    ]
    names = ("X-Event", "X-Event-Code", "event", "eventCode")
    return changes + [as_header(name, "{event}") for name in names]


def for_body(connection: Connection) -> list[Change]:
    """Return other shapes of what is sent."""
    changes = [of("body.kind", kind) for kind in ("json", "form", "array", "multipart")]
    changes += [of("body.wrapped_under", name) for name in _WRAPPERS] * (
        connection.body.kind == "wrapped"
    )
    changes += [
        both(of("body.kind", "wrapped"), of("body.wrapped_under", name)) for name in _WRAPPERS
    ]
    changes += [of("call.body", template) for template in _templates()]
    return changes


def _templates() -> Iterator[Value]:
    for name in _LISTS:
        yield {name: ["{record}"]}
        yield {"event": "{event}", name: ["{record}"]}
    for name in ("attendee", "data", "profile", "record", "person", "fields", "attributes"):
        yield {"event": "{event}", name: "{record}"}
        yield {"event": "{event}", "email": "{email}", name: "{record}"}
    for name, value in (("code", "value"), ("name", "value"), ("key", "value"), ("id", "value")):
        for pairs in ("attributes", "fields"):
            yield {
                "event": "{event}",
                "email": "{email}",
                pairs: [{name: "{field}", value: "{value}"}],
            }
    yield {"data": {"type": "attendee", "attributes": "{record}"}}
    yield {"data": {"attributes": "{record}"}}
    yield {"data": "{record_json}"}
    for root in ("attendee", "request", "profile"):
        yield f"<{root}>{{record}}</{root}>"
    yield "<request><attendee>{record}</attendee></request>"
    yield "<attendees><attendee>{record}</attendee></attendees>"


def for_fields() -> list[Change]:
    """Return other names of fields, many at once: of one, the server's words tell."""
    changes = [as_names(style) for style in field_names.styles()]
    changes += [as_name("email", name) for name in field_names.others("email")]
    changes.append(
        both(of("fields.match_key", "email_lc_sha256"), of("fields.match_value", "email_sha256"))
    )
    changes += [of("fields.match_key", name) for name in ("clientId", "externalId")]
    return changes
