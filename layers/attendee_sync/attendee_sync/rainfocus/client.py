"""RainFocus: the calls of its API, as a connection says it is spoken, and what answers mean.

Knows nothing of queues. What is known of the API is little; see Connection for the settings.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import JsonValue

from attendee_sync.attendee import sha256_of
from attendee_sync.http_client import UNUSABLE, HttpAnswer, prepare, receive
from attendee_sync.outcome import Answer
from attendee_sync.rainfocus import reading, templates
from attendee_sync.rainfocus.access_token import AccessToken
from attendee_sync.rainfocus.answers import judge
from attendee_sync.rainfocus.connection import Connection, Place
from attendee_sync.rainfocus.masking import Sent
from attendee_sync.rainfocus.templates import Values

STORE = "attendee/store"
READ = "attendeeInfo"


@dataclass(frozen=True)
class Attendee:
    """What is stored of one person: attendee fields by name, for one event."""

    event_code: str
    fields: Mapping[str, str]


class RainFocusClient:
    """The calls of RainFocus's API. Safe to share between threads."""

    def __init__(self, http: requests.Session) -> None:
        self._http = http

    def store(
        self, connection: Connection, token: AccessToken, attendee: Attendee, trace_parent: str
    ) -> Answer:
        """Create or update one attendee (`attendee/store`) and say what the answer means."""
        request = store_request(connection, token, attendee)
        request.headers["traceparent"] = trace_parent
        # Of calls that go side by side the answers come together: what can be done before, is.
        sent = sent_to_store(connection, token, attendee)
        return judge(self.send(connection, request), connection, sent)

    def read(
        self, connection: Connection, token: AccessToken, event_code: str, email_address: str
    ) -> tuple[Answer, dict[str, Any]]:
        """Look an attendee up (`attendeeInfo`); return the answer and the attendee, if any.

        The call is seen in one client with v2; that it works with OAuth and v3 is unverified.
        """
        request = read_request(connection, token, event_code, email_address)
        received = self.send(connection, request)
        answer = judge(received, connection, sent_to_read(connection, token, email_address))
        if isinstance(received, Exception):
            return answer, {}
        found = reading.read(received).find("body.attendee")
        return answer, found if isinstance(found, dict) else {}

    def send(self, connection: Connection, request: requests.Request) -> HttpAnswer | Exception:
        """Send a request within the connection's time limits; return what came, or what failed."""
        limits = connection.limits
        try:
            with self._http.send(
                prepare(self._http, request),
                timeout=(limits.connect_timeout, limits.read_timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                return receive(response)
        except (requests.RequestException, *UNUSABLE) as error:
            return error


def store_request(
    connection: Connection, token: AccessToken, attendee: Attendee
) -> requests.Request:
    """Return the request that stores an attendee, spoken as the connection says."""
    record = _record(connection, attendee)
    request = _request(connection, token, connection.call.method, STORE)
    _put_event(request, record, connection.event.key, attendee.event_code, connection.event.place)
    values = _values(connection, token, STORE) | {
        "event": attendee.event_code,
        "email": attendee.fields.get("email"),
        "email_sha256": sha256_of(attendee.fields.get("email", "")),
        templates.RECORD: dict(record),
        templates.RECORD_JSON: json.dumps(record),
    }
    if connection.call.url:
        request.url = templates.fill_url(connection.call.url, values)
    templates.add_headers(request.headers, connection.call.headers, values)
    templates.add_query(request.params, connection.call.query, values)
    _put_body(request, record, connection, values)
    return request


def sent_to_store(connection: Connection, token: AccessToken, attendee: Attendee) -> Sent:
    """Return what must not come back of a call that stores an attendee."""
    record = _record(connection, attendee)
    return Sent.of(record.values(), _secrets(token), record)


def sent_to_read(connection: Connection, token: AccessToken, email_address: str) -> Sent:
    """Return what must not come back of a call that looks an attendee up."""
    identity = _identity(connection, email_address)
    return Sent.of(identity.values(), _secrets(token), identity)


def _put_body(
    request: requests.Request, record: Mapping[str, str], connection: Connection, values: Values
) -> None:
    """Put a record into a request's body, as the template or the kind of body says."""
    template = connection.call.body
    if template is None and connection.call.method == "GET":
        return
    if isinstance(template, str):
        request.data = templates.fill_body(template, values, request.headers)
        return
    content = record if template is None else templates.fill(template, values)
    match connection.body.kind:
        case "form" if isinstance(content, Mapping):
            request.data = {name: _form_value(each) for name, each in content.items()}
        case "multipart" if isinstance(content, Mapping):
            request.files = {name: (None, _form_value(each)) for name, each in content.items()}
        case "array":
            request.json = [content]
        case "wrapped":
            request.json = {connection.body.wrapped_under: content}
        case _:
            request.json = content


def _form_value(value: JsonValue) -> bytes:
    return templates.to_bytes(value if isinstance(value, str) else json.dumps(value))


def read_request(
    connection: Connection, token: AccessToken, event_code: str, email_address: str
) -> requests.Request:
    """Return the request that looks an attendee up; its parameters stand in the query.

    Headers of the template go with it, and parameters that every call has.
    """
    request = _request(connection, token, "GET", READ)
    request.params |= {connection.event.key: event_code, **_identity(connection, email_address)}
    values = _values(connection, token, READ) | {"event": event_code, "email": email_address}
    templates.add_headers(request.headers, connection.call.headers, values)
    templates.add_query(request.params, connection.call.query, values)
    return request


def _values(connection: Connection, token: AccessToken, call: str) -> dict[str, JsonValue]:
    """Return what has its places in the templates of every call."""
    return {
        **connection.places(call),
        "call_id": str(uuid.uuid4()),
        "client_id": token.client_id,
        "profile_token": token.profile_token,
        "access_token": token.value,
    }


def _request(
    connection: Connection, token: AccessToken, method: str, call: str
) -> requests.Request:
    headers = {"Accept": "application/json"}
    query: dict[str, str] = {}
    if token.value:
        headers["Authorization"] = f"Bearer {token.value}"
    profile = connection.api_profile
    shown = token.client_id if profile.value == "client_id" else token.profile_token
    if profile.place in ("header", "both"):
        headers[profile.name] = shown
    if profile.place in ("query", "both"):
        query[profile.name] = shown
    return requests.Request(method, connection.url(call), headers=headers, params=query)


def _record(connection: Connection, attendee: Attendee) -> dict[str, str]:
    """Return attendee fields under the names that the connection gives them."""
    settings = connection.fields
    record = {settings.names.get(name, name): text for name, text in attendee.fields.items()}
    address = attendee.fields.get("email")
    identity = _identity(connection, address) if address else {}
    return record | identity | settings.constants


def _identity(connection: Connection, address: str) -> dict[str, str]:
    """Return what tells a person: the e-mail address, and the match key if that is another."""
    settings = connection.fields
    identity = {settings.names.get("email", "email"): address}
    if settings.match_value == "email_sha256":
        identity[settings.match_key] = sha256_of(address)
    elif settings.match_key != "email":
        identity[settings.match_key] = address
    return identity


def _put_event(
    request: requests.Request, record: dict[str, str], key: str, event_code: str, place: Place
) -> None:
    if place in ("body", "both"):
        record[key] = event_code
    if place in ("query", "both"):
        request.params[key] = event_code


def _secrets(token: AccessToken) -> tuple[str, str, str]:
    return (token.value, token.profile_token, token.client_id)
