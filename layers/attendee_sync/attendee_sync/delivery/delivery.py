"""Delivery: from a batch of queued profiles to attendees in RainFocus, each with an outcome."""

import time
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace

from attendee_sync.aws.fifo_queue import FifoQueue
from attendee_sync.aws.settings import Settings
from attendee_sync.delivery import accounting, planner
from attendee_sync.delivery.group import ACCOUNTING_SECONDS, BEHIND, NO_TIME, GroupDelivery, Settled
from attendee_sync.delivery.ledger import Ledger, LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan, Planner
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.delivery.suspects import Suspects
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome, OutcomeKind, Reason
from attendee_sync.rainfocus.guarded_client import GuardedClient

THREADS = 10  # as many as a batch has messages
_UNNOTED_WAIT = 60  # seconds, at most; far from ledger.DIED_SECONDS
_OVERTAKEN = Outcome(
    OutcomeKind.STALE,
    Reason.OVERTAKEN,
    "a newer one of this attendee was settled at the same time",
)
_HANGS = Outcome(OutcomeKind.RETRY, Reason.UNFINISHED, "it has not ended in this invocation")


@dataclass(frozen=True)
class Delivery:
    """Delivers the profiles of one stack."""

    settings: Settings
    ledger: Ledger
    profiles: FifoQueue
    dead_letters: FifoQueue
    client: GuardedClient
    policy: RetryPolicy

    def deliver(
        self, batch: Sequence[QueuedProfile], seconds_left: Callable[[], float]
    ) -> list[tuple[QueuedProfile, Outcome]]:
        """Deliver a batch, its groups side by side, each group's messages in order.

        Behind a message that must be retried the rest of its group waits as well. Messages to
        retry are put back on the queue with growing waits. What an invocation may have died on is
        worked on after all others are off the queue, one by one. Returns every message's outcome.
        """
        planner = Planner(self.settings)

        def plan(message: QueuedProfile) -> Plan:
            has_time = seconds_left() > ACCOUNTING_SECONDS
            return planner.plan(message) if has_time else Plan(message, NO_TIME)

        try:
            suspects = Suspects.among(batch, self.ledger)
        except LedgerUnavailableError as error:
            plans = [_unknown(each, error) if each.attempt > 1 else plan(each) for each in batch]
            return _by_message(self._finish(self._work(plans, seconds_left)))
        plans = [plan(each) for each in batch if each.group not in suspects.groups]
        settled = self._finish(self._work(plans, seconds_left))
        if suspects.groups:
            self._take_off(settled)
            settled += self._deliver_alone(suspects, plan, seconds_left)
        return _by_message(settled)

    def _deliver_alone(
        self,
        suspects: Suspects,
        plan: Callable[[QueuedProfile], Plan],
        seconds_left: Callable[[], float],
    ) -> list[tuple[Plan, Outcome]]:
        """Deliver suspects one by one, each off the queue before the invocation may die on a next.

        Behind one that must be retried the rest of its group is put back with it.
        """
        settled: list[tuple[Plan, Outcome]] = []
        late: list[QueuedProfile] = []
        for group in suspects.in_order():
            for n, message in enumerate(group):
                if seconds_left() <= 2 * ACCOUNTING_SECONDS:
                    late += group[n:]
                    break
                worked = self._work([suspects.plan(message, plan)], seconds_left)
                is_retry = not worked[0][1].kind.is_final
                if is_retry:
                    hangs = worked[0][1] == _HANGS
                    behind = _HANGS if hangs else BEHIND
                    worked += _all_to_retry(group[n + 1 :], behind)
                settled += self._finish(worked, alone=message.message_id)
                self._take_off(worked)
                if is_retry:
                    break
        return settled + self._finish(_all_to_retry(late, NO_TIME))

    def _work(
        self, plans: Sequence[Plan], seconds_left: Callable[[], float]
    ) -> list[tuple[Plan, Outcome]]:
        """Do what is planned, and note in the ledger what became of it."""
        groups: dict[str, list[Plan]] = {}
        for plan in plans:
            groups.setdefault(plan.message.group, []).append(plan)
        return self._note(self._deliver_groups(list(groups.values()), seconds_left))

    def _finish(
        self, settled: list[tuple[Plan, Outcome]], alone: str = ""
    ) -> list[tuple[Plan, Outcome]]:
        """Account for what became of messages, and put back what must be retried.

        `alone` is the id of one that was worked on alone.
        """
        accounting.account(settled)
        self._put_back(settled, alone)
        return settled

    def _deliver_groups(
        self, groups: Sequence[list[Plan]], seconds_left: Callable[[], float]
    ) -> list[Settled]:
        """Deliver groups side by side. One that has not ended in time is to be retried.

        The threads are this batch's own: one that hangs takes none from a later batch.
        """
        known = self._known([plan for group in groups for plan in group])
        threads = ThreadPoolExecutor(THREADS)
        started = [
            threads.submit(self._group_delivery(seconds_left).deliver, group, known)
            for group in groups
        ]
        time_left = seconds_left() - ACCOUNTING_SECONDS
        wait(started, max(0.0, time_left))
        threads.shutdown(wait=False, cancel_futures=True)
        settled: list[Settled] = []
        for group, each in zip(groups, started, strict=True):
            settled += _result(each, group, _HANGS if time_left > 0 else NO_TIME)
        return settled

    def _group_delivery(self, seconds_left: Callable[[], float]) -> GroupDelivery:
        return GroupDelivery(
            self.settings, self.ledger, self.dead_letters, self.client, self.policy, seconds_left
        )

    def _known(self, plans: Sequence[Plan]) -> Mapping[str, LedgerEntry] | Outcome:
        """Return what the ledger knows of the batch's attendees, or why that is not known."""
        try:
            return self.ledger.read({plan.attendee for plan in plans if plan.attendee})
        except LedgerUnavailableError as error:
            return planner.retry(error)

    def _note(self, settled: Sequence[Settled]) -> list[tuple[Plan, Outcome]]:
        """Write to the ledger how a batch ended; what can't be noted is retried."""
        entries = {
            plan.attendee: _entry(plan, outcome, before)
            for plan, outcome, before in settled
            if outcome.kind.advances_version
        }
        try:
            overtaken = self.ledger.record(entries.values())
        except LedgerUnavailableError as error:
            return _instead(settled, entries.keys(), planner.retry(error))
        for key in overtaken:
            # RainFocus may have got this one last, so that the newer one is due once more.
            with suppress(LedgerUnavailableError):
                self.ledger.invalidate(key)
        return _instead(settled, overtaken, _OVERTAKEN)

    def _put_back(self, settled: Sequence[tuple[Plan, Outcome]], alone: str = "") -> None:
        """Hide what must be retried; a group's messages for the same time, to keep their order.

        What has not ended in its thread is left alone: it comes again as if it had died with it.
        """
        waits: dict[str, int] = {}
        receipts: dict[str, int] = {}
        attempts: dict[str, int] = {}
        for message, outcome in ((plan.message, outcome) for plan, outcome in settled):
            if not outcome.kind.is_final and outcome != _HANGS:
                wait = waits.setdefault(message.group, self.policy.wait(message.attempt, outcome))
                receipts[message.receipt] = wait
                attempts[message.message_id] = message.attempt
        if not receipts:
            return
        if not self.ledger.note_put_back(attempts, alone if alone in attempts else ""):
            # It comes soon, or it would seem to have died.
            receipts = {name: min(wait, _UNNOTED_WAIT) for name, wait in receipts.items()}
        self.profiles.put_back(receipts)

    def _take_off(self, settled: Sequence[tuple[Plan, Outcome]]) -> None:
        """Delete what has ended, which Lambda does only if the invocation ends as well."""
        ended = [plan.message.receipt for plan, out in settled if out.kind.is_final]
        self.profiles.delete(ended)


