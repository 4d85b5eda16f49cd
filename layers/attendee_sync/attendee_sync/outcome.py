"""Outcomes: what became of one profile."""

from dataclasses import dataclass
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
    longest_wait: float = 900.0  # seconds until the next attempt, if there is one


class RetryLaterError(Exception):
    """The call is not made now; the profile waits. The text says why."""

    def __init__(
        self,
        reason: str,
        *,
        retry_after: int | None = None,
        longest_wait: float = 900.0,
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
