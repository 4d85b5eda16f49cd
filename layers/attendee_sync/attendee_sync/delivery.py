"""Delivery: from a batch of queued profiles to attendees in RainFocus, each with an outcome."""

import itertools
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from attendee_sync import attendee, aws, mapping, messages, observability
from attendee_sync.calling import Caller, HeldBackError
from attendee_sync.ledger import Entry, Ledger, LedgerUnavailableError
from attendee_sync.mapping import Decision, Mapper, Verdict
from attendee_sync.messages import Queue, QueueUnavailableError, Received
from attendee_sync.outcome import Kind, Outcome
from attendee_sync.rainfocus import Answer, Attendee, Meaning
from attendee_sync.settings import Settings, SettingsUnavailableError

THREADS = 10  # as many as a batch has messages
MAX_AGE = 86_400.0  # seconds after which a profile expires
# No profile ends for what is wrong with its settings, until the queue would drop it silently.
MAX_AGE_FOR_SETTINGS = 13 * 86_400.0
_FIRST_WAIT = 2.0  # seconds; doubled with each attempt
_MAX_WAIT = 900.0  # seconds
_BEHIND = "behind an earlier one of this attendee"
_ALONE = "RainFocus takes others of this connection, but not this profile"
_TIMES_ALONE = 3
_NEVER_CAME = "left the audience, and was never delivered"


@dataclass(frozen=True)
class _Settled:
    """A message, its outcome, and what the ledger must know of it."""

    message: Received
    outcome: Outcome
    entry: Entry | None = None
    connection: str = ""


@dataclass(frozen=True)
class Delivery:
    """Delivers the profiles of one stack."""

    settings: Settings
    ledger: Ledger
    profiles: Queue
    dead_letters: Queue
    caller: Caller
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS))

    def deliver(
        self, batch: Sequence[Received], seconds_left: Callable[[], float]
    ) -> list[tuple[Received, Outcome]]:
        """Deliver a batch, its groups side by side, each group's messages in order.

        Behind a message that must be retried the rest of its group waits as well. Messages to
        retry are put back on the queue with growing waits. Returns every message's outcome.
        """
        by_group: dict[str, list[Received]] = {}
        for message in batch:
            by_group.setdefault(message.group, []).append(message)
        groups = self._threads.map(
            lambda group: self._deliver_group(group, seconds_left), by_group.values()
        )
        settled = self._note(list(itertools.chain.from_iterable(groups)))
        for each in settled:
            _log(each.message, each.outcome)
        self._put_back(settled)
        return [(each.message, each.outcome) for each in settled]

    def _deliver_group(
        self, group: Sequence[Received], seconds_left: Callable[[], float]
    ) -> list[_Settled]:
        settled: list[_Settled] = []
        for message in group:
            if settled and settled[-1].outcome.kind is Kind.RETRY:
                waiting = replace(settled[-1].outcome, reason=_BEHIND)
                settled.append(_Settled(message, waiting))
                continue
            known = {each.entry.attendee for each in settled if each.entry}
            settled.append(self._settle(message, known, seconds_left))
        return settled

    def _settle(
        self, message: Received, known: Set[str], seconds_left: Callable[[], float]
    ) -> _Settled:
        """Return a message's outcome; what ends badly is on the dead-letter queue by then.

        `known` are attendees that were delivered in this batch and are not in the ledger yet.
        """
        try:
            settled = self._attempt(message, known, seconds_left)
        except HeldBackError as error:
            outcome = Outcome(
                Kind.RETRY,
                str(error),
                retry_after=error.retry_after,
                longest_wait=error.longest_wait,
                is_fault_of_settings=error.is_fault_of_settings,
            )
            settled = _Settled(message, outcome)
        except SettingsUnavailableError as error:
            settled = _Settled(message, Outcome(Kind.RETRY, str(error)))
        except (BotoCoreError, ClientError) as error:
            settled = _Settled(message, Outcome(Kind.RETRY, f"AWS: {aws.cause(error)}"))
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the batch
            reason = f"internal error: {type(error).__name__}"
            settled = _Settled(message, Outcome(Kind.RETRY, reason))
        outcome = settled.outcome
        max_age = MAX_AGE_FOR_SETTINGS if outcome.is_fault_of_settings else MAX_AGE
        if outcome.kind is Kind.RETRY and _age(message) > max_age:
            outcome = replace(outcome, kind=Kind.EXPIRED)
        if outcome.kind in (Kind.REJECTED, Kind.EXPIRED):
            outcome = self._bury(message, outcome)
        return replace(settled, outcome=outcome)

    def _attempt(
        self, message: Received, known: Set[str], seconds_left: Callable[[], float]
    ) -> _Settled:
        document = _document(message.body)
        if document is None:
            return _Settled(message, Outcome(Kind.REJECTED, "not a JSON object"))
        text = self.settings.destination(message.destination)
        if text is None:
            return _Settled(message, Outcome(Kind.REJECTED, "unknown destination"))
        rules = _rules(text)
        destination = rules.destination
        connection = self.caller.connection(destination.connection)
        decision = rules.decide(document, connection.fields.foreign_state)
        key = attendee.key(self.settings.hash_key(), message.destination, decision.email_hash)
        unsent = self._unsent(decision, key, known)
        if unsent:
            return _Settled(message, unsent)
        person = Attendee(destination.event_code, decision.fields)
        started = time.monotonic()
        name = destination.connection
        answer = self.caller.store(name, person, message.trace_parent, seconds_left)
        latency = time.monotonic() - started
        outcome = replace(_outcome(answer, latency), remarks=decision.remarks)
        if answer.meaning is Meaning.CONFIGURATION and self._is_alone(message, name):
            return _Settled(message, replace(outcome, kind=Kind.REJECTED, reason=_ALONE))
        if outcome.kind is not Kind.DELIVERED:
            return _Settled(message, outcome)
        return _Settled(message, outcome, self._entry(message, key, decision.fields, answer), name)

    def _unsent(self, decision: Decision, key: str, known: Set[str]) -> Outcome | None:
        """Return the outcome of a profile that RainFocus does not get."""
        match decision.verdict:
            case Verdict.REJECT:
                return Outcome(Kind.REJECTED, decision.reason)
            case Verdict.FILTER:
                return Outcome(Kind.FILTERED, decision.reason)
            case Verdict.EXIT if key not in known and not self.ledger.knows(key):
                return Outcome(Kind.FILTERED, _NEVER_CAME)
        return None

    def _entry(
        self, message: Received, key: str, fields: Mapping[str, str], answer: Answer
    ) -> Entry:
        return Entry(
            attendee=key,
            destination=message.destination,
            content_digest=attendee.content_digest(self.settings.hash_key(), fields),
            sequence=message.sequence,
            status=answer.status or 0,
            code=answer.code,
            attendee_id=answer.attendee_id,
        )

    def _is_alone(self, message: Received, connection: str) -> bool:
        """Tell whether a message keeps meeting a fault of its connection that others don't meet."""
        return self.ledger.times_alone(message.message_id, connection) >= _TIMES_ALONE

    def _note(self, settled: list[_Settled]) -> list[_Settled]:
        """Write deliveries to the ledger; what can't be noted is delivered once more later."""
        entries = {each.entry.attendee: each.entry for each in settled if each.entry}
        if not entries:
            return settled
        try:
            self.ledger.record(
                entries.values(), {each.connection for each in settled if each.entry}
            )
        except LedgerUnavailableError as error:
            again = Outcome(Kind.RETRY, f"the ledger can't be written: {error}")
            return [replace(each, outcome=again) if each.entry else each for each in settled]
        return settled

    def _bury(self, message: Received, outcome: Outcome) -> Outcome:
        why = {
            "outcome": outcome.kind.value,
            "reason": outcome.reason,
            "status": str(outcome.status or ""),
            "code": outcome.code,
            "message": outcome.message,
        }
        letter = messages.dead_letter(message, why)
        try:
            self.dead_letters.send([letter])
        except QueueUnavailableError:
            return Outcome(Kind.RETRY, "the dead-letter queue does not take it")
        return outcome

    def _put_back(self, settled: Sequence[_Settled]) -> None:
        """Hide what must be retried; a group's messages for the same time, to keep their order."""
        waits: dict[str, int] = {}
        receipts: dict[str, int] = {}
        for message, outcome in ((each.message, each.outcome) for each in settled):
            if outcome.kind is Kind.RETRY:
                wait = waits.setdefault(message.group, _wait(message.attempt, outcome))
                receipts[message.receipt] = wait
        if receipts:
            self.profiles.put_back(receipts)


