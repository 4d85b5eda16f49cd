"""Following pushed profiles to their ends, by the lines that delivery logs about each.

CloudWatch has these some seconds late, now and then more: they are read again and again, ever more
rarely, and from the beginning where nothing new comes.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws import log_pages
from attendee_sync.observability import LogEvent
from attendee_sync.outcome import OutcomeKind
from attendee_sync_cli import aws_errors, console, outcome_words
from attendee_sync_cli.profiles.places import PlaceGroup
from attendee_sync_cli.stack import log_events
from attendee_sync_cli.stack.log_events import LogLine
from attendee_sync_cli.stack.log_summary import NOT_TRIED

_EVENTS = (LogEvent.PROFILE_SETTLED, LogEvent.PROFILE_PUT_BACK)
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 2.0, 20.0, 1.5  # seconds between looks, and a factor
_LATE_SECONDS = 120.0  # by which most lines are there, and this machine's clock may be off
_BUSY = ("ThrottlingException", "ServiceUnavailableException")
_BAD = frozenset(kind for kind in OutcomeKind if kind.goes_to_dead_letters)
_WITHOUT_REMARK = (OutcomeKind.DELIVERED, OutcomeKind.UNCHANGED)

type _Identity = tuple[str, str]  # request id and index


@dataclass(frozen=True)
class _End:
    outcome: str
    reason: str = ""
    status: int | None = None  # RainFocus's answer, if it refused
    code: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether it is a dead letter."""
        return self.outcome in _BAD


class PushFollower:
    """Profiles of one destination that were accepted, and what has become of each."""

    def __init__(self, client: Any, group: str, destination: str) -> None:
        """`client` is CloudWatch's for logs, `group` delivery's log group."""
        self._client = client
        self._group = group
        self._pattern = log_events.pattern(_EVENTS, destination)
        self._began = time.time()
        self._read_to = self._began
        self._waiting: dict[_Identity, int] = {}  # places in the file
        self._reasons: dict[_Identity, str] = {}  # why one was put back last
        self._ends: dict[_End, PlaceGroup] = {}
        self.seconds = 0.0
        self.fault = ""  # why they can't be followed

    @property
    def waiting(self) -> int:
        """How many have come to no end yet."""
        return len(self._waiting)

    @property
    def has_failed(self) -> bool:
        """Whether one of them became a dead letter."""
        return any(end.is_bad for end in self._ends)

    @property
    def is_success(self) -> bool:
        """Whether all came to a good end."""
        return not self._waiting and not self.has_failed

    def add(self, request_id: str, places: Mapping[int, int]) -> None:
        """Follow the accepted profiles of a push, by their indexes."""
        self._waiting |= {(request_id, str(index)): place for index, place in places.items()}

    def wait(self, seconds: float, advance: Callable[[int], object]) -> None:
        """Wait until all came to their end, but no longer than that."""
        started = time.monotonic()
        pause = _FIRST_PAUSE
        try:
            while self._waiting:
                before = len(self._waiting)
                left = seconds - (time.monotonic() - started)
                is_whole = pause == _LONGEST_PAUSE or left <= 0
                self.fault = self._look(self._began if is_whole else self._read_to)
                advance(before - len(self._waiting))
                if self.fault or left <= 0 or not self._waiting:
                    return
                if len(self._waiting) < before:
                    pause = _FIRST_PAUSE
                time.sleep(min(pause, left))
                pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        finally:
            self.seconds = time.monotonic() - started

    def _look(self, since: float) -> str:
        """Read the log since a time in epoch seconds; return why that can't be done, or nothing."""
        now = time.time()
        between = int((since - _LATE_SECONDS) * 1000), int((now + _LATE_SECONDS) * 1000)
        ask = self._client.filter_log_events
        try:
            for events in log_pages.pages(ask, self._group, between, self._pattern):
                for line, _ in log_events.lines(events, _EVENTS):
                    self._take(line)
        except (BotoCoreError, ClientError) as error:
            is_busy = isinstance(error, ClientError) and error.response["Error"]["Code"] in _BUSY
            return "" if is_busy else f"AWS: {aws_errors.explain(error)}"
        self._read_to = now
        return ""

    def _take(self, line: LogLine) -> None:
        if line.identity not in self._waiting:
            return
        if line.message == LogEvent.PROFILE_PUT_BACK:
            self._reasons[line.identity] = line.reason
            return
        end = _End(line.outcome, line.reason)
        if end.is_bad:
            end = replace(end, status=line.status, code=line.code)
        group = self._ends.setdefault(
            end, PlaceGroup(line.detail, line.answer if end.is_bad else "")
        )
        group.add(self._waiting.pop(line.identity))
        self._reasons.pop(line.identity, None)

    def _waits(self) -> dict[str, PlaceGroup]:
        """Return what has no end yet, by what it waits for."""
        found: dict[str, PlaceGroup] = {}
        for identity, place in self._waiting.items():
            reason = self._reasons.get(identity, NOT_TRIED)
            found.setdefault(reason, PlaceGroup()).add(place)
        return found

    def document(self, places: str) -> dict[str, Any]:
        """Return what became of them for programs; `places` is what places in the file are."""
        return {
            "seconds": round(self.seconds, 3),
            "fault": self.fault or None,
            "outcomes": [
                {
                    "outcome": end.outcome,
                    "reason": end.reason or None,
                    "detail": group.detail,
                    "status": end.status,
                    "code": end.code or None,
                    "answer": group.answer or None,
                    "count": group.count,
                    places: group.places,
                }
                for end, group in self._ends.items()
            ],
            "waiting": [
                {"reason": reason, "count": group.count, places: group.places}
                for reason, group in self._waits().items()
            ],
        }

    def show(self, places: str) -> None:
        """Show people what became of them."""
        ended = sum(group.count for group in self._ends.values())
        console.say(f"{ended} of {ended + self.waiting} at their end after {self.seconds:.0f} s")
        rows = [
            [
                str(group.count),
                end.outcome,
                _words(end, group),
                "" if end.outcome in _WITHOUT_REMARK else group.listed(),
            ]
            for end, group in self._ends.items()
        ]
        rows += [
            [str(group.count), "waiting", reason, group.listed()]
            for reason, group in self._waits().items()
        ]
        if rows:
            table = [[console.plain(cell) for cell in row] for row in rows]
            console.table(["profiles", "outcome", "reason", f"{places} in the file"], table)


def _words(end: _End, group: PlaceGroup) -> str:
    """Return why profiles ended so, with RainFocus's answer if it refused them."""
    answer = outcome_words.of_answer(end.status, end.code, group.answer)
    return outcome_words.why(end.reason, group.detail, answer)
