"""Delivery: from a batch of queued profiles to attendees in RainFocus, each with an outcome."""

import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace

from attendee_sync import attendee
from attendee_sync.aws.fifo_queue import FifoQueue, QueueUnavailableError
from attendee_sync.aws.settings import Settings
from attendee_sync.delivery import accounting, planner
from attendee_sync.delivery.ledger import Ledger, LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan, Planner
from attendee_sync.delivery.suspects import Suspects
from attendee_sync.messaging import dead_letters, messages
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome, OutcomeKind
from attendee_sync.rainfocus.answers import Answer, AnswerKind
from attendee_sync.rainfocus.client import Attendee
from attendee_sync.rainfocus.guarded_client import GuardedClient

THREADS = 10  # as many as a batch has messages
# What the end of an invocation takes at worst: the ledger is written twice, what is put back is
# noted twice, the queue is told, each within 1.5 s.
ACCOUNTING_SECONDS = 7.5
# What waits for its settings to be mended expires later, but before SQS gives it up for having
# been received 1,000 times: with the waits of _wait() that takes four days.
MAX_AGE_FOR_SETTINGS = 3 * 86_400.0  # seconds
_FIRST_WAIT = 2.0  # seconds; doubled with each attempt
_MORE_WAIT = 2.0  # seconds that each attempt adds where waits are to be short
_MAX_WAIT = 900.0  # seconds
_UNNOTED_WAIT = 60  # seconds, at most; far from ledger.DIED_SECONDS
_BEHIND = "behind an earlier one of this attendee"
_TOGETHER = "in one call with a later one of this attendee"
_OVERTAKEN = "a newer one of this attendee was settled at the same time"
_ISOLATED = "RainFocus takes others of this connection, but not this profile"
_MAX_ISOLATED_FAILURES = 3
_NO_TIME = Outcome(OutcomeKind.RETRY, "no time left in this invocation")
_HANGS = Outcome(OutcomeKind.RETRY, "it has not ended in this invocation")
# After these ends, what is older is stale. A rejected profile may yet be mended.
_NOTED = frozenset({OutcomeKind.DELIVERED, OutcomeKind.UNCHANGED, OutcomeKind.FILTERED})

type _Settled = tuple[Plan, Outcome, LedgerEntry | None]


