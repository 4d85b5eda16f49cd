"""Outcomes: what became of one profile."""

from dataclasses import dataclass, replace
from enum import StrEnum


class OutcomeKind(StrEnum):
    """The words for it in logs, metrics and dead letters."""

    DELIVERED = "delivered"
    UNCHANGED = "unchanged"  # RainFocus has it already: no call
    FILTERED = "filtered"  # the destination does not want it
    STALE = "stale"  # older than what became of a later one
    REJECTED = "rejected"
    EXPIRED = "expired"
    RETRY = "retry"  # no end: the profile goes back to the queue

    @property
    def is_final(self) -> bool:
        """Tell whether it is an end."""
        return self is not OutcomeKind.RETRY

    @property
    def goes_to_dead_letters(self) -> bool:
        """Tell whether the profile is kept, whole, with the reason."""
        return self in (OutcomeKind.REJECTED, OutcomeKind.EXPIRED)

    @property
    def advances_version(self) -> bool:
        """Tell whether what is older is stale after it. A rejected profile may yet be mended."""
        return self in (OutcomeKind.DELIVERED, OutcomeKind.UNCHANGED, OutcomeKind.FILTERED)

    @property
    def label(self) -> str:
        """What people read of a profile that is not worked on yet."""
        return _LABELS[self]


_LABELS = {
    OutcomeKind.DELIVERED: "delivered, if RainFocus takes it",
    OutcomeKind.UNCHANGED: "unchanged: RainFocus has it already",
    OutcomeKind.FILTERED: "filtered: the destination does not want it",
    OutcomeKind.STALE: "stale: something newer of the attendee was settled",
    OutcomeKind.REJECTED: "rejected",
    OutcomeKind.EXPIRED: "expired",
    OutcomeKind.RETRY: "not to be told",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one profile, and why. It holds no personal data."""

    kind: OutcomeKind
    reason: str = ""
    status: int | None = None  # HTTP status of RainFocus's answer
    code: str = ""  # responseCode of RainFocus's answer
    message: str = ""  # responseMessage of RainFocus's answer
    retry_after: int | None = None  # seconds
    latency: float | None = None  # seconds that RainFocus took
    is_fault_of_settings: bool = False  # it waits for its connection or destination to be mended
    # By field: what was left out, and why. Never a value.
    remarks: tuple[tuple[str, str], ...] = ()
    longest_wait: float | None = None  # seconds until the next attempt, if it is to be short

    def as_kind(self, kind: OutcomeKind) -> "Outcome":
        """Return the outcome with another kind, and all else as it is."""
        return replace(self, kind=kind)


class RetryLaterError(Exception):
    """The call is not made now; the profile waits. The text says why."""

    def __init__(
        self,
        reason: str,
        *,
        retry_after: int | None = None,
        longest_wait: float | None = None,
        is_fault_of_settings: bool = False,
    ) -> None:
        super().__init__(reason)
        self.outcome = Outcome(
            OutcomeKind.RETRY,
            reason,
            retry_after=retry_after,
            longest_wait=longest_wait,
            is_fault_of_settings=is_fault_of_settings,
        )
