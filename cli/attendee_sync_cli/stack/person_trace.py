"""What the functions' logs tell of one attendee: when accepted, tried, put back and ended."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field, ValidationError

from attendee_sync.aws import log_pages
from attendee_sync.observability import LogEvent
from attendee_sync.outcome import in_words
from attendee_sync_cli import console, outcome_words
from attendee_sync_cli.stack.dead_letter_scan import Follower
from attendee_sync_cli.stack.log_events import LogLine

_MAX_SECONDS = 120.0  # of reading: CloudWatch looks through all that was logged meanwhile
_WAITING = "waiting"


class _Line(LogLine):
    """A line that names attendees: by index, those of a push; or the one of a profile."""

    attendees: dict[str, str] = Field(default_factory=dict)
    attendee: str = ""
    remarks: tuple[str, ...] = ()
    retry_in_s: int | None = None


@dataclass(frozen=True)
class TraceEvent:
    """What happened to a profile at a time in epoch seconds."""

    at: float
    line: _Line

    @property
    def kind(self) -> str:
        """What happened: `accepted`, or the outcome of a try."""
        return "accepted" if self.line.message == LogEvent.PUSH_ACCEPTED else self.line.outcome

    @property
    def retry_at(self) -> float | None:
        """When it is tried again, in epoch seconds, if it was put back."""
        return None if self.line.retry_in_s is None else self.at + self.line.retry_in_s

    @property
    def words(self) -> str:
        """What happened, for people, with RainFocus's own words."""
        line = self.line
        if line.message == LogEvent.PUSH_ACCEPTED:
            return f"accepted from {line.sender}" if line.sender else "accepted"
        kind = "put back" if line.message == LogEvent.PROFILE_PUT_BACK else line.outcome
        why = in_words(line.reason, line.detail)
        answer = outcome_words.of_answer(line.status, line.code, line.answer)
        return f"try {line.attempt}: " + ", ".join(filter(None, [kind, why, answer]))

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        line = self.line
        return {
            "at": console.moment(self.at),
            "event": self.kind,
            "sender": line.sender or None,
            "attempt": line.attempt,
            "reason": line.reason or None,
            "detail": line.detail,
            "status": line.status,
            "code": line.code or None,
            "answer": line.answer,
            "remarks": list(line.remarks),
            "retry_at": None if self.retry_at is None else console.moment(self.retry_at),
        }


@dataclass
class ProfileTrace:
    """What happened to one profile, the oldest first."""

    id: str  # request id and index, as dead letters have it
    events: list[TraceEvent] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The outcome with which it ended, or `waiting`."""
        last = self.events[-1]
        return last.kind if last.line.message == LogEvent.PROFILE_SETTLED else _WAITING

    @property
    def waits(self) -> str:
        """What it waits for, in words; empty if it has ended."""
        if self.state != _WAITING:
            return ""
        at = self.events[-1].retry_at
        if at is None:
            return "waits, and was not tried yet: `attendee-sync status` tells about its lane"
        if at > time.time():
            return f"waits until {console.when(at)}"
        return (
            f"waits, tried again since {console.moment(at)}: "
            "for the same reason a new line comes once in 50 minutes"
        )


def read(
    client: Any, groups: Sequence[str], attendee: str, since: float, follower: Follower
) -> tuple[list[ProfileTrace], bool]:
    """Return the profiles of an attendee since a time in epoch seconds, the oldest first.

    `client` is CloudWatch's for logs. Also returns whether all could be read. Raises botocore's
    errors.
    """
    deadline = time.monotonic() + _MAX_SECONDS
    found: list[TraceEvent] = []
    between = int(since * 1000), int((time.time() + 60) * 1000)
    is_complete, ask = True, client.filter_log_events
    with follower.progress("Reading the logs", 0) as advance:
        for group in groups:
            # A word of a line, whatever member it is in. It is a hash, so that no other has it.
            for page in log_pages.pages(ask, group, between, f'"{attendee}"'):
                found += _events(page)
                advance(1)
                if time.monotonic() > deadline or follower.has_cancelled():
                    is_complete = False
                    break
    return _by_profile(found, attendee), is_complete


def _events(page: Sequence[log_pages.Event]) -> Iterator[TraceEvent]:
    for event in page:
        try:
            line = _Line.model_validate_json(event["message"])
        except ValidationError:
            continue  # a metric, or a line of Lambda's
        yield TraceEvent(log_pages.timestamp(event) / 1000, line)


def _by_profile(events: Sequence[TraceEvent], attendee: str) -> list[ProfileTrace]:
    traces: dict[str, ProfileTrace] = {}
    # A push is logged once all of it is queued: by then the first of it may have ended.
    for event in sorted(
        events, key=lambda each: (each.line.message != LogEvent.PUSH_ACCEPTED, each.at)
    ):
        for index in _indexes(event.line, attendee):
            name = f"{event.line.request_id}-{index}"
            traces.setdefault(name, ProfileTrace(name)).events.append(event)
    return list(traces.values())


def _indexes(line: _Line, attendee: str) -> list[str]:
    """Return which profiles of its push a line is about, of those that are the attendee's."""
    match line.message:
        case LogEvent.PUSH_ACCEPTED:
            return [index for index, each in line.attendees.items() if each == attendee]
        case LogEvent.PROFILE_SETTLED | LogEvent.PROFILE_PUT_BACK if line.attendee == attendee:
            return [line.index]
    return []
