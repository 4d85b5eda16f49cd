"""The calls to RainFocus, as delivery's log has them: nothing in it tells who somebody is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from attendee_sync.aws.log_pages import Event, timestamp
from attendee_sync.mapping.destination import Destination
from attendee_sync.observability import LogEvent
from attendee_sync.outcome import Reason
from attendee_sync_cli.settings import validation
from attendee_sync_cli.stack.log_events import LogLine, NewestFirst
from attendee_sync_cli.stack.stack import Stack

OPERATION = "attendee/store"
PAGE_SIZE = 50
MAX_PAGES = 20
_EVENTS = (LogEvent.PROFILE_SETTLED, LogEvent.PROFILE_PUT_BACK)
# An unanswered call has no status, but took some time; how long an answered one of several
# updates took that are to be sent again is not told.
_CONDITION = "($.latency_ms >= 0 || $.status >= 0)"
# These have the answer that another one got.
_OTHERS_ANSWERS = frozenset({Reason.BEHIND, Reason.MERGED})
_CLASS = 100  # of HTTP statuses
# Of the time looked at, what is read first: where there is much to read, a page is found there.
_RECENT_PART = 1 / 36


class Status(StrEnum):
    """Statuses of HTTP that are looked for together."""

    SUCCESS = "2xx"
    REDIRECTION = "3xx"
    CLIENT_ERROR = "4xx"
    SERVER_ERROR = "5xx"
    NO_ANSWER = "none"


@dataclass(frozen=True)
class _Route:
    """Where a destination leads."""

    connection: str = ""
    event: str = ""


@dataclass(frozen=True)
class CallFilter:
    """Which calls are looked for; what is empty is any."""

    connection: str = ""
    destination: str = ""
    outcome: str = ""
    status: Status | None = None

    def includes(self, call: "ApiCall") -> bool:
        """Tell whether a call is one of these."""
        return (
            self.connection in ("", call.connection)
            and self.destination in ("", call.line.destination)
            and self.outcome in ("", call.line.outcome)
            and self.status in (None, call.status)
        )


@dataclass(frozen=True)
class ApiCall:
    """A call, with the connection and event that its destination has now."""

    at: float  # epoch seconds
    connection: str
    event: str
    line: LogLine
    text: str  # the line as it was written, spread out

    @property
    def status(self) -> Status:
        """Of which kind the answer was."""
        if self.line.status is None:
            return Status.NO_ANSWER
        return Status(f"{self.line.status // _CLASS}xx")


@dataclass(frozen=True)
class CallPage:
    """Some calls, the newest first."""

    calls: list[ApiCall]
    has_more: bool
    read_since: float | None  # epoch seconds; None if all was read that was asked for


def look(stack: Stack, wanted: CallFilter, *, hours: int, until: float, page: int = 1) -> CallPage:
    """Return a page of the calls of some hours before a time in epoch seconds.

    A profile's line tells of its last call, and one that ends as the one before is told once in
    50 minutes. Raises botocore's errors.
    """
    reader = NewestFirst(
        stack.client("logs"), [stack.output("DeliveryLogGroupName")], _EVENTS, _CONDITION
    )
    routes = _routes(stack)
    first, last = (page - 1) * PAGE_SIZE, page * PAGE_SIZE
    found: list[ApiCall] = []
    number = 0
    for events in _slices(reader, until - hours * 3600.0, until):
        for call in _calls(events, routes):
            if not wanted.includes(call):
                continue
            if number >= last:
                return CallPage(found, has_more=page < MAX_PAGES, read_since=None)
            if number >= first:
                found.append(call)
            number += 1
    return CallPage(found, has_more=False, read_since=None if reader.is_complete else reader.since)


def _slices(reader: NewestFirst, start: float, end: float) -> Iterator[list[Event]]:
    """Yield lines, the newest first, small slices before large ones: few calls make a page."""
    recently = int(end - (end - start) * _RECENT_PART)
    yield from reader.events(recently, end)
    if not reader.is_complete:
        return
    for events in reader.events(start, recently):
        yield [each for each in events if timestamp(each) < recently * 1000]


def _routes(stack: Stack) -> dict[str, _Route]:
    """Return where each destination leads; one whose settings are not valid leads nowhere."""
    found = {}
    for name, text in stack.destinations().items():
        read = validation.read(Destination, text)
        if not isinstance(read, list):
            found[name] = _Route(read.connection, read.event_code)
    return found


def _calls(events: list[Event], routes: dict[str, _Route]) -> Iterator[ApiCall]:
    for event in events:
        try:
            line = LogLine.model_validate_json(event["message"])
        except ValidationError:
            continue  # a local cloud gives all lines
        if line.message not in _EVENTS or not _is_call(line):
            continue
        route = routes.get(line.destination, _Route())
        yield ApiCall(
            timestamp(event) / 1000,
            route.connection,
            route.event,
            line,
            json.dumps(json.loads(event["message"]), indent=2, ensure_ascii=False),
        )


def _is_call(line: LogLine) -> bool:
    is_called = line.latency_ms is not None or line.status is not None
    return is_called and line.reason not in _OTHERS_ANSWERS
