"""Suspects: messages that came again without having been put back, so an invocation died on some.

All of a batch are suspects when its invocation died, whatever it died of. Each is then worked on
alone, with a note in the ledger before: the note that stays tells on which one they die.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from attendee_sync.delivery import planner
from attendee_sync.delivery.ledger import AttemptNote, Ledger, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome, OutcomeKind, Reason


@dataclass(frozen=True)
class Suspects:
    """The groups of a batch in which there is a suspect, each with its messages in order."""

    groups: Mapping[str, Sequence[QueuedProfile]]
    notes: Mapping[str, AttemptNote]  # of all that come again, by message id
    _deaths: Mapping[str, int]  # how often an invocation died on a message alone, by its id
    _ledger: Ledger
    _max_deaths: int

    @classmethod
    def among(
        cls, batch: Sequence[QueuedProfile], ledger: Ledger, policy: RetryPolicy
    ) -> "Suspects":
        """Find them. What comes for the first time costs no call. Raises LedgerUnavailableError."""
        attempts = {each.message_id: each.attempt for each in batch if each.attempt > 1}
        notes = ledger.attempt_notes(attempts)
        deaths = count_deaths(attempts, notes, policy.died_seconds)
        names = dict.fromkeys(each.group for each in batch if each.message_id in deaths)
        groups = {name: [each for each in batch if each.group == name] for name in names}
        return cls(groups, notes, deaths, ledger, policy.max_deaths)

    def in_order(self) -> list[Sequence[QueuedProfile]]:
        """Return the groups, the likely killer last: by deaths, then by size.

        What comes before it is delivered in this invocation, also if that dies again.
        """

        def danger(group: Sequence[QueuedProfile]) -> tuple[int, int]:
            deaths = max(self._deaths.get(each.message_id, 0) for each in group)
            return deaths, sum(len(each.body) for each in group)

        return sorted(self.groups.values(), key=danger)

    def plan(self, message: QueuedProfile, plan: Callable[[QueuedProfile], Plan]) -> Plan:
        """Return the plan of a suspect, once the ledger has a note that it is being worked on."""
        deaths = self._deaths.get(message.message_id, 0)
        if deaths >= self._max_deaths:
            # Not even planned: that may be what they die of. The group is the attendee's key.
            words = f"an invocation died on it {deaths} times"
            died = Outcome(OutcomeKind.REJECTED, Reason.KILLED_INVOCATION, words)
            return Plan(message, died, attendee=message.group)
        try:
            self._ledger.note_begun(message.message_id, message.attempt, deaths + 1)
        except LedgerUnavailableError as error:
            return Plan(message, planner.retry(error))
        return plan(message)


def count_deaths(
    attempts: Mapping[str, int], notes: Mapping[str, AttemptNote], died_seconds: float
) -> dict[str, int]:
    """Return those messages that came again without having been put back.

    It gets the attempt of each by its id. With each goes how often an invocation died on it alone;
    one that came again sooner than `died_seconds` after it was begun did not.
    """
    deaths: dict[str, int] = {}
    for name, attempt in attempts.items():
        note = notes.get(name, AttemptNote())
        if note.put_back == attempt - 1:
            continue
        died = time.time() - note.begun_at >= died_seconds * (attempt - note.begun)
        deaths[name] = note.deaths if died else max(0, note.deaths - 1)
    return deaths
