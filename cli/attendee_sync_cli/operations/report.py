"""What was received in some hours and what came of it, in the columns that Adobe has."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from attendee_sync_cli import console
from attendee_sync_cli.settings import audience_filter, setting_changes
from attendee_sync_cli.stack import log_figures, metric_figures
from attendee_sync_cli.stack.figures import (
    ACTIVATED,
    EXCLUDED,
    FAILED,
    HOUR,
    Durations,
    Figures,
    Place,
)
from attendee_sync_cli.stack.stack import Stack

_NO_AUDIENCE = "no audience chosen"
MAX_HOURS = 336  # two weeks: for so long CloudWatch lists a metric without values


class By(StrEnum):
    """What a line of a report is about."""

    DESTINATION = "destination"
    REASON = "reason"
    HOUR = "hour"
    AUDIENCE = "audience"


@dataclass
class Row:
    """What came of profiles."""

    received: int = 0
    activated: int = 0
    excluded: int = 0
    failed: int = 0
    durations: Durations = field(default_factory=Durations)

    @property
    def ends(self) -> tuple[int, int, int]:
        """How many were activated, excluded, and failed."""
        return self.activated, self.excluded, self.failed

    @property
    def ended(self) -> int:
        """How many have an end."""
        return sum(self.ends)

    def document(self) -> dict[str, float | None]:
        """Return what programs read of it."""
        took = self.durations
        return {
            "received": self.received,
            "activated": self.activated,
            "excluded": self.excluded,
            "failed": self.failed,
            "activated_rate": _rate(self.activated, self.ended),
            "excluded_rate": _rate(self.excluded, self.ended),
            "failed_rate": _rate(self.failed, self.ended),
            "mean_seconds": round(took.total / took.count, 3) if took.count else None,
            "longest_seconds": round(took.longest, 3) if took.count else None,
        }


@dataclass(frozen=True)
class Report:
    """The figures of some hours, and their sums."""

    figures: Figures
    audiences: Mapping[str, str] = field(default_factory=dict)  # by destination, in words

    def by_audience(self) -> dict[str, Row]:
        """Return what came of profiles by the audiences whose members their destination sends.

        Of a destination that was removed, or whose filter is not one by audiences alone and a
        condition, that is not known.
        """
        found = rows(
            self.figures, lambda place: self.audiences.get(place.destination, _NO_AUDIENCE)
        )
        return dict(sorted(found.items()))

    def by_destination(self) -> dict[str, Row]:
        """Return what came of profiles by destination."""
        found = rows(self.figures, lambda place: place.destination)
        return dict(sorted(found.items()))

    def by_hour(self) -> dict[str, Row]:
        """Return what came of profiles by the beginning of each hour, of those without any, too."""
        found = rows(self.figures, lambda place: place.start)
        first = self.figures.since // HOUR * HOUR
        hours = range(first, int(time.time()) + 1, HOUR)
        return {console.moment(each): found.get(each, Row()) for each in hours}

    def by_reason(self) -> Counter[tuple[str, str]]:
        """Return how many were not activated, by outcome and reason."""
        counts: Counter[tuple[str, str]] = Counter()
        for (_, outcome, reason), count in self.figures.reasons.items():
            counts[outcome, reason] += count
        return counts

    def total(self) -> Row:
        """Return what came of all."""
        return rows(self.figures, lambda _: "").get("", Row())

    def records(self, by: By) -> list[dict[str, Any]]:
        """Return the lines as programs read them."""
        match by:
            case By.REASON:
                ended = self.total().ended
                return [
                    {
                        "outcome": outcome,
                        "reason": reason,
                        "profiles": count,
                        "rate": _rate(count, ended),
                    }
                    for (outcome, reason), count in self.by_reason().most_common()
                ]
            case By.HOUR:
                found = self.by_hour()
            case By.AUDIENCE:
                found = self.by_audience()
            case _:
                found = self.by_destination()
        return [{by.value: name, **row.document()} for name, row in found.items()]

    def document(self, by: By) -> dict[str, Any]:
        """Return what programs read of it."""
        return {
            "since": console.moment(self.figures.since),
            "source": self.figures.source,
            "complete": self.figures.is_complete,
            "rows": self.records(by),
            "total": self.total().document(),
        }


def look(stack: Stack, hours: int) -> Report:
    """Count some hours, the one that has begun among them. Raises botocore's errors."""
    since = (int(time.time()) // HOUR - hours + 1) * HOUR
    return Report(count_since(stack, since), _audiences(stack))


def _audiences(stack: Stack) -> dict[str, str]:
    """Return the audiences of each destination that has some, in words."""
    filters = {
        name: setting_changes.parsed(text).get("filter")
        for name, text in stack.destinations().items()
    }
    found = {
        name: audience_filter.taken_apart(text)[0]
        for name, text in filters.items()
        if isinstance(text, str)
    }
    return {name: " or ".join(sorted(ids)) for name, ids in found.items() if ids}


def count_since(
    stack: Stack, since: int, step: int = HOUR, *, spreads_by: int | None = None
) -> Figures:
    """Count since the beginning of a step of time, by steps in seconds.

    How times spread is told by other steps, a multiple of these, if it is asked for.
    It is told from CloudWatch's metrics, where there are any, and else from the functions' logs.
    Raises botocore's errors.
    """
    metrics = stack.client("cloudwatch")
    found = metric_figures.read(metrics, stack.name, stack.destinations(), since, step)
    if found is not None:
        if spreads_by:
            first = since // spreads_by * spreads_by
            found.spreads = metric_figures.read_spreads(metrics, stack.name, first, spreads_by)
        return found
    groups = [stack.output("IngestLogGroupName"), stack.output("DeliveryLogGroupName")]
    client = stack.client("logs")
    return log_figures.read(client, groups, since, step, spreads_by=spreads_by)


def rows[Key](figures: Figures, key_of: Callable[[Place], Key]) -> dict[Key, Row]:
    """Return what came of profiles by destination, time, or whatever tells a place."""
    found = {key_of(place): Row() for place in figures.places()}
    for place, count in figures.received.items():
        found[key_of(place)].received += count
    for (place, outcome), count in figures.ends.items():
        row = found[key_of(place)]
        row.activated += count if outcome in ACTIVATED else 0
        row.excluded += count if outcome in EXCLUDED else 0
        row.failed += count if outcome in FAILED else 0
    for place, durations in figures.durations.items():
        found[key_of(place)].durations.add(durations)
    return found


def _rate(count: int, ended: int) -> float | None:
    return round(count / ended, 6) if ended else None