@dataclass(frozen=True)
class Delivery:
    """Delivers the profiles of one stack."""

    settings: Settings
    ledger: Ledger
    profiles: FifoQueue
    dead_letters: FifoQueue
    caller: GuardedClient
    max_age: float  # seconds after which a profile that can't be delivered expires

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
            return planner.plan(message) if has_time else Plan(message, _NO_TIME)

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
                is_retry = worked[0][1].kind is OutcomeKind.RETRY
                if is_retry:
                    hangs = worked[0][1] == _HANGS
                    behind = _HANGS if hangs else Outcome(OutcomeKind.RETRY, _BEHIND)
                    worked += _all_to_retry(group[n + 1 :], behind)
                settled += self._finish(worked, alone=message.message_id)
                self._take_off(worked)
                if is_retry:
                    break
        return settled + self._finish(_all_to_retry(late, _NO_TIME))

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
    ) -> list[_Settled]:
        """Deliver groups side by side. One that has not ended in time is to be retried.

        The threads are this batch's own: one that hangs takes none from a later batch.
        """
        known = self._known([plan for group in groups for plan in group])
        threads = ThreadPoolExecutor(THREADS)
        started = [
            threads.submit(self._deliver_group, group, known, seconds_left) for group in groups
        ]
        time_left = seconds_left() - ACCOUNTING_SECONDS
        wait(started, max(0.0, time_left))
        threads.shutdown(wait=False, cancel_futures=True)
        settled: list[_Settled] = []
        for group, each in zip(groups, started, strict=True):
            settled += _result(each, group, _HANGS if time_left > 0 else _NO_TIME)
        return settled

    def _known(self, plans: Sequence[Plan]) -> Mapping[str, LedgerEntry] | Outcome:
        """Return what the ledger knows of the batch's attendees, or why that is not known."""
        try:
            return self.ledger.read({plan.attendee for plan in plans if plan.attendee})
        except LedgerUnavailableError as error:
            return Outcome(OutcomeKind.RETRY, f"the ledger can't be read: {error}")

    def _deliver_group(
        self,
        plans: Sequence[Plan],
        known: Mapping[str, LedgerEntry] | Outcome,
        seconds_left: Callable[[], float],
    ) -> list[_Settled]:
        """Deliver one group and return the outcomes; what ends badly is a dead letter by then.

        With each outcome goes what the ledger knew of the attendee, or is to know of a delivery.
        """
        entries = {} if isinstance(known, Outcome) else dict(known)
        outcomes: dict[str, Outcome] = {}  # by message id
        due: list[Plan] = []
        latest: Plan | None = None
        for plan in plans:
            if latest and plan.message.version.is_before(latest.message.version):
                # It was redriven. Once the newer ones have ended, the ledger tells if it is stale.
                outcomes[plan.message.message_id] = Outcome(OutcomeKind.RETRY, _BEHIND)
                break
            unsent = _unsent(plan, known, follows=bool(due))
            if not unsent:
                due.append(plan)
                latest = plan
                continue
            outcome = outcomes[plan.message.message_id] = self._end(
                plan, unsent, entries, seconds_left
            )
            if outcome.kind is OutcomeKind.RETRY:
                break
            latest = plan if outcome.kind in _NOTED else latest
        for _, updates in itertools.groupby(due, lambda plan: plan.attendee):
            sent = self._send(list(updates), entries, seconds_left)
            outcomes |= {plan.message.message_id: outcome for plan, outcome in sent}
            if sent[-1][1].kind is OutcomeKind.RETRY:
                break
        return [
            (plan, outcome, entries.get(plan.attendee))
            for plan, outcome in _in_order(plans, outcomes)
        ]

    def _send(
        self, plans: list[Plan], entries: dict[str, LedgerEntry], seconds_left: Callable[[], float]
    ) -> list[tuple[Plan, Outcome]]:
        """Send consecutive updates of one attendee: in one call, with the state after the last.

        If RainFocus does not take it, the fault may be in one of them, and each is sent by itself.
        Ends with the first that must be retried. Notes deliveries in the entries.
        """
        last = self._store(plans, entries, seconds_left)
        one_by_one = last.kind is OutcomeKind.REJECTED and len(plans) > 1
        sent: list[tuple[Plan, Outcome]] = []
        for plan in plans:
            if one_by_one:
                outcome = plan.unsent(entries.get(plan.attendee)) or self._store(
                    [plan], entries, seconds_left
                )
            else:
                outcome = last if plan is plans[-1] else _together(last)
            outcome = replace(outcome, remarks=plan.remarks)
            outcome = self._end(plan, outcome, entries, seconds_left)
            sent.append((plan, outcome))
            if outcome.kind is OutcomeKind.RETRY:
                break
        return sent

    def _store(
        self,
        plans: Sequence[Plan],
        entries: dict[str, LedgerEntry],
        seconds_left: Callable[[], float],
    ) -> Outcome:
        """Store the state of an attendee after some updates, unless RainFocus has it already."""
        try:
            return self._attempt(plans, entries, seconds_left)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the batch
            return planner.retry(error)

    def _attempt(
        self,
        plans: Sequence[Plan],
        entries: dict[str, LedgerEntry],
        seconds_left: Callable[[], float],
    ) -> Outcome:
        last = plans[-1]
        if last.target is None:
            raise RuntimeError("what is to be sent has a target")
        fields = {name: text for plan in plans for name, text in plan.fields.items()}
        digests = attendee.digests(self.settings.hash_key(), last.attendee, fields)
        before = entries.get(last.attendee)
        delivered = before.fields_of(last.target.mapping_version) if before else {}
        if digests.items() <= delivered.items():
            return Outcome(OutcomeKind.UNCHANGED)
        person = Attendee(last.target.event_code, fields)
        started = time.monotonic()
        name, message = last.target.connection_name, last.message
        answer = self.caller.store(
            name, last.target.connection, person, message.trace_parent, seconds_left
        )
        outcome = _outcome(answer, time.monotonic() - started)
        if answer.kind is AnswerKind.CONFIGURATION and self._is_isolated(message, name):
            return replace(outcome, kind=OutcomeKind.REJECTED, reason=_ISOLATED)
        if outcome.kind is OutcomeKind.DELIVERED:
            self.ledger.note_success(name)
            entries[last.attendee] = _delivery(last, answer, {**delivered, **digests})
        return outcome

    def _is_isolated(self, message: QueuedProfile, connection: str) -> bool:
        """Tell whether a message keeps meeting a fault of its connection that others don't meet."""
        return (
            self.ledger.count_isolated_failures(message.message_id, connection)
            >= _MAX_ISOLATED_FAILURES
        )

    def _end(
        self,
        plan: Plan,
        outcome: Outcome,
        entries: dict[str, LedgerEntry],
        seconds_left: Callable[[], float],
    ) -> Outcome:
        """Return an outcome once it holds: what has waited too long expires, bad ends are kept."""
        max_age = MAX_AGE_FOR_SETTINGS if outcome.is_fault_of_settings else self.max_age
        if outcome.kind is OutcomeKind.RETRY and plan.message.waited > max_age:
            outcome = replace(outcome, kind=OutcomeKind.EXPIRED)
        if outcome.kind not in (OutcomeKind.REJECTED, OutcomeKind.EXPIRED):
            return outcome
        if seconds_left() <= ACCOUNTING_SECONDS:
            return _NO_TIME  # it may count as put back by now
        try:
            if plan.message.attempt > 1:
                self._invalidate(plan.attendee, entries)
            self._send_to_dead_letters(plan, outcome)
        except LedgerUnavailableError as error:
            return Outcome(OutcomeKind.RETRY, f"the ledger can't be written: {error}")
        except QueueUnavailableError:
            return Outcome(OutcomeKind.RETRY, "the dead-letter queue does not take it")
        return outcome

    def _invalidate(self, key: str, entries: dict[str, LedgerEntry]) -> None:
        """Have an attendee sent with the next update, even if the ledger knows it as delivered.

        An earlier attempt may have got through to RainFocus without an answer to us.
        """
        if key in entries:
            self.ledger.invalidate(key)
            entries[key] = replace(entries[key], mapping_version="")

    def _send_to_dead_letters(self, plan: Plan, outcome: Outcome) -> None:
        why = {
            "outcome": outcome.kind.value,
            "reason": outcome.reason,
            "status": str(outcome.status or ""),
            "code": outcome.code,
            "message": outcome.message,
        }
        message = plan.message
        was = messages.requeue_message(message, message.group, message.message_id)
        is_refused = (
            outcome.kind is OutcomeKind.REJECTED and outcome.status and outcome.reason != _ISOLATED
        )
        if is_refused and plan.target:
            was = dead_letters.refused_by(was, plan.target.mapping_version)
        self.dead_letters.send([dead_letters.dead_letter_of(was, why, message.attempt)])

    def _note(self, settled: Sequence[_Settled]) -> list[tuple[Plan, Outcome]]:
        """Write to the ledger how a batch ended; what can't be noted is retried."""
        entries = {
            plan.attendee: _entry(plan, outcome, before)
            for plan, outcome, before in settled
            if outcome.kind in _NOTED
        }
        try:
            overtaken = self.ledger.record(entries.values())
        except LedgerUnavailableError as error:
            again = Outcome(OutcomeKind.RETRY, f"the ledger can't be written: {error}")
            return _instead(settled, entries.keys(), again)
        for key in overtaken:
            # RainFocus may have got this one last, so that the newer one is due once more.
            with suppress(LedgerUnavailableError):
                self.ledger.invalidate(key)
        return _instead(settled, overtaken, Outcome(OutcomeKind.STALE, _OVERTAKEN))

    def _put_back(self, settled: Sequence[tuple[Plan, Outcome]], alone: str = "") -> None:
        """Hide what must be retried; a group's messages for the same time, to keep their order.

        What has not ended in its thread is left alone: it comes again as if it had died with it.
        """
        waits: dict[str, int] = {}
        receipts: dict[str, int] = {}
        attempts: dict[str, int] = {}
        for message, outcome in ((plan.message, outcome) for plan, outcome in settled):
            if outcome.kind is OutcomeKind.RETRY and outcome != _HANGS:
                wait = waits.setdefault(message.group, _wait(message.attempt, outcome))
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
        ended = [plan.message.receipt for plan, out in settled if out.kind is not OutcomeKind.RETRY]
        self.profiles.delete(ended)


