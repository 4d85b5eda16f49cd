"""Delivery: from a batch of queued profiles to attendees in RainFocus, each with an outcome."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from attendee_sync.aws.fifo_queue import FifoQueue
from attendee_sync.aws.settings import Settings
from attendee_sync.delivery import accounting, planner
from attendee_sync.delivery.group import ACCOUNTING_SECONDS, BEHIND, NO_TIME, GroupDelivery
from attendee_sync.delivery.ledger import (
    AttemptNote,
    Known,
    Ledger,
    LedgerEntry,
    LedgerUnavailableError,
    Recorded,
)
from attendee_sync.delivery.pauses import Pauses
from attendee_sync.delivery.planner import Plan, Planner
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.delivery.settled import Settled
from attendee_sync.delivery.suspects import Suspects
from attendee_sync.messaging.lanes import SHARED, Lanes
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome, OutcomeKind, Reason
from attendee_sync.rainfocus.guarded_client import GuardedClient

_TOLD_SECONDS = 3_000  # after which is told again why a profile waits: `status` looks at an hour
THREADS = 10  # as many as a batch has messages
_OVERTAKEN = Outcome(
    OutcomeKind.STALE,
    Reason.OVERTAKEN,
    "a newer one of this attendee was settled at the same time",
)
_UNFINISHED = Outcome(OutcomeKind.RETRY, Reason.UNFINISHED, "it has not ended in this invocation")


class _Threads:
    """The threads of batches. They are kept for the next: to begin ten costs 2 ms of processor."""

    def __init__(self) -> None:
        self._kept: ThreadPoolExecutor | None = None

    def work(
        self, work: Sequence[Callable[[], list[Settled]]], seconds: float
    ) -> list[Future[list[Settled]]]:
        """Do some work side by side, for so many seconds at most, and return what came of it.

        A thread that hangs takes none from a later batch.
        """
        self._kept = self._kept or ThreadPoolExecutor(THREADS)
        started = [self._kept.submit(each) for each in work]
        wait(started, seconds)
        if not all(each.done() for each in started):
            self.leave()
        return started

    def leave(self) -> None:
        """Let the threads end with what they do, and begin no more."""
        if self._kept:
            self._kept.shutdown(wait=False, cancel_futures=True)
        self._kept = None


@dataclass(frozen=True)
class Delivery:
    """Delivers the profiles of one stack."""

    settings: Settings
    ledger: Ledger
    pauses: Pauses
    lanes: Lanes
    dead_letters: FifoQueue
    client: GuardedClient
    policy: RetryPolicy
    threads: _Threads = field(default_factory=_Threads)

    def deliver(
        self, messages: Sequence[QueuedProfile], seconds_left: Callable[[], float]
    ) -> list[tuple[QueuedProfile, Outcome]]:
        """Deliver a batch of one lane, its groups side by side, each one's messages in order.

        Behind a message that must be retried the rest of its group waits as well. Messages to
        retry are put back on the queue with growing waits. What an invocation may have died on is
        worked on after all others are off the queue, one by one. Returns every message's outcome.
        """
        lane = messages[0].lane if messages else SHARED
        settled = _Batch(self, self.lanes.queue(lane), seconds_left).deliver(messages)
        return [(each.message, each.outcome) for each in settled]


class _Batch:
    """One batch: by what it is delivered, its queue, the time left, and what became of it."""

    def __init__(
        self, stack: Delivery, queue: FifoQueue, seconds_left: Callable[[], float]
    ) -> None:
        self._stack = stack
        self._queue = queue
        self._planner = Planner(stack.settings)
        self._seconds_left = seconds_left
        self._settled: list[Settled] = []
        self._notes: Mapping[str, AttemptNote] = {}

    def deliver(self, messages: Sequence[QueuedProfile]) -> list[Settled]:
        """Deliver the batch, and return what became of each message."""
        try:
            suspects = Suspects.among(messages, self._stack.ledger, self._stack.policy)
        except LedgerUnavailableError as error:
            again = planner.retry(error)  # for what may be a suspect or not
            plans = [
                Plan(each, again) if each.attempt > 1 else self._plan(each) for each in messages
            ]
            self._finish(self._work(plans))
            return self._settled
        self._notes = suspects.notes
        plans = [self._plan(each) for each in messages if each.group not in suspects.groups]
        self._finish(self._work(plans))
        if suspects.groups:
            self._take_off(self._settled)
            self._deliver_alone(suspects)
        return self._settled

    def _plan(self, message: QueuedProfile) -> Plan:
        if self._seconds_left() <= ACCOUNTING_SECONDS:
            return Plan(message, NO_TIME)
        return self._planner.plan(message)

    def _deliver_alone(self, suspects: Suspects) -> None:
        """Deliver suspects one by one, each off the queue before the invocation may die on a next.

        Behind one that must be retried the rest of its group is put back with it.
        """
        late: list[QueuedProfile] = []
        for group in suspects.in_order():
            for n, message in enumerate(group):
                if self._seconds_left() <= 2 * ACCOUNTING_SECONDS:
                    late += group[n:]
                    break
                [worked] = self._work([suspects.plan(message, self._plan)])
                is_retry = not worked.outcome.kind.is_final
                behind = _UNFINISHED if worked.outcome == _UNFINISHED else BEHIND
                rest = _all_with(behind, group[n + 1 :]) if is_retry else []
                self._finish([worked, *rest], alone=message.message_id)
                self._take_off([worked])
                if is_retry:
                    break
        self._finish(_all_with(NO_TIME, late))

    def _work(self, plans: Sequence[Plan]) -> Sequence[Settled]:
        """Do what is planned, and write to the ledger what became of it."""
        known = self._known(plans)
        erased = frozenset[str]() if isinstance(known, Outcome) else known.erased
        groups: dict[str, list[Plan]] = {}
        for plan in plans:
            planned = replace(plan, is_erased=True) if plan.person in erased else plan
            groups.setdefault(plan.message.group, []).append(planned)
        settled = self._deliver_groups(list(groups.values()), known)
        return settled if isinstance(known, Outcome) else self._record(settled, known)

    def _finish(self, settled: Sequence[Settled], alone: str = "") -> None:
        """Account for what became of messages, and put back what must be retried.

        `alone` is the id of one that was worked on alone.
        """
        settled = self._with_waits([replace(each, is_news=self._is_news(each)) for each in settled])
        accounting.account(settled)
        self._put_back(settled, alone)
        self._settled += settled

    def _is_news(self, settled: Settled) -> bool:
        """Tell whether it has ended, waits for another reason, or was told of long ago."""
        outcome, note = settled.outcome, self._notes.get(settled.message.message_id)
        if outcome.kind.is_final or not note or note.told != outcome.reason.value:
            return True
        return time.time() - note.told_at >= _TOLD_SECONDS

    def _deliver_groups(
        self, groups: Sequence[list[Plan]], known: Known | Outcome
    ) -> list[Settled]:
        """Deliver groups side by side. One that has not ended in time is to be retried."""
        entries = known if isinstance(known, Outcome) else known.entries
        work = [partial(self._group_delivery().deliver, group, entries) for group in groups]
        time_left = self._seconds_left() - ACCOUNTING_SECONDS
        started = self._stack.threads.work(work, max(0.0, time_left))
        settled: list[Settled] = []
        for group, each in zip(groups, started, strict=True):
            settled += _result(each, group, _UNFINISHED if time_left > 0 else NO_TIME)
        return settled

    def _group_delivery(self) -> GroupDelivery:
        stack = self._stack
        return GroupDelivery(
            stack.settings,
            stack.ledger,
            stack.pauses,
            stack.dead_letters,
            stack.client,
            stack.policy,
            self._seconds_left,
        )

    def _known(self, plans: Sequence[Plan]) -> Known | Outcome:
        """Return what the ledger knows of those of a batch, or why that is not known."""
        if paused := self._still_paused(plans):
            return paused
        attendees = {plan.attendee for plan in plans if plan.attendee}
        try:
            return self._stack.ledger.read(
                attendees, {plan.person for plan in plans if plan.person}
            )
        except LedgerUnavailableError as error:
            return planner.retry(error)

    def _still_paused(self, plans: Sequence[Plan]) -> Outcome | None:
        """Return why all of a batch wait again, where what the ledger knows can change nothing.

        They were looked up with their first attempt, and are once more before they are sent.
        """
        connections = {
            each.target.connection.name: each.target.connection for each in plans if each.target
        }
        if len(connections) != 1 or any(_may_end(each) for each in plans):
            return None
        error = self._stack.client.guards.still_paused(*connections.values())
        if not error:
            return None
        ends = (self._stack.policy.settle(error.outcome, each.message.waited) for each in plans)
        return None if any(each.kind.is_final for each in ends) else error.outcome

    def _record(self, settled: Sequence[Settled], known: Known) -> Sequence[Settled]:
        """Write to the ledger how a batch ended; what can't be written is retried."""
        ledger = self._stack.ledger
        entries = {each.plan.attendee: _entry(each) for each in settled if _is_noted(each.outcome)}
        try:
            recorded = ledger.record(entries.values(), known)
        except LedgerUnavailableError as error:
            recorded = Recorded(set(), dict.fromkeys(entries, error))
        for key in recorded.overtaken:
            # RainFocus may have got this one last, so that the newer one is due once more.
            with suppress(LedgerUnavailableError):
                ledger.invalidate(key)
        instead = {key: planner.retry(error) for key, error in recorded.failed.items()}
        instead |= dict.fromkeys(recorded.overtaken, _OVERTAKEN)
        return [
            replace(each, outcome=instead.get(each.plan.attendee, each.outcome))
            if _is_noted(each.outcome)
            else each
            for each in settled
        ]

    def _with_waits(self, settled: Sequence[Settled]) -> list[Settled]:
        """Add for how long each is to be hidden, a group for the same time to keep its order.

        What has ended, or has not in its thread, is not: that is left alone, and comes again as
        if it had died with it.
        """
        by_group: dict[str, int] = {}
        waiting: list[Settled] = []
        for each in settled:
            message, outcome = each.message, each.outcome
            if outcome.kind.is_final or outcome == _UNFINISHED:
                waiting.append(each)
                continue
            seconds = self._stack.policy.wait(message.attempt, outcome, message.waited)
            waiting.append(replace(each, retry_in=by_group.setdefault(message.group, seconds)))
        return waiting

    def _put_back(self, settled: Sequence[Settled], alone: str) -> None:
        """Hide what must be retried."""
        policy = self._stack.policy
        receipts: dict[str, int] = {}
        notes: dict[str, AttemptNote] = {}
        for each in settled:
            if each.retry_in is not None:
                receipts[each.message.receipt] = each.retry_in
                notes[each.message.message_id] = self._note(each)
        if not receipts:
            return
        if not self._stack.ledger.note_put_back(notes, alone if alone in notes else ""):
            # It comes soon, or it would seem to have died.
            most = policy.max_unnoted_wait
            receipts = {name: min(seconds, most) for name, seconds in receipts.items()}
        self._queue.put_back(receipts)

    def _note(self, settled: Settled) -> AttemptNote:
        message = settled.message
        if settled.is_news:
            told = settled.outcome.reason.value
            return AttemptNote(message.attempt, told=told, told_at=int(time.time()))
        before = self._notes[message.message_id]
        return AttemptNote(message.attempt, told=before.told, told_at=before.told_at)

    def _take_off(self, settled: Sequence[Settled]) -> None:
        """Delete what has ended, which Lambda does only if the invocation ends as well."""
        ended = [each.message.receipt for each in settled if each.outcome.kind.is_final]
        self._queue.delete(ended)


