"""The balance of accepted profiles: each has ended or is in a lane, or else it is missing.

It goes by identity (request id and index), since a sum can't tell a profile that is missing from
one that ended twice. What the log has no end of may be in a lane; SQS tells of these only how many
there are. So what is called missing is, and a missing profile is found once the lanes hold fewer
than the log has no end of: at the latest when they are empty.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ValidationError

from attendee_sync.aws import clients, log_pages
from attendee_sync.aws.clients import Deadline
from attendee_sync.aws.log_pages import Event
from attendee_sync.messaging.lanes import Lanes
from attendee_sync.observability import LogEvent

# After an outage as long as MaxAgeHours is by default, all of it is looked at still.
_LOOK_BACK_SECONDS = 26 * 3600.0
# Younger pushes are on their way: SQS counts a minute late, and log lines come as late or later.
_YOUNG_SECONDS = 900.0
# What was rejected at once has its end in the log some milliseconds before its push.
_EDGE_SECONDS = 60.0
# Read at once, the newest first. Beyond what is young, it is more than the hour between two
# balances: so each push is looked at, also where the log is too long for more than one slice.
_SLICE_SECONDS = 80 * 60.0
_MOST_ANSWERS = 200  # of CloudWatch for a balance; each has at most 10,000 lines or 1 MB
_RETRY_SECONDS = 1.0
# SQS's counts are approximate. Of more than this, what they are off by might look like missing.
_MOST_WAITING = 1_000
LOOK_SECONDS = 200.0  # for one look, of which there are two at most
LATE_SECONDS = 60.0  # within which the lines of what ended just now have come

_PATTERN = (
    f'{{ $.message = "{LogEvent.PUSH_ACCEPTED}" || $.message = "{LogEvent.PROFILE_SETTLED}" }}'
)


class UnknownError(Exception):
    """It can't be told whether profiles are missing; the text says why."""


@dataclass(frozen=True)
class Balance:
    """What was accepted and has no end, and how many profiles are in the lanes."""

    without_end: Mapping[str, Sequence[str]]  # indexes by request id
    in_lanes: int
    since: float  # epoch seconds: pushes of before were not looked at

    @property
    def without_end_count(self) -> int:
        """How many have no end."""
        return sum(map(len, self.without_end.values()))

    @property
    def missing(self) -> int:
        """How many have neither an end nor are in a lane."""
        return max(0, self.without_end_count - self.in_lanes)


def strike(lanes: Lanes, logs: Any, groups: Sequence[str]) -> Balance:
    """Return the balance of what was accepted more than a quarter of an hour ago.

    `logs` is a client of CloudWatch Logs, `groups` are ingest's and delivery's. Where something
    seems to be missing it looks again after a minute: what left a lane before the first look has
    its end in the log by then. Raises UnknownError.
    """
    now = time.time()
    balance = _look(lanes, logs, groups, now)
    if not balance.missing:
        return balance
    time.sleep(LATE_SECONDS)
    again = _look(lanes, logs, groups, now)
    in_lanes = max(balance.in_lanes, again.in_lanes)
    return Balance(again.without_end, in_lanes, again.since)


def _look(lanes: Lanes, logs: Any, groups: Sequence[str], now: float) -> Balance:
    """Count first, and then read the log: what leaves a lane in between has its end there."""
    try:
        in_lanes = lanes.count()
    except (BotoCoreError, ClientError) as error:
        raise UnknownError(f"SQS: {clients.cause(error)}") from error
    if in_lanes > _MOST_WAITING:
        raise UnknownError(f"more than {_MOST_WAITING} profiles are in the lanes")
    log = _OpenLog(_LogCalls(logs.filter_log_events, Deadline.after(LOOK_SECONDS)), groups)
    log.read(now)
    return Balance(log.without_end(now - _YOUNG_SECONDS), in_lanes, log.since)


@dataclass
class _LogCalls:
    """Calls of CloudWatch, made again where they fail, up to a number and a time."""

    ask: Callable[..., Any]
    deadline: Deadline
    answers: int = 0

    def __call__(self, **request: Any) -> Any:
        """Ask. Raises UnknownError if there is no answer in time."""
        cause = "the log is too long"
        while self.answers < _MOST_ANSWERS and self.deadline.allows():
            try:
                answer = self.ask(**request)
            except (BotoCoreError, ClientError) as error:
                cause = f"CloudWatch: {clients.cause(error)}"
                time.sleep(_RETRY_SECONDS)
            else:
                self.answers += 1
                return answer
        raise UnknownError(cause)


class _AccountedLine(BaseModel):
    """A line about a push or about the end of a profile."""

    message: str
    request_id: str
    index: str = ""
    attendees: dict[str, str] = {}  # of a push, by index


@dataclass
class _OpenLog:
    """What the log has no end of, as far back as it can be read."""

    calls: _LogCalls
    groups: Sequence[str]
    since: float = 0.0
    _ended: dict[str, set[str]] = field(default_factory=dict)  # indexes by request id
    _open: dict[str, tuple[float, list[str]]] = field(default_factory=dict)  # with when accepted

    def read(self, now: float) -> None:
        """Read it. Raises UnknownError if not even the newest slice could be read."""
        self.since = now
        while self.since > now - _LOOK_BACK_SECONDS:
            begin = self.since - _SLICE_SECONDS
            end = self.since if self.since < now else time.time() + _EDGE_SECONDS
            slices = (self._slice(group, begin, end) for group in self.groups)
            try:
                self._take(itertools.chain.from_iterable(slices))
            except UnknownError:
                if self.since == now:
                    raise
                return
            self.since = begin

    def without_end(self, until: float) -> dict[str, list[str]]:
        """Return what has no end of the pushes until a time in epoch seconds."""
        since = self.since + _EDGE_SECONDS
        return {
            request_id: indexes
            for request_id, (at, indexes) in self._open.items()
            if since <= at <= until
        }

    def _slice(self, group: str, begin: float, end: float) -> Iterable[Event]:
        between = int(begin * 1000), int(end * 1000) - 1
        for page in log_pages.pages(self.calls, group, between, _PATTERN):
            yield from page

    def _take(self, events: Iterable[Event]) -> None:
        """Take account of a slice: an end is never in an older one than its push."""
        pushes: list[tuple[float, str, list[str]]] = []
        for event in events:
            try:
                line = _AccountedLine.model_validate_json(event["message"])
            except ValidationError:
                continue  # a local cloud gives all lines
            if line.message == LogEvent.PROFILE_SETTLED:
                self._ended.setdefault(line.request_id, set()).add(line.index)
            elif line.message == LogEvent.PUSH_ACCEPTED:
                at = log_pages.timestamp(event) / 1000
                pushes.append((at, line.request_id, list(line.attendees)))
        for at, request_id, indexes in pushes:
            ended = self._ended.pop(request_id, set())
            if left := [each for each in indexes if each not in ended]:
                self._open[request_id] = at, left