def _by_message(settled: Sequence[tuple[Plan, Outcome]]) -> list[tuple[QueuedProfile, Outcome]]:
    return [(plan.message, outcome) for plan, outcome in settled]


def _all_to_retry(messages: Sequence[QueuedProfile], why: Outcome) -> list[tuple[Plan, Outcome]]:
    return [(Plan(each, why), why) for each in messages]


def _unknown(message: QueuedProfile, error: LedgerUnavailableError) -> Plan:
    """Return the plan of what may be a suspect or not."""
    return Plan(message, Outcome(OutcomeKind.RETRY, f"the ledger can't be read: {error}"))


def _result(
    working: Future[list[_Settled]], group: Sequence[Plan], unended: Outcome
) -> list[_Settled]:
    """Return what became of a group if its thread has ended; else, all of it is to be retried."""
    if not working.done():
        return [(plan, unended, None) for plan in group]
    if working.cancelled():
        return [(plan, _NO_TIME, None) for plan in group]
    try:
        return working.result()
    except Exception as error:  # noqa: BLE001 - one bad group must not stop the batch
        return [(plan, planner.retry(error), None) for plan in group]


def _unsent(
    plan: Plan, known: Mapping[str, LedgerEntry] | Outcome, *, follows: bool
) -> Outcome | None:
    """Return the outcome of what is not sent now."""
    if not isinstance(known, Outcome):
        return plan.unsent(known.get(plan.attendee), follows=follows)
    return known if plan.attendee else plan.outcome