def _by_message(settled: Sequence[tuple[Plan, Outcome]]) -> list[tuple[QueuedProfile, Outcome]]:
    return [(plan.message, outcome) for plan, outcome in settled]


def _all_to_retry(messages: Sequence[QueuedProfile], why: Outcome) -> list[tuple[Plan, Outcome]]:
    return [(Plan(each, why), why) for each in messages]


def _unknown(message: QueuedProfile, error: LedgerUnavailableError) -> Plan:
    """Return the plan of what may be a suspect or not."""
    return Plan(message, planner.retry(error))


def _result(
    working: Future[list[Settled]], group: Sequence[Plan], unended: Outcome
) -> list[Settled]:
    """Return what became of a group if its thread has ended; else, all of it is to be retried."""
    if not working.done():
        return [(plan, unended, None) for plan in group]
    if working.cancelled():
        return [(plan, NO_TIME, None) for plan in group]
    try:
        return working.result()
    except Exception as error:  # noqa: BLE001 - one bad group must not stop the batch
        return [(plan, planner.retry(error), None) for plan in group]


def _instead(
    settled: Sequence[Settled], keys: Set[str], outcome: Outcome
) -> list[tuple[Plan, Outcome]]:
    """Return the outcomes with another one wherever some attendees' were to be noted."""
    return [
        (plan, outcome if plan.attendee in keys and before.kind.advances_version else before)
        for plan, before, _ in settled
    ]


def _entry(plan: Plan, outcome: Outcome, before: LedgerEntry | None) -> LedgerEntry:
    """Return what the ledger is to know after the last of an attendee's profiles."""
    now = int(time.time())
    message = plan.message
    if before is None:
        return LedgerEntry(plan.attendee, message.destination, message.version, outcome.kind, now)
    return replace(before, version=message.version, outcome=outcome.kind, settled_at=now)