def _wait(attempt: int, outcome: Outcome) -> int:
    """Return the seconds until the next attempt: a random part of a doubling time."""
    longest = min(_FIRST_WAIT * 2 ** min(attempt, 10), outcome.longest_wait)
    jittered = random.uniform(0, longest)  # noqa: S311 - spreads load, hides nothing
    return int(min((outcome.retry_after or 0) + max(jittered, 1.0), _MAX_WAIT))


def _document(body: str) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rules(text: str) -> Mapper:
    try:
        return mapping.mapper(text)
    except ValidationError:
        reason = "the settings of the destination are not valid"
        raise HeldBackError(reason, is_fault_of_settings=True) from None


def _outcome(answer: Answer, latency: float) -> Outcome:
    kinds = {Meaning.STORED: Kind.DELIVERED, Meaning.PROFILE: Kind.REJECTED}
    reasons = {
        Meaning.STORED: "",
        Meaning.PASSING: "RainFocus is unavailable or busy",
        Meaning.TOKEN: "RainFocus does not take the access token",
        Meaning.CONFIGURATION: "RainFocus does not take any call of this connection",
        Meaning.PROFILE: "RainFocus does not take this profile",
    }
    return Outcome(
        kinds.get(answer.meaning, Kind.RETRY),
        reasons[answer.meaning],
        answer.status,
        answer.code,
        answer.message,
        answer.retry_after,
        latency,
        answer.meaning in (Meaning.TOKEN, Meaning.CONFIGURATION),
    )


def _age(message: Received) -> float:
    """Return the seconds since a profile was accepted."""
    return time.time() - message.accepted_at / 1000


def _log(message: Received, outcome: Outcome) -> None:
    observability.logger().info(
        "profile settled" if outcome.kind is not Kind.RETRY else "profile put back",
        destination=message.destination,
        attendee=message.group,
        outcome=outcome.kind,
        reason=outcome.reason,
        status=outcome.status,
        code=outcome.code,
        remarks=[f"{field}: {text}" for field, text in outcome.remarks],
        answer=outcome.message,
        latency_ms=None if outcome.latency is None else round(outcome.latency * 1000),
        age_ms=round(_age(message) * 1000),
        attempt=message.attempt,
        trace_id=observability.trace_id(message.trace_parent),
    )
