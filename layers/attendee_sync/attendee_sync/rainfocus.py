"""RainFocus: the call that stores an attendee, and what its answers mean.

Knows nothing of queues. What is known of the API is little; see Connection for the settings.
"""

import email.utils
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import requests

from attendee_sync.access_token import AccessToken
from attendee_sync.connection import Connection
from attendee_sync.http import Received, receive

_MAX_MESSAGE_LENGTH = 500
_MAX_RETRY_AFTER = 900  # seconds
_MIN_MASKED_LENGTH = 3  # a two-letter code would tear holes into any text
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")

_PASSING_STATUSES = frozenset({408, 423, 425, 429})
_SUCCESS_CODE = "0"
# 101: invalid API profile (unverified); 124: access to the endpoint denied.
_CONFIGURATION_CODES = frozenset({"101", "124"})
_PARAMETER_MISSING_CODE = "103"


class Meaning(Enum):
    """What an answer says about the profile that was sent."""

    STORED = "stored"
    PASSING = "passing"  # the same call may succeed later
    TOKEN = "token"  # the access token was refused  # noqa: S105
    CONFIGURATION = "configuration"  # no call of this connection can succeed
    PROFILE = "profile"  # this profile can't be stored


@dataclass(frozen=True)
class Answer:
    """RainFocus's answer to one call. Its message holds no e-mail address."""

    meaning: Meaning
    status: int | None = None
    code: str = ""
    message: str = ""
    attendee_id: str = ""
    retry_after: int | None = None  # seconds


class RainFocus:
    """The calls of RainFocus's API. Safe to share between threads."""

    def __init__(self, http: requests.Session) -> None:
        self._http = http

    def store(
        self,
        connection: Connection,
        token: AccessToken,
        event_code: str,
        attendee: Mapping[str, str],
        trace_parent: str,
    ) -> Answer:
        """Create or update one attendee (`attendee/store`) and say what the answer means."""
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token.value}",
            "traceparent": trace_parent,
        }
        if connection.api_profile == "header":
            headers["apiProfile"] = token.client_id
        try:
            with self._http.post(
                connection.url("attendee/store"),
                json={"event": event_code, **attendee},
                headers=headers,
                timeout=(connection.connect_timeout, connection.read_timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                received = receive(response, connection.read_timeout)
        except requests.RequestException as error:
            return Answer(Meaning.PASSING, message=type(error).__name__)
        return _without(attendee.values(), meaning(received))


def meaning(received: Received) -> Answer:
    """Say what an answer means. Nothing else decides that."""
    status = received.status
    envelope = _envelope(received)
    code = _word(envelope.get("responseCode"))
    message = _EMAIL.sub("***@***", str(envelope.get("responseMessage") or ""))

    if status in _PASSING_STATUSES or (status >= 500 and status != 501):  # noqa: PLR2004
        wait = retry_after(received.headers.get("Retry-After"))
        return Answer(Meaning.PASSING, status, code, message, retry_after=wait)
    if status == 401:  # noqa: PLR2004
        return Answer(Meaning.TOKEN, status, code, message)
    if status == 403 or _is_configuration(code, message):  # noqa: PLR2004
        return Answer(Meaning.CONFIGURATION, status, code, message)
    if 200 <= status < 300 and code == _SUCCESS_CODE:  # noqa: PLR2004
        attendee_id = _word(envelope.get("attendeeId"))
        return Answer(Meaning.STORED, status, code, attendee_id=attendee_id)
    return Answer(
        Meaning.PROFILE, status, code, message or "an answer without RainFocus's envelope"
    )


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


def _envelope(received: Received) -> dict[str, Any]:
    if not received.complete:
        return {}
    try:
        value = json.loads(received.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    """Return a code or an id, a string in all that was seen; a number is taken as one.

    What has not the shape of one could hold anything, and gives nothing.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _WORD.fullmatch(text) else ""


def _is_configuration(code: str, message: str) -> bool:
    if code == _PARAMETER_MISSING_CODE:
        return "apiprofile" in message.lower()
    return code in _CONFIGURATION_CODES


def _without(values: Iterable[str], answer: Answer) -> Answer:
    """Return the answer, its message cut and without what was sent, should it repeat that."""
    if not answer.message:
        return answer
    long = sorted((each for each in values if len(each) >= _MIN_MASKED_LENGTH), key=len)
    sent = "|".join(re.escape(each) for each in reversed(long))
    message = re.sub(sent, "***", answer.message, flags=re.IGNORECASE) if sent else answer.message
    return replace(answer, message=message[:_MAX_MESSAGE_LENGTH])
