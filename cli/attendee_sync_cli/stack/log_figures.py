"""A report's figures from the lines of the functions' logs, where there are no metrics of them."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

from attendee_sync.observability import LogEvent, Metric
from attendee_sync.outcome import OutcomeKind
from attendee_sync_cli.stack.figures import ACTIVATED, HOUR, Durations, Figures, Place, Spread
from attendee_sync_cli.stack.log_events import LogLine, NewestFirst

_ENDS = (LogEvent.PUSH_ACCEPTED, LogEvent.PROFILE_SETTLED)
_WORK = (*_ENDS, LogEvent.PROFILE_PUT_BACK)


def read(
    client: Any,
    groups: Sequence[str],
    since: int,
    step: int = HOUR,
    *,
    spreads_by: int | None = None,
) -> Figures:
    """Count since a time in epoch seconds, by steps in seconds, as far as the log can be read.

    How times spread is told by other steps, if it is asked for.
    `client` is CloudWatch's for logs. Raises botocore's errors.
    """
    figures = Figures("log", since)
    took: dict[tuple[Metric, int], list[float]] = {}
    reader = NewestFirst(client, groups, _WORK if spreads_by else _ENDS)
    for lines in reader.slices(since, time.time()):
        for line, at in lines:
            _count(figures, line, Place(line.destination, int(at) // step * step))
            if not spreads_by:
                continue
            for metric, seconds in _took(line):
                took.setdefault((metric, int(at) // spreads_by * spreads_by), []).append(seconds)
    figures.spreads = {each: _spread(sorted(some)) for each, some in took.items()}
    figures.is_complete = reader.is_complete
    figures.since = int(reader.since)
    return figures


def _count(figures: Figures, line: LogLine, place: Place) -> None:
    if line.message == LogEvent.PUSH_ACCEPTED:
        figures.received[place] += line.accepted + line.rejected
        return
    if line.message != LogEvent.PROFILE_SETTLED:
        return
    figures.ends[place, line.outcome] += 1
    if line.outcome == OutcomeKind.DELIVERED:
        seconds = line.age_ms / 1000
        figures.took(place, Durations(1, seconds, seconds))
    if line.outcome not in ACTIVATED:
        figures.reasons[place, line.outcome, line.reason] += 1


def _took(line: LogLine) -> Iterator[tuple[Metric, float]]:
    """Yield what delivery measures of a profile, in seconds."""
    if not line.attempt:
        return
    yield Metric.AGE, line.age_ms / 1000
    if line.latency_ms is not None:
        yield Metric.RAINFOCUS_LATENCY, line.latency_ms / 1000


def _spread(ordered: Sequence[float]) -> Spread:
    """Return the spread of values, of which there are some, by the nearest rank."""
    p50, p95 = (ordered[math.ceil(part * len(ordered)) - 1] for part in (0.5, 0.95))
    return Spread(p50, p95)
