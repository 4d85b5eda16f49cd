"""What the functions' logs tell of the last hours, by destination.

What waits is told by its newest line: a profile that is put back again for the same reason is
logged within the hour.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from attendee_sync.observability import LogEvent
from attendee_sync_cli.stack.log_events import LogLine, NewestFirst

NOT_TRIED = "not_tried"  # said as if it were a reason
_EVENTS = (LogEvent.PUSH_ACCEPTED, LogEvent.PROFILE_SETTLED, LogEvent.PROFILE_PUT_BACK)
_SKEW_SECONDS = 60.0  # by which this machine's clock may be late

type _Identity = tuple[str, str]  # request id and index


@dataclass(frozen=True)
class _Wait:
    """What one or more profiles of a push wait for."""

    destination: str
    reason: str
    since: float  # epoch seconds: when they were accepted


@dataclass
class Waiting:
    """How many profiles wait for the same reason, and since when the oldest: epoch seconds."""

    count: int = 0
    since: float = float("inf")


@dataclass
class LogSummary:
    """What happened at one destination, and what has not happened yet."""

    outcomes: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, Waiting] = field(default_factory=dict)  # by reason

    @property
    def waiting_count(self) -> int:
        """How many profiles wait."""
        return sum(waits.count for waits in self.waiting.values())

    @property
    def oldest(self) -> float:
        """The age in seconds of what waits for longest. Raises ValueError if nothing waits."""
        return time.time() - min(waits.since for waits in self.waiting.values())

    def wait(self, reason: str, count: int, since: float) -> None:
        """Count profiles that wait."""
        waiting = self.waiting.setdefault(reason, Waiting())
        waiting.count += count
        waiting.since = min(waiting.since, since)


class Log:
    """The logs of ingest and delivery: the last hours of them, as far as they can be read."""

    def __init__(self, client: Any, groups: Sequence[str], hours: int) -> None:
        self._outcomes: Counter[tuple[str, str]] = Counter()
        # By delivery's newest line: None if the profile had its end with it.
        self._tried: dict[_Identity, _Wait | None] = {}
        self._refused: set[_Identity] = set()  # by ingest
        self._pushes: list[tuple[_Wait, str, int]] = []  # with request id and number of profiles
        reader = NewestFirst(client, groups, _EVENTS)
        end = time.time() + _SKEW_SECONDS
        for lines in reader.slices(end - hours * 3600.0, end):
            self._take(lines)
        self.is_complete = reader.is_complete
        self.since = reader.since  # epoch seconds; what is later was read

    def activities(self) -> dict[str, LogSummary]:
        """Return what happened, by destination."""
        found: dict[str, LogSummary] = {}
        for (destination, outcome), count in self._outcomes.items():
            found.setdefault(destination, LogSummary()).outcomes[outcome] += count
        for wait, count in self._waits():
            found.setdefault(wait.destination, LogSummary()).wait(wait.reason, count, wait.since)
        return found

    def count_without_end(self, before: float) -> int:
        """Count what was accepted before a time in epoch seconds and has no end."""
        return sum(count for wait, count in self._waits() if wait.since < before)

    def _waits(self) -> Iterator[tuple[_Wait, int]]:
        for wait in filter(None, self._tried.values()):
            yield wait, 1
        tried = Counter(request_id for request_id, _ in self._tried.keys() - self._refused)
        for wait, request_id, accepted in self._pushes:
            if accepted > tried[request_id]:
                yield wait, accepted - tried[request_id]

    def _take(self, lines: Iterable[tuple[LogLine, float]]) -> None:
        """Take account of lines, the newest first."""
        for line, at in lines:
            identity = line.identity
            if line.message == LogEvent.PROFILE_SETTLED:
                self._outcomes[line.destination, line.outcome] += 1
            if line.message == LogEvent.PUSH_ACCEPTED:
                wait = _Wait(line.destination, NOT_TRIED, at)
                self._pushes.append((wait, line.request_id, line.accepted))
            elif not line.attempt:
                self._refused.add(identity)
            elif identity not in self._tried:
                wait = _Wait(line.destination, line.reason, at - line.age_ms / 1000)
                self._tried[identity] = wait if line.message == LogEvent.PROFILE_PUT_BACK else None
