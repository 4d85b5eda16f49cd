"""One attendee's messages of a batch, delivered in order."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import attendee
from attendee_sync.aws.fifo_queue import FifoQueue, QueueUnavailableError
from attendee_sync.aws.settings import Settings
from attendee_sync.delivery import planner
from attendee_sync.delivery.ledger import Ledger, LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.pauses import Pauses
from attendee_sync.delivery.planner import Plan
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.delivery.settled import Settled
from attendee_sync.messaging import dead_letters, messages
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Answer, AnswerKind, Outcome, OutcomeKind, Reason, Retry
from attendee_sync.rainfocus.client import Attendee
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.guarded_client import GuardedClient

# What the end of an invocation takes at worst: the ledger is written twice and read, what is put
# back is noted twice, the queue is told, each within 1.5 s.
ACCOUNTING_SECONDS: Final = 9.0
BEHIND: Final = Outcome(OutcomeKind.RETRY, Reason.BEHIND, "behind an earlier one of this attendee")
NO_TIME: Final = Outcome(OutcomeKind.RETRY, Reason.NO_TIME, "no time left in this invocation")
_NO_DEAD_LETTERS = Outcome(
    OutcomeKind.RETRY, Reason.DEAD_LETTERS_UNAVAILABLE, "the dead-letter queue does not take it"
)
_MERGED = "in one call with a later one of this attendee"
_ISOLATED = "RainFocus takes others of this connection, but not this profile"
_REASONS: Final[Mapping[AnswerKind, tuple[Reason, str]]] = {
    AnswerKind.STORED: (Reason.NONE, ""),
    AnswerKind.TRANSIENT: (Reason.UNAVAILABLE, "RainFocus is out of order or can't be reached"),
    AnswerKind.TOKEN: (Reason.TOKEN_REFUSED, "RainFocus does not take the access token"),
    AnswerKind.CONFIGURATION: (
        Reason.CONNECTION_REFUSED,
        "RainFocus does not take any call of this connection",
    ),
    AnswerKind.PROFILE: (Reason.REFUSED, "RainFocus does not take this profile"),
}


@dataclass
class GroupDelivery:
    """The delivery of one group: what it is done with, and what is known of the attendee by now."""

    settings: Settings
    ledger: Ledger
    pauses: Pauses
    dead_letters: FifoQueue
    client: GuardedClient
    policy: RetryPolicy
    seconds_left: Callable[[], float]  # of the invocation
    _entries: dict[str, LedgerEntry] = field(default_factory=dict)  # by attendee

    def deliver(
        self, plans: Sequence[Plan], known: Mapping[str, LedgerEntry] | Outcome
    ) -> list[Settled]:
        """Deliver the group and return the outcomes; what ends badly is a dead letter by then.

        `known` is what the ledger knows, or why that is not known. With each outcome goes what it
        knew of the attendee, or is to know of a delivery.
        """
        self._entries = {} if isinstance(known, Outcome) else dict(known)
        outcomes: dict[str, Outcome] = {}  # by message id
        due: list[Plan] = []
        latest: Plan | None = None
        for plan in plans:
            if latest and plan.message.version.is_before(latest.message.version):
                # It was redriven. Once the newer ones have ended, the ledger tells if it is stale.
                outcomes[plan.message.message_id] = BEHIND
                break
            unsent = _unsent(plan, known, follows=bool(due))
            if not unsent:
                due.append(plan)
                latest = plan
                continue
            outcome = outcomes[plan.message.message_id] = self._end(plan, unsent)
            if not outcome.kind.is_final:
                break
            latest = plan if outcome.kind.advances_version else latest
        for _, updates in itertools.groupby(due, lambda plan: plan.attendee):
            sent = self._send(list(updates))
            outcomes |= {plan.message.message_id: outcome for plan, outcome in sent}
            if not sent[-1][1].kind.is_final:
                break
        return [
            Settled(plan, outcome, self._entries.get(plan.attendee))
            for plan, outcome in _in_order(plans, outcomes)
        ]

    def _send(self, plans: list[Plan]) -> list[tuple[Plan, Outcome]]:
        """Send consecutive updates of one attendee: in one call, with the state after the last.

        If RainFocus does not take it, the fault may be in one of them, and each is sent by itself.
        Ends with the first that must be retried. Notes deliveries in the entries.
        """
        last = self._store(plans)
        one_by_one = last.kind is OutcomeKind.REJECTED and len(plans) > 1
        sent: list[tuple[Plan, Outcome]] = []
        for plan in plans:
            if one_by_one:
                outcome = plan.unsent(self._entries.get(plan.attendee)) or self._store([plan])
            else:
                outcome = last if plan is plans[-1] else _merged(last)
            outcome = replace(outcome, remarks=plan.remarks)
            outcome = self._end(plan, outcome)
            sent.append((plan, outcome))
            if not outcome.kind.is_final:
                break
        return sent

    def _store(self, plans: Sequence[Plan]) -> Outcome:
        """Store the state of an attendee after some updates, unless RainFocus has it already."""
        try:
            return self._attempt(plans)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the batch
            return planner.retry(error)

    def _attempt(self, plans: Sequence[Plan]) -> Outcome:
        last = plans[-1]
        if last.target is None:
            raise RuntimeError("what is to be sent has a target")
        fields = {name: text for plan in plans for name, text in plan.fields.items()}
        digests = attendee.digests(self.settings.hash_key(), last.attendee, fields)
        before = self._entries.get(last.attendee)
        delivered = before.fields_of(last.target.mapping_version) if before else {}
        is_known = digests.items() <= delivered.items()
        if is_known and not any(self._may_differ(plan, delivered) for plan in plans[:-1]):
            return Outcome(OutcomeKind.UNCHANGED)
        person = Attendee(last.target.event_code, fields)
        started = time.monotonic()
        message = last.message
        connection = last.target.connection
        answer = self.client.store(
            connection, person, message.trace_parent, self.seconds_left, message.lane
        )
        outcome = _outcome(answer, time.monotonic() - started)
        if answer.kind is AnswerKind.CONFIGURATION and self._is_isolated(message, connection):
            return replace(
                outcome, kind=OutcomeKind.REJECTED, reason=Reason.REFUSED_ALONE, detail=_ISOLATED
            )
        if outcome.kind is OutcomeKind.DELIVERED:
            self.ledger.note_success(connection.name)
            self._entries[last.attendee] = _delivery(last, answer, {**delivered, **digests})
        return outcome

    def _may_differ(self, plan: Plan, delivered: Mapping[str, str]) -> bool:
        """Tell whether RainFocus may have something of a plan that is not what was delivered.

        An earlier attempt may have got through to RainFocus without an answer to us.
        """
        digests = attendee.digests(self.settings.hash_key(), plan.attendee, plan.fields)
        return plan.message.attempt > 1 and not digests.items() <= delivered.items()

    def _is_isolated(self, message: QueuedProfile, connection: Connection) -> bool:
        """Tell whether a message keeps meeting a fault of its connection that others don't meet."""
        count = self.ledger.count_isolated_failures(message.message_id, connection.name)
        waited_long = message.waited >= self.policy.min_isolated_seconds
        return waited_long and count >= self.policy.max_isolated_failures

    def _end(self, plan: Plan, outcome: Outcome) -> Outcome:
        """Return an outcome once it holds: what has waited too long expires, bad ends are kept."""
        outcome = self._settle(outcome, plan.message)
        if not outcome.kind.goes_to_dead_letters:
            return outcome
        if self.seconds_left() <= ACCOUNTING_SECONDS:
            return NO_TIME  # it may count as put back by now
        try:
            if plan.message.attempt > 1:
                self._invalidate(plan.attendee)
            self._send_to_dead_letters(plan, outcome)
        except LedgerUnavailableError as error:
            return planner.retry(error)
        except QueueUnavailableError:
            return _NO_DEAD_LETTERS
        return outcome

    def _settle(self, outcome: Outcome, message: QueuedProfile) -> Outcome:
        """Return an outcome, expired if its message waited too long, for a person not counted."""
        settled = self.policy.settle(outcome, message.waited)
        if settled.kind is not OutcomeKind.EXPIRED or message.waited > self.policy.max_waited:
            return settled
        is_known = outcome.reason is not Reason.LEDGER_UNAVAILABLE
        if not is_known and message.waited <= self.policy.max_age_for_settings:
            return outcome  # the person may be erased: no dead letter of it may be kept
        try:
            pause = self.pauses.get(message.destination)
        except (BotoCoreError, ClientError):
            return outcome  # whether it has waited too long is not known
        if pause is None:
            return settled
        return self.policy.settle(outcome, min(message.waited, time.time() - pause.counts_from))

    def _invalidate(self, key: str) -> None:
        """Have an attendee sent with the next update, even if the ledger knows it as delivered.

        An earlier attempt may have got through to RainFocus without an answer to us.
        """
        if key in self._entries:
            self.ledger.invalidate(key)
            self._entries[key] = replace(self._entries[key], mapping_version="")

    def _send_to_dead_letters(self, plan: Plan, outcome: Outcome) -> None:
        answer = outcome.answer
        why = {
            "outcome": outcome.kind.value,
            "reason": outcome.reason.value,
            "detail": outcome.detail,
            "status": str((answer and answer.status) or ""),
            "code": answer.code if answer else "",
            "message": answer.message if answer else "",
        }
        message = plan.message
        profile = messages.requeue_message(message, message.group, message.message_id)
        is_refused = outcome.kind is OutcomeKind.REJECTED and outcome.reason is Reason.REFUSED
        if is_refused and plan.target:
            profile = dead_letters.refused_by(profile, plan.target.mapping_version)
        self.dead_letters.send([dead_letters.dead_letter_of(profile, why, message.attempt)])


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
        if behind and not outcome.kind.goes_to_dead_letters:
            outcome = behind
        elif not outcome.kind.is_final:
            behind = replace(outcome, reason=BEHIND.reason, detail=BEHIND.detail, remarks=())
        settled.append((plan, outcome))
    return settled


def _merged(outcome: Outcome) -> Outcome:
    """Return the outcome of an update that was sent with a later one."""
    if outcome.kind is OutcomeKind.DELIVERED:
        outcome = replace(outcome, reason=Reason.MERGED, detail=_MERGED)
    return replace(outcome, latency=None)


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


def _outcome(answer: Answer, latency: float) -> Outcome:
    kinds = {AnswerKind.STORED: OutcomeKind.DELIVERED, AnswerKind.PROFILE: OutcomeKind.REJECTED}
    reason, detail = _REASONS[answer.kind]
    if answer.is_busy:
        reason, detail = Reason.BUSY, "RainFocus asks for fewer calls"
    is_fault_of_settings = answer.kind in (AnswerKind.TOKEN, AnswerKind.CONFIGURATION)
    return Outcome(
        kinds.get(answer.kind, OutcomeKind.RETRY),
        reason,
        detail,
        answer,
        Retry(answer.retry_after, is_fault_of_settings=is_fault_of_settings),
        latency=latency,
    )