def _in_order(plans: Sequence[Plan], outcomes: Mapping[str, Outcome]) -> list[tuple[Plan, Outcome]]:
    """Return a group's plans with their outcomes; behind one to be retried nothing takes effect."""
    settled: list[tuple[Plan, Outcome]] = []
    behind: Outcome | None = None
    for plan in plans:
        outcome = outcomes.get(plan.message.message_id, behind)
        if outcome is None:
            raise RuntimeError("only behind a retry there is no outcome")
        if behind and outcome.kind not in (OutcomeKind.REJECTED, OutcomeKind.EXPIRED):
            outcome = behind
        elif outcome.kind is OutcomeKind.RETRY:
            behind = replace(outcome, reason=_BEHIND, remarks=())
        settled.append((plan, outcome))
    return settled


def _instead(
    settled: Sequence[_Settled], keys: Set[str], outcome: Outcome
) -> list[tuple[Plan, Outcome]]:
    """Return the outcomes with another one wherever some attendees' were to be noted."""
    return [
        (plan, outcome if plan.attendee in keys and before.kind in _NOTED else before)
        for plan, before, _ in settled
    ]


def _together(outcome: Outcome) -> Outcome:
    """Return the outcome of an update that was sent with a later one."""
    reason = _TOGETHER if outcome.kind is OutcomeKind.DELIVERED else outcome.reason
    return replace(outcome, reason=reason, latency=None)


def _delivery(plan: Plan, answer: Answer, digests: Mapping[str, str]) -> LedgerEntry:
    now = int(time.time())
    return LedgerEntry(
        attendee=plan.attendee,
        destination=plan.message.destination,
        version=plan.message.version,
        outcome=OutcomeKind.DELIVERED,
        settled_at=now,
        fields=digests,
        mapping_version=plan.target.mapping_version if plan.target else "",
        status=answer.status or 0,
        code=answer.code,
        attendee_id=answer.attendee_id,
        delivered_at=now,
    )


def _entry(plan: Plan, outcome: Outcome, before: LedgerEntry | None) -> LedgerEntry:
    """Return what the ledger is to know after the last of an attendee's profiles."""
    now = int(time.time())
    message = plan.message
    if before is None:
        return LedgerEntry(plan.attendee, message.destination, message.version, outcome.kind, now)
    return replace(before, version=message.version, outcome=outcome.kind, settled_at=now)


def _wait(attempt: int, outcome: Outcome) -> int:
    """Return the seconds until the next attempt: a random part of a doubling time."""
    longest = min(
        _FIRST_WAIT * 2 ** min(attempt, 10),
        outcome.longest_wait + _MORE_WAIT * attempt,
        _MAX_WAIT,
    )
    jittered = random.uniform(0, longest)  # noqa: S311 - spreads load, hides nothing
    return int(min((outcome.retry_after or 0) + max(jittered, 1.0), _MAX_WAIT))


def _outcome(answer: Answer, latency: float) -> Outcome:
    kinds = {AnswerKind.STORED: OutcomeKind.DELIVERED, AnswerKind.PROFILE: OutcomeKind.REJECTED}
    reasons = {
        AnswerKind.STORED: "",
        AnswerKind.TRANSIENT: "RainFocus is unavailable or busy",
        AnswerKind.TOKEN: "RainFocus does not take the access token",
        AnswerKind.CONFIGURATION: "RainFocus does not take any call of this connection",
        AnswerKind.PROFILE: "RainFocus does not take this profile",
    }
    return Outcome(
        kinds.get(answer.kind, OutcomeKind.RETRY),
        reasons[answer.kind],
        answer.status,
        answer.code,
        answer.message,
        answer.retry_after,
        latency,
        answer.kind in (AnswerKind.TOKEN, AnswerKind.CONFIGURATION),
    )
