"""A report's figures from the lines of the functions' logs, where there are no metrics of them."""

import time
from collections.abc import Sequence
from typing import Any

from attendee_sync.observability import LogEvent
from attendee_sync.outcome import OutcomeKind
from attendee_sync_cli.stack.figures import ACTIVATED, HOUR, Durations, Figures, Place
from attendee_sync_cli.stack.log_events import LogLine, NewestFirst

_EVENTS = (LogEvent.PUSH_ACCEPTED, LogEvent.PROFILE_SETTLED)


def read(client: Any, groups: Sequence[str], since: int) -> Figures:
    """Count since a time in epoch seconds, as far back as the log can be read.

    `client` is CloudWatch's for logs. Raises botocore's errors.
    """
    figures = Figures("log", since)
    reader = NewestFirst(client, groups, _EVENTS)
    for lines in reader.slices(since, time.time()):
        for line, at in lines:
            _count(figures, line, Place(line.destination, int(at) // HOUR * HOUR))
    figures.is_complete = reader.is_complete
    figures.since = int(reader.since)
    return figures


def _count(figures: Figures, line: LogLine, place: Place) -> None:
    if line.message == LogEvent.PUSH_ACCEPTED:
        figures.received[place] += line.accepted + line.rejected
        return
    figures.ends[place, line.outcome] += 1
    if line.outcome == OutcomeKind.DELIVERED:
        seconds = line.age_ms / 1000
        figures.took(place, Durations(1, seconds, seconds))
    if line.outcome not in ACTIVATED:
        figures.reasons[place, line.outcome, line.reason] += 1
