"""How far a call came, by RainFocus's answer to it, and the answer in words.

No error codes are known but the few that are seen in public, so that an answer tells only this
much. Trials find out more.
"""

import re
from enum import IntEnum

from attendee_sync.outcome import Answer, AnswerKind
from attendee_sync_cli import console

PARAMETER_MISSING = "103"  # seen: "Required parameter missing: apiProfile"
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
_ACCESS_DENIED = "124"  # seen: "Access to API endpoint session denied."
_REDIRECTS = range(300, 400)


class Stage(IntEnum):
    """How far a call came."""

    NOWHERE = 0  # no answer, or one that may be another one later
    PATH = 1  # an answer, but not RainFocus's
    ACCESS = 2  # token or API profile refused
    ENDPOINT = 3  # the API profile is known, but this call is not enabled in it
    PARAMETER = 4  # something is missing in the call
    CONTENT = 5  # RainFocus looked at what the call is about
    STORED = 6


def stage(answer: Answer) -> Stage:
    """Return how far the call came that was answered so."""
    if answer.status is None or answer.kind is AnswerKind.TRANSIENT:
        return Stage.NOWHERE
    if answer.kind is AnswerKind.STORED:
        return Stage.STORED
    if answer.code == _ACCESS_DENIED:
        return Stage.ENDPOINT
    if _is_access(answer):
        return Stage.ACCESS
    if answer.status in _REDIRECTS or not answer.code:
        return Stage.PATH
    return Stage.PARAMETER if answer.code == PARAMETER_MISSING else Stage.CONTENT


def describe(answer: Answer) -> str:
    """Return RainFocus's own words, on one line and without control characters."""
    message = console.plain(answer.message)
    if answer.status is None:
        return f"no answer ({message})"
    if answer.kind is AnswerKind.STORED:
        return "RainFocus answers with success"
    if not answer.code:
        return message
    return f'RainFocus says "{message}" (HTTP {answer.status}, code {answer.code})'


def alike(answer: Answer, event: str, other: Answer, other_event: str) -> bool:
    """Tell whether two answers are the same but for the event codes that they may repeat."""
    return _gist(answer, event) == _gist(other, other_event)


def _is_access(answer: Answer) -> bool:
    if answer.status in (UNAUTHORIZED, FORBIDDEN):
        return True
    if answer.status in _REDIRECTS or not answer.code:
        return False
    is_about_profile = "apiprofile" in re.sub(r"[^a-z]", "", answer.message.lower())
    return answer.kind is AnswerKind.CONFIGURATION or is_about_profile


def _gist(answer: Answer, event: str) -> tuple[int | None, str, str]:
    message = re.sub(re.escape(event), "", answer.message, flags=re.IGNORECASE)
    return answer.status, answer.code, message
