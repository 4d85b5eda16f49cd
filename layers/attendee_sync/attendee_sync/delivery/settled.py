"""What became of a plan."""

from dataclasses import dataclass

from attendee_sync.delivery.ledger import LedgerEntry
from attendee_sync.delivery.planner import Plan
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome


@dataclass(frozen=True)
class Settled:
    """A plan, its outcome, and what the ledger knew of the attendee or is to know of a delivery."""

    plan: Plan
    outcome: Outcome
    entry: LedgerEntry | None = None
    is_news: bool = True  # what waits for the same reason as before is none
    retry_in: int | None = None  # seconds until the next attempt, of what is put back

    @property
    def message(self) -> QueuedProfile:
        """The message that was planned."""
        return self.plan.message
