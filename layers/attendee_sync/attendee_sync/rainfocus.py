"""RainFocus: the calls of its API, as a connection says it is spoken, and what answers mean.

Knows nothing of queues. What is known of the API is little; see Connection for the settings.
"""

import email.utils
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import requests

from attendee_sync import masking
from attendee_sync.access_token import AccessToken
from attendee_sync.attendee import email_sha256
from attendee_sync.connection import Connection, Place
from attendee_sync.http import UNUSABLE, Received, receive
from attendee_sync.masking import Sent

STORE = "attendee/store"
READ = "attendeeInfo"

_MAX_RETRY_AFTER = 900  # seconds
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# What can be nobody's: a code of at most three digits, and an id as it is seen, longer than a
# phone number can be (ITU-T E.164: 15 digits). Of all else it is looked up whether it was sent.
_PLAIN_CODE = re.compile(r"[0-9]{0,3}")
_PLAIN_ID = re.compile(r"[0-9]{16,}[0-9A-Za-z]{0,8}")

_PASSING_STATUSES = frozenset({408, 423, 425, 429})
_PARAMETER_MISSING_CODE = "103"  # seen: "Required parameter missing: apiProfile"


class Meaning(Enum):
    """What an answer says about the profile that was sent."""

    STORED = "stored"
    PASSING = "passing"  # the same call may succeed later
    TOKEN = "token"  # the access token was refused  # noqa: S105
    CONFIGURATION = "configuration"  # no call of this connection can succeed
    PROFILE = "profile"  # this profile can't be stored


@dataclass(frozen=True)
class Answer:
    """RainFocus's answer to one call. Its message holds nothing of what was sent."""

    meaning: Meaning
    status: int | None = None
    code: str = ""
    message: str = ""
    attendee_id: str = ""
    retry_after: int | None = None  # seconds


@dataclass(frozen=True)
class Attendee:
    """What is stored of one person: attendee fields by name, for one event."""

    event_code: str
    fields: Mapping[str, str]


