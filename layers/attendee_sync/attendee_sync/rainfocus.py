"""RainFocus: the calls of its API, as a connection says it is spoken, and what answers mean.

Knows nothing of queues. What is known of the API is little; see Connection for the settings.
"""

import email.utils
import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import requests

from attendee_sync.access_token import AccessToken
from attendee_sync.attendee import email_sha256
from attendee_sync.connection import Connection, Place
from attendee_sync.http import UNUSABLE, Received, receive

STORE = "attendee/store"
READ = "attendeeInfo"

_MAX_MESSAGE_LENGTH = 500
_MAX_RETRY_AFTER = 900  # seconds
_MIN_MASKED_LENGTH = 3  # a two-letter code would tear holes into any text
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_EMAIL = re.compile(r"[^\s@<>\"(),;:]+@[^\s@<>\"'(),;:]+")

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

    def slot(self, connection: Connection) -> AbstractContextManager[object]:
        """Return what holds a connection to its number of calls at once; enter it for a call."""
        key = (connection.url(STORE), connection.limits.concurrency)
        with self._lock:
            return self._slots.setdefault(key, threading.BoundedSemaphore(key[1]))

    def store(
        self, connection: Connection, token: AccessToken, attendee: Attendee, trace_parent: str
    ) -> Answer:
        """Create or update one attendee (`attendee/store`) and say what the answer means."""
        request = store_request(connection, token, attendee)
        request.headers["traceparent"] = trace_parent
        answer = meaning(self._send(connection, request), connection)
        return _without([*attendee.fields.values(), *_secrets(token)], answer)

    def read(
        self, connection: Connection, token: AccessToken, event_code: str, email_address: str
    ) -> tuple[Answer, dict[str, Any]]:
        """Look an attendee up (`attendeeInfo`); return the answer and the attendee, if any.

        The call is seen in one client with v2; that it works with OAuth and v3 is unverified.
        """
        request = read_request(connection, token, event_code, email_address)
        received = self._send(connection, request)
        answer = meaning(received, connection)
        answer = _without([email_address, *_secrets(token)], answer)
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


def meaning(received: Received | Exception, connection: Connection) -> Answer:
    """Say what an answer, or none, means. Nothing else decides that."""
    if isinstance(received, Exception):
        is_ours = isinstance(received, UNUSABLE)
        name = type(received).__name__
        return Answer(Meaning.CONFIGURATION if is_ours else Meaning.PASSING, message=name)
    status, envelope, rule = received.status, _envelope(received), connection.answers
    code = _word(envelope.get("responseCode"))
    message = _EMAIL.sub("***@***", str(envelope.get("responseMessage") or ""))
    answer = Answer(Meaning.PROFILE, status, code, message)

    is_passing = status in _PASSING_STATUSES or (status >= 500 and status != 501)  # noqa: PLR2004
    if is_passing or code in rule.passing_codes:
        wait = retry_after(received.headers.get("Retry-After"))
        return replace(answer, meaning=Meaning.PASSING, retry_after=wait)
    if status == requests.codes.unauthorized:
        return replace(answer, meaning=Meaning.TOKEN)
    if code not in rule.profile_codes and _is_configuration(status, code, message, connection):
        return replace(answer, meaning=Meaning.CONFIGURATION)
    if requests.codes.ok <= status < requests.codes.multiple_choices and code in rule.success_codes:
        attendee_id = _word(envelope.get(rule.attendee_id))
        return Answer(Meaning.STORED, status, code, attendee_id=attendee_id)
    return replace(answer, message=message or f"HTTP {status} without RainFocus's envelope")


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


def _secrets(token: AccessToken) -> tuple[str, str]:
    return (token.value, token.profile_token)


def _without(values: Iterable[str], answer: Answer) -> Answer:
    """Return the answer, its message cut and without what was sent, should it repeat that."""
    if not answer.message:
        return answer
    long = sorted((each for each in values if len(each) >= _MIN_MASKED_LENGTH), key=len)
    sent = "|".join(re.escape(each) for each in reversed(long))
    message = re.sub(sent, "***", answer.message, flags=re.IGNORECASE) if sent else answer.message
    return replace(answer, message=message[:_MAX_MESSAGE_LENGTH])