def _may_end(plan: Plan) -> bool:
    """Tell whether a message may end without a call."""
    return plan.message.attempt == 1 or plan.target is None or plan.outcome is not None


def _all_with(outcome: Outcome, messages: Sequence[QueuedProfile]) -> list[Settled]:
    return [Settled(Plan(each), outcome) for each in messages]


def _result(
    working: Future[list[Settled]], group: Sequence[Plan], unended: Outcome
) -> list[Settled]:
    """Return what became of a group if its thread has ended; else, all of it is to be retried."""
    if not working.done():
        return [Settled(plan, unended) for plan in group]
    if working.cancelled():
        return [Settled(plan, NO_TIME) for plan in group]
    try:
        return working.result()
    except Exception as error:  # noqa: BLE001 - one bad group must not stop the batch
        return [Settled(plan, planner.retry(error)) for plan in group]


def _is_noted(outcome: Outcome) -> bool:
    """Tell whether the ledger is to know of an outcome: of who was erased it knows nothing."""
    return outcome.kind.advances_version and outcome.reason is not Reason.ERASED


def _entry(settled: Settled) -> LedgerEntry:
    """Return what the ledger is to know after the last of an attendee's profiles."""
    now = int(time.time())
    message, kind, before = settled.message, settled.outcome.kind, settled.entry
    if before is None:
        attendee = settled.plan.attendee
        return LedgerEntry(attendee, message.destination, message.version, kind, now)
    return replace(before, version=message.version, outcome=kind, settled_at=now)
