"""When and for how long a profile is tried again: nothing else decides that."""

import random
from dataclasses import dataclass

from attendee_sync.outcome import Outcome, OutcomeKind

_MOST_DOUBLINGS = 10


@dataclass(frozen=True)
class RetryPolicy:
    """Waits that grow, and the ages at which waiting ends. All are seconds but the counts."""

    max_age: float
    """Age at which a profile expires that RainFocus is not there for."""
    # What waits for its settings to be mended expires later, but before SQS gives it up for
    # having been received 1,000 times: with the waits below that takes four days.
    max_age_for_settings: float = 3 * 86_400.0
    # What a person had wait may wait longer, but ends an hour before SQS deletes it without a dead
    # letter, 14 days after it came: attempts are `max_wait` apart at most, so one falls in there.
    max_waited: float = 14 * 86_400.0 - 3_600.0
    first_wait: float = 2.0  # doubled with each attempt
    # Growth ends here, for the circuit breaker keeps calls away that would fail. From then on a
    # wait grows with what was waited, so that days cost no more receives than SQS counts.
    long_wait: float = 30.0
    waited_part: float = 1 / 25
    max_wait: float = 900.0
    max_isolated_failures: int = 3
    """So often a profile may be alone with a fault of its connection before it is its own."""
    min_isolated_seconds: float = 60.0
    """So long it must have waited by then: a fault may meet some calls, and not others."""
    # A fault of ours comes with each attempt; what a moment brought (no memory, say) passes.
    max_internal_errors: int = 5
    """So many attempts may meet an error that nobody expected."""
    max_deaths: int = 3
    """So often an invocation may die on a profile alone."""
    # A message on which an invocation died comes again with the queue's visibility timeout of
    # 360 s after it was given out, and it was begun within the function's 60 s: what comes sooner
    # was put back, even if that could not be noted.
    died_seconds: float = 240.0
    max_unnoted_wait: int = 60
    """So long at most waits what could not be noted as put back: far from died_seconds."""

    def settle(self, outcome: Outcome, waited: float) -> Outcome:
        """Return the outcome of a profile that has waited so long on its queue."""
        max_age = self.max_age_for_settings if outcome.retry.is_fault_of_settings else self.max_age
        if outcome.kind.is_final or waited <= max_age:
            return outcome
        return outcome.as_kind(OutcomeKind.EXPIRED)

    def wait(self, attempt: int, outcome: Outcome, waited: float) -> int:
        """Return the seconds until the next attempt of what has waited so long: a random part."""
        retry = outcome.retry
        long = self.long_wait if retry.longest_wait is None else retry.longest_wait
        longest = min(
            self.first_wait * 2 ** min(attempt, _MOST_DOUBLINGS),
            long + waited * self.waited_part,
            self.max_wait,
        )
        jittered = random.uniform(0, longest)  # noqa: S311 - spreads load, hides nothing
        return int(min((retry.after or 0) + max(jittered, 1.0), self.max_wait))
