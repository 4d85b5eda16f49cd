"""Outcomes: what became of one profile."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The words for it in logs, metrics and dead letters."""

    DELIVERED = "delivered"
    FILTERED = "filtered"  # the destination does not want it
    REJECTED = "rejected"
    EXPIRED = "expired"
    RETRY = "retry"  # no end: the profile goes back to the queue


@dataclass(frozen=True)
class Outcome:
    """What became of one profile, and why. It holds no personal data."""

    kind: Kind
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
