"""Answers of RainFocus: what each means for the profile that was sent."""

import email.utils
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests

from attendee_sync.http_client import UNUSABLE, HttpAnswer, is_transient
from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync.rainfocus import masking
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.masking import Sent

_MAX_RETRY_AFTER = 86_400  # seconds; what is waited for in the end, the retry policy says
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Three digits are in many a phone number: such a code repeats a whole value, or nothing.
_SHORT_CODE = re.compile(r"[0-9]{0,3}")
_PARAMETER_MISSING_CODE = "103"  # seen: "Required parameter missing: apiProfile"


def judge(
    received: HttpAnswer | Exception, connection: Connection, sent: Callable[[], Sent] = Sent.of
) -> Answer:
    """Say what an answer, or none, means. Nothing else decides that.

    Its words are masked by what was sent, which is asked for where there are words to mask.
    """
    if isinstance(received, Exception):
        is_ours = isinstance(received, UNUSABLE)
        name = type(received).__name__
        return Answer(AnswerKind.CONFIGURATION if is_ours else AnswerKind.TRANSIENT, message=name)
    envelope = envelope_of(received)
    code = _word(envelope.get("responseCode"))
    message = str(envelope.get("responseMessage") or "")
    found = _kind(received.status, code, message, connection)
    answer = Answer(found, received.status, code)
    if found is AnswerKind.STORED:
        return replace(answer, attendee_id=_id(envelope.get(connection.answers.attendee_id), sent))
    if found is AnswerKind.TRANSIENT:
        answer = replace(answer, retry_after=retry_after(received.headers.get("Retry-After")))
    repeats = masking.is_value if _SHORT_CODE.fullmatch(code) else masking.is_echo
    if code and repeats(code, sent()):
        answer = replace(answer, code=masking.MASK)
    if message:
        return replace(answer, message=masking.mask(message, sent()))
    silence = f"HTTP {received.status} without RainFocus's envelope"
    return replace(answer, message=silence) if found is AnswerKind.PROFILE else answer


def _kind(status: int, code: str, message: str, connection: Connection) -> AnswerKind:
    """Say what a status with RainFocus's own code and message means."""
    rule = connection.answers
    if is_transient(status) or code in rule.transient_codes:
        return AnswerKind.TRANSIENT
    if status == requests.codes.unauthorized:
        return AnswerKind.TOKEN
    if code not in rule.profile_codes and _is_configuration(status, code, message, connection):
        return AnswerKind.CONFIGURATION
    if requests.codes.ok <= status < requests.codes.multiple_choices and code in rule.success_codes:
        return AnswerKind.STORED
    return AnswerKind.PROFILE


def retry_after(header: str | None) -> int | None:
    """Return a `Retry-After` header in seconds, a day at most, from a number or an HTTP date."""
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


def envelope_of(received: HttpAnswer | Exception) -> dict[str, Any]:
    """Return the members of an answer's JSON object, or none if it is none."""
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
    return "" if text and masking.is_echo(text, sent()) else text


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
