"""What came of profiles lately, against the time before."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from attendee_sync.observability import Metric
from attendee_sync.outcome import OutcomeKind
from attendee_sync_cli.operations import report
from attendee_sync_cli.operations.report import Row
from attendee_sync_cli.stack.figures import HOUR, Figures, Place, Spread
from attendee_sync_cli.stack.stack import Stack

ENDS = tuple(kind for kind in OutcomeKind if kind.is_final)


@dataclass(frozen=True)
class Span:
    """A time up to now. All are seconds."""

    words: str
    seconds: int
    step: int  # in which it is counted: it begins on a full one
    bar: int  # of a chart, a multiple of the step
    bar_words: str


# By what they are called in an address.
SPANS: Mapping[str, Span] = {
    "1h": Span("last hour", HOUR, 60, 300, "5 minutes"),
    "24h": Span("last 24 hours", 24 * HOUR, 900, HOUR, "hour"),
    "7d": Span("last 7 days", 168 * HOUR, HOUR, 6 * HOUR, "6 hours"),
}


@dataclass(frozen=True)
class Count:
    """How many there were in a time, and in as long a time before it."""

    now: int
    before: int | None  # None: it is not known as far back as that


@dataclass(frozen=True)
class Outcomes:
    """What was received in a time, and what ended in it."""

    span: Span
    since: int  # epoch seconds
    figures: Figures  # since twice as long ago

    @property
    def is_complete(self) -> bool:
        """Tell whether it is known as far back as the time goes."""
        return self.figures.since <= self.since

    @property
    def received(self) -> Count:
        """How many were accepted, or rejected at once."""
        return self._count(self.figures.received)

    def ended(self, kind: OutcomeKind) -> Count:
        """How many ended so."""
        ends = self.figures.ends
        return self._count(
            Counter({place: count for (place, outcome), count in ends.items() if outcome == kind})
        )

    def by_destination(self) -> dict[str, Row]:
        """Return what came of profiles by destination, of the time itself."""
        found = report.rows(self.figures, lambda place: (place.destination, self._is_now(place)))
        return {name: row for (name, is_now), row in sorted(found.items()) if is_now}

    def bars(self) -> list[int]:
        """Return the beginnings of the bars of a chart, in epoch seconds."""
        width = self.span.bar
        return list(range(self.since // width * width, int(time.time()) + 1, width))

    def ends_by_bar(self) -> dict[OutcomeKind, list[int]]:
        """Return for each outcome how many ended so in each bar."""
        counts: Counter[tuple[str, int]] = Counter()
        for (place, outcome), count in self.figures.ends.items():
            if self._is_now(place):
                counts[outcome, place.start // self.span.bar] += count
        return {kind: [counts[kind, bar // self.span.bar] for bar in self.bars()] for kind in ENDS}

    def spreads_by_bar(self, metric: Metric) -> list[Spread | None]:
        """Return how times spread in each bar; None where there are none."""
        return [self.figures.spreads.get((metric, bar)) for bar in self.bars()]

    def _count(self, counts: Mapping[Place, int]) -> Count:
        now = sum(count for place, count in counts.items() if self._is_now(place))
        is_known = self.figures.since <= self.since - self.span.seconds
        return Count(now, sum(counts.values()) - now if is_known else None)

    def _is_now(self, place: Place) -> bool:
        return place.start >= self.since


def look(stack: Stack, span: Span) -> Outcomes:
    """Count what came of profiles in a time up to now, and before it.

    Raises botocore's errors.
    """
    # The step that has begun is the last one.
    since = (int(time.time()) // span.step + 1) * span.step - span.seconds
    figures = report.count_since(stack, since - span.seconds, span.step, spreads_by=span.bar)
    return Outcomes(span, since, figures)