class RainFocus:
    """The calls of RainFocus's API. Safe to share between threads."""

    def __init__(self, http: requests.Session) -> None:
        self._http = http
        self._slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
        self._lock = threading.Lock()

    def slot(self, connection: Connection) -> threading.BoundedSemaphore:
        """Return what holds a connection to its number of calls at once; acquire it for a call."""
        key = (connection.url(STORE), connection.limits.concurrency)
        with self._lock:
            return self._slots.setdefault(key, threading.BoundedSemaphore(key[1]))

    def store(
        self, connection: Connection, token: AccessToken, attendee: Attendee, trace_parent: str
    ) -> Answer:
        """Create or update one attendee (`attendee/store`) and say what the answer means."""
        request = store_request(connection, token, attendee)
        request.headers["traceparent"] = trace_parent
        record = _record(connection, attendee)
        return meaning(
            self._send(connection, request),
            connection,
            lambda: Sent.of(record.values(), _secrets(token), record),
        )

    def read(
        self, connection: Connection, token: AccessToken, event_code: str, email_address: str
    ) -> tuple[Answer, dict[str, Any]]:
        """Look an attendee up (`attendeeInfo`); return the answer and the attendee, if any.

        The call is seen in one client with v2; that it works with OAuth and v3 is unverified.
        """
        request = read_request(connection, token, event_code, email_address)
        received = self._send(connection, request)
        identity = _identity(connection, email_address)
        answer = meaning(
            received, connection, lambda: Sent.of(identity.values(), _secrets(token), identity)
        )
        found = _envelope(received).get("attendee")
        return answer, found if isinstance(found, dict) else {}

    def _send(self, connection: Connection, request: requests.Request) -> Received | Exception:
        limits = connection.limits
        try:
            with self._http.send(
                self._http.prepare_request(request),
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
    request = _request(connection, token, "POST", STORE)
    _put_event(request, record, connection.event.key, attendee.event_code, connection.event.place)
    match connection.body.kind:
        case "json":
            request.json = record
        case "form":
            request.data = {name: _bytes(text) for name, text in record.items()}
        case "array":
            request.json = [record]
        case "wrapped":
            request.json = {connection.body.wrapped_under: record}
    return request


def read_request(
    connection: Connection, token: AccessToken, event_code: str, email_address: str
) -> requests.Request:
    """Return the request that looks an attendee up; its parameters stand in the query."""
    request = _request(connection, token, "GET", READ)
    request.params |= {connection.event.key: event_code, **_identity(connection, email_address)}
    return request


def meaning(
    received: Received | Exception, connection: Connection, sent: Callable[[], Sent] = Sent.of
) -> Answer:
    """Say what an answer, or none, means. Nothing else decides that.

    Its words are masked by what was sent, which is asked for where there are words to mask.
    """
    if isinstance(received, Exception):
        is_ours = isinstance(received, UNUSABLE)
        name = type(received).__name__
        return Answer(Meaning.CONFIGURATION if is_ours else Meaning.PASSING, message=name)
    envelope = _envelope(received)
    code = _word(envelope.get("responseCode"))
    message = str(envelope.get("responseMessage") or "")
    found = _kind(received.status, code, message, connection)
    answer = Answer(found, received.status, code)
    if found is Meaning.STORED:
        return replace(answer, attendee_id=_id(envelope.get(connection.answers.attendee_id), sent))
    if found is Meaning.PASSING:
        answer = replace(answer, retry_after=retry_after(received.headers.get("Retry-After")))
    if not _PLAIN_CODE.fullmatch(code) and masking.is_echo(code, sent()):
        answer = replace(answer, code=masking.MASK)
    if message:
        return replace(answer, message=masking.mask(message, sent()))
    silence = f"HTTP {received.status} without RainFocus's envelope"
    return replace(answer, message=silence) if found is Meaning.PROFILE else answer


def _kind(status: int, code: str, message: str, connection: Connection) -> Meaning:
    """Say what a status with RainFocus's own code and message means."""
    rule = connection.answers
    is_passing = status in _PASSING_STATUSES or (status >= 500 and status != 501)  # noqa: PLR2004
    if is_passing or code in rule.passing_codes:
        return Meaning.PASSING
    if status == requests.codes.unauthorized:
        return Meaning.TOKEN
    if code not in rule.profile_codes and _is_configuration(status, code, message, connection):
        return Meaning.CONFIGURATION
    if requests.codes.ok <= status < requests.codes.multiple_choices and code in rule.success_codes:
        return Meaning.STORED
    return Meaning.PROFILE


def retry_after(header: str | None) -> int | None:
    """Return a `Retry-After` header in seconds, 0 to 900, from a number or an HTTP date."""
    if not header:
        return None
    try:
        if header.strip().isdecimal():
            return min(int(header), _MAX_RETRY_AFTER)
        until = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    seconds = (until - datetime.now(UTC)).total_seconds()
    return int(min(max(seconds, 0), _MAX_RETRY_AFTER))


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
        identity[settings.match_key] = email_sha256(address)
    elif settings.match_key != "email":
        identity[settings.match_key] = address
    return identity


def _bytes(text: str) -> bytes:
    """Return a text in UTF-8; JSON can hold half a character, UTF-8 can't."""
    return text.encode("utf-8", "replace")


def _put_event(
    request: requests.Request, record: dict[str, str], key: str, event_code: str, place: Place
) -> None:
    if place in ("body", "both"):
        record[key] = event_code
    if place in ("query", "both"):
        request.params[key] = event_code


def _envelope(received: Received | Exception) -> dict[str, Any]:
    if isinstance(received, Exception) or not received.complete:
        return {}
    return received.members()


def _word(value: object) -> str:
    """Return a code or an id, a string in all that was seen; a number is taken as one.

    What has not the shape of one could hold anything, and gives nothing.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _WORD.fullmatch(text) else ""


def _id(value: object, sent: Callable[[], Sent]) -> str:
    """Return an attendee's id, unless it repeats something of the attendee."""
    text = _word(value)
    return text if _PLAIN_ID.fullmatch(text) or not masking.is_echo(text, sent()) else ""


def _is_configuration(status: int, code: str, message: str, connection: Connection) -> bool:
    if status == requests.codes.forbidden:
        return True
    if requests.codes.multiple_choices <= status < requests.codes.bad_request:
        return True  # the API has moved: no profile's fault
    if code == _PARAMETER_MISSING_CODE:
        return any(name.lower() in message.lower() for name in _profile_names(connection))
    return code in connection.answers.configuration_codes


def _profile_names(connection: Connection) -> tuple[str, str]:
    return ("apiProfile", connection.api_profile.name)


def _secrets(token: AccessToken) -> tuple[str, str, str]:
    return (token.value, token.profile_token, token.client_id)
