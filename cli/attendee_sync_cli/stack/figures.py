"""What a report counts: what was received and what came of it, by destination and time."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, Self

from attendee_sync.observability import Metric
from attendee_sync.outcome import OutcomeKind

HOUR = 3_600  # seconds
ACTIVATED = (OutcomeKind.DELIVERED, OutcomeKind.UNCHANGED)
EXCLUDED = (OutcomeKind.FILTERED, OutcomeKind.STALE)
FAILED = (OutcomeKind.REJECTED, OutcomeKind.EXPIRED)


@dataclass(frozen=True)
class Place:
    """Where and when: a destination, and the beginning of a step of time in epoch seconds."""

    destination: str
    start: int


@dataclass
class Durations:
    """How long profiles took from acceptance to RainFocus, in seconds."""

    count: float = 0.0
    total: float = 0.0
    longest: float = 0.0

    def add(self, other: Self) -> None:
        """Add those of others."""
        self.count += other.count
        self.total += other.total
        self.longest = max(self.longest, other.longest)


@dataclass(frozen=True)
class Spread:
    """How some times spread: half took no longer than p50, and 95 % no longer than p95."""

    p50: float  # seconds
    p95: float


# By metric, Age or RainFocusLatency, and the beginning of a step of time in epoch seconds.
type Spreads = dict[tuple[Metric, int], Spread]


@dataclass
class Figures:
    """The figures of some time, exact: each profile that was received, and each end."""

    source: Literal["metrics", "log"]
    since: int  # epoch seconds
    received: Counter[Place] = field(default_factory=Counter)
    ends: Counter[tuple[Place, str]] = field(default_factory=Counter)  # by outcome
    # By outcome and reason, of what was not delivered.
    reasons: Counter[tuple[Place, str, str]] = field(default_factory=Counter)
    durations: dict[Place, Durations] = field(default_factory=dict)
    spreads: Spreads = field(default_factory=dict)  # if they were asked for
    is_complete: bool = True

    def took(self, place: Place, durations: Durations) -> None:
        """Note how long profiles took."""
        self.durations.setdefault(place, Durations()).add(durations)

    def places(self) -> set[Place]:
        """Return where anything was counted."""
        return {*self.received, *(place for place, _ in self.ends), *self.durations}
