"""Mistakes that are planted into the code under test, to see that a simulation finds each."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from unittest import mock

from attendee_sync.attendee import Version
from attendee_sync.aws import fifo_queue
from attendee_sync.aws.fifo_queue import FifoQueue
from attendee_sync.delivery import accounting, delivery, group, ledger, suspects
from attendee_sync.delivery.group import GroupDelivery
from attendee_sync.delivery.ledger import (
    Ledger,
    LedgerEntry,
    LedgerUnavailableError,
    Recorded,
)
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.outcome import AnswerKind, Outcome, OutcomeKind
from attendee_sync.rainfocus import answers, circuit_breaker, guarded_client, guards, masking
from attendee_sync.rainfocus.circuit_breaker import CircuitBreaker
from attendee_sync.rainfocus.connection_state import ConnectionState, ConnectionStates
from attendee_sync.rainfocus.guards import Guards
from attendee_sync.rainfocus.token_requester import TokenRequester
from attendee_sync.rainfocus.token_store import TokenStore
from functions.delivery import app as delivery_app
from tests.simulation import planted_elsewhere

type Patch = Any  # what unittest.mock gives to patch something

_entry = fifo_queue._entry
_send = FifoQueue.send
_attempt = GroupDelivery._attempt
_kind = answers._kind
_handler = delivery_app.lambda_handler


def _dedup_by_content(n: int, message: fifo_queue.Message) -> dict[str, Any]:
    digest = hashlib.sha256(message.body.encode()).hexdigest()
    return _entry(n, replace(message, deduplication_id=digest))


def _dedup_by_chance(n: int, message: fifo_queue.Message) -> dict[str, Any]:
    return _entry(n, replace(message, deduplication_id=uuid.uuid4().hex))


def _again_alone(messages: Mapping[int, Any], failed: Any) -> dict[int, Any]:
    return {n: each for n, each in messages.items() if n in failed}


def _send_and_hope(self: FifoQueue, *arguments: Any, **named: Any) -> None:
    try:
        _send(self, *arguments, **named)
    except fifo_queue.QueueUnavailableError:
        return


def _forget_failures(event: dict[str, Any], context: Any) -> dict[str, Any]:
    answer = _handler(event, context)
    return {"batchItemFailures": answer["batchItemFailures"][:1]}


def _last_alone(self: GroupDelivery, plans: Any) -> Outcome:
    return _attempt(self, plans[-1:])


def _any_success(result: Any, connection: Any) -> AnswerKind:
    found = _kind(result, connection)
    return AnswerKind.STORED if 200 <= result.status < 300 else found


def _profiles_fault(result: Any, connection: Any) -> AnswerKind:
    found = _kind(result, connection)
    return AnswerKind.PROFILE if found is AnswerKind.TRANSIENT else found


def _by_names(self: LedgerEntry, mapping_version: str) -> Mapping[str, str]:
    return _AnyValue(self.fields) if self.mapping_version == mapping_version else {}


class _AnyValue(dict[str, str]):
    """Fields that are like any others of the same names."""

    def items(self) -> Any:
        return _AnyItems(self)


class _AnyItems:
    def __init__(self, fields: Mapping[str, str]) -> None:
        self._names = fields.keys()

    def __ge__(self, others: Any) -> bool:
        return {name for name, _ in others} <= self._names


def _put_back_unnoted(self: Any, settled: Any, _: str) -> None:
    receipts = {each.message.receipt: each.retry_in for each in settled if each.retry_in}
    self._queue.put_back(receipts)


def _half_the_lines(settled: Any) -> None:
    if settled.outcome.kind is not OutcomeKind.UNCHANGED:
        _log(settled)


_log = accounting._log


def _with_content(settled: Any) -> None:
    _log(replace(settled, outcome=replace(settled.outcome, detail=settled.message.body)))


def _record_or_not(*given: Any) -> Recorded:
    try:
        return replace(_record(*given), failed={})
    except LedgerUnavailableError:
        return Recorded(set(), {})


_record = Ledger.record


# What is planted, by what it is, with what is replaced by what.
PLANTED: dict[str, Callable[[], list[Patch]]] = {
    "an older state is not told from a newer one": lambda: [
        mock.patch.object(Version, "is_before", lambda *_: False)
    ],
    "messages are told apart by their content": lambda: [
        mock.patch.object(fifo_queue, "_entry", _dedup_by_content)
    ],
    "messages are not told apart from their repetitions": lambda: [
        mock.patch.object(fifo_queue, "_entry", _dedup_by_chance)
    ],
    "later messages are not sent again with an earlier one": lambda: [
        mock.patch.object(fifo_queue, "_again", _again_alone)
    ],
    "a push is accepted that is not queued": lambda: [
        mock.patch.object(FifoQueue, "send", _send_and_hope)
    ],
    "the second that must come again is not named": lambda: [
        mock.patch.object(delivery_app, "lambda_handler", _forget_failures)
    ],
    "what goes in one call has the fields of the last alone": lambda: [
        mock.patch.object(GroupDelivery, "_attempt", _last_alone)
    ],
    "a status is taken for a success": lambda: [mock.patch.object(answers, "_kind", _any_success)],
    "an outage is taken for a refusal": lambda: [
        mock.patch.object(answers, "_kind", _profiles_fault),
        mock.patch.object(Guards, "_is_profiles_fault", lambda *_: True),
    ],
    "the ledger compares names of fields alone": lambda: [
        mock.patch.object(LedgerEntry, "fields_of", _by_names)
    ],
    "what may have got through is not sent again": lambda: [
        mock.patch.object(GroupDelivery, "_may_differ", lambda *_: False)
    ],
    "what can't be noted in the ledger is let go": lambda: [
        mock.patch.object(Ledger, "record", _record_or_not)
    ],
    "nothing is noted in the ledger": lambda: [
        mock.patch.object(Ledger, "record", lambda *_: Recorded(set(), {}))
    ],
    "it is put back without a note": lambda: [
        mock.patch("attendee_sync.delivery.delivery._Batch._put_back", _put_back_unnoted)
    ],
    "one death is enough": lambda: [mock.patch.object(suspects, "count_deaths", _one_is_enough)],
    "what came back soon counts as a death": lambda: [
        mock.patch.object(suspects, "count_deaths", lambda attempts, *_: dict.fromkeys(attempts, 3))
    ],
    "a profile expires after a minute": lambda: [
        mock.patch.object(RetryPolicy, "settle", _expire_soon)
    ],
    "a connection is never paused": lambda: [
        mock.patch.object(CircuitBreaker, "record_failure", lambda *_, **__: None)
    ],
    "all are the probe": lambda: [mock.patch.object(circuit_breaker, "_is_due", lambda *_: True)],
    "a crowd's refusal is each one's fault": lambda: [
        mock.patch.object(Guards, "_is_profiles_fault", lambda *_: True)
    ],
    "a bad end has no dead letter": lambda: [
        mock.patch.object(GroupDelivery, "_send_to_dead_letters", lambda *_: None)
    ],
    "two renew a token at once": lambda: [
        mock.patch.object(TokenStore, "lock", lambda *_: nullcontext())
    ],
    "a refused token is not renewed": lambda: [
        mock.patch.object(TokenRequester, "__call__", lambda *_: None)
    ],
    "an outcome has no line": lambda: [mock.patch.object(accounting, "_log", _half_the_lines)],
    "a line has what was pushed": lambda: [mock.patch.object(accounting, "_log", _with_content)],
    "RainFocus's words are not masked": lambda: [
        mock.patch.object(masking, "mask", lambda message, _: message)
    ],
    "a pause is not told to others": lambda: [
        mock.patch.object(ConnectionStates, "change", _change_here)
    ],
    "the ledger is written without a condition": lambda: [mock.patch.object(ledger, "_BASE", ())],
    "it is put back before the note": lambda: [
        mock.patch("attendee_sync.delivery.delivery._Batch._put_back", _put_back_first)
    ],
    "what died unheard is not delivered again": lambda: [
        mock.patch.object(GroupDelivery, "_invalidate", lambda *_: None)
    ],
    "no time is kept to account": lambda: [
        mock.patch.object(delivery, "ACCOUNTING_SECONDS", 0.0),
        mock.patch.object(group, "ACCOUNTING_SECONDS", 0.0),
        mock.patch.object(guards, "MARGIN", -20.0),
        mock.patch.object(guarded_client, "MARGIN", -20.0),
    ],
    **planted_elsewhere.PLANTED,
}


def _expire_soon(_: RetryPolicy, outcome: Outcome, waited: float) -> Outcome:
    if outcome.kind.is_final or waited < 60:
        return outcome
    return outcome.as_kind(OutcomeKind.EXPIRED)


_change = ConnectionStates.change
_batch_put_back = delivery._Batch._put_back


def _change_here(
    self: ConnectionStates, connection: str, seen: ConnectionState, **changes: Any
) -> ConnectionState:
    changed = replace(seen, **changes)
    self._known[connection] = (changed, time.time())
    return changed


def _put_back_first(self: Any, settled: Any, alone: str) -> None:
    _put_back_unnoted(self, settled, alone)
    _batch_put_back(self, settled, alone)


def _one_is_enough(*known: Any) -> dict[str, int]:
    return {name: 3 * deaths for name, deaths in _count_deaths(*known).items()}


_count_deaths = suspects.count_deaths


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have a mistake in the code under test."""
    with ExitStack() as stack:
        for each in PLANTED[name]():
            stack.enter_context(each)
        yield
