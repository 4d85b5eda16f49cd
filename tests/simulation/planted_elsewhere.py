"""Mistakes to be planted into what stands around a delivery: see planted.py."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import attendee
from attendee_sync.attendee import Version
from attendee_sync.aws import fifo_queue, settings
from attendee_sync.aws.fifo_queue import FifoQueue, Message
from attendee_sync.delivery import pauses
from attendee_sync.delivery.group import GroupDelivery
from attendee_sync.delivery.ledger import Known, Ledger, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan
from attendee_sync.messaging import messages
from attendee_sync.rainfocus.circuit_breaker import CircuitBreaker
from attendee_sync.rainfocus.connection_state import ConnectionState, ConnectionStates
from attendee_sync.rainfocus.token_refresh import TokenRefresh
from attendee_sync_cli.operations import redrive
from attendee_sync_cli.stack.lane import Lane

type Patch = Any  # what unittest.mock gives to patch something

_entry = fifo_queue._entry
_unsent = Plan.unsent
_read = Ledger.read
_digests = attendee.digests
_dead_letter = GroupDelivery._send_to_dead_letters
_put_back = FifoQueue.put_back
_failure = CircuitBreaker.record_failure
_state = ConnectionStates.get
_redriven = redrive._message
_refused = redrive._refusal
_switch = Lane.switch
_refusal_seconds = 10.0


def _one_id_a_push(n: int, message: Message) -> dict[str, Any]:
    return _entry(n, replace(message, deduplication_id=message.attributes["request_id"]))


def _whoever_it_is(self: Plan, *known: Any, **named: Any) -> Any:
    return _unsent(replace(self, is_erased=False), *known, **named)


def _asked_once(self: Ledger, attendees: Collection[str], persons: Collection[str] = ()) -> Known:
    asked = self.__dict__.setdefault("asked", {})
    known = _read(self, attendees, [each for each in persons if each not in asked])
    asked |= {each: each in known.erased for each in persons if each not in asked}
    return replace(known, erased=frozenset(each for each in persons if asked[each]))


def _read_in_part(self: Ledger, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    wanted = {"Keys": [{"key": {"S": key}} for key in keys], "ConsistentRead": True}
    if not keys:
        return {}
    try:
        answer = self._client.batch_get_item(RequestItems={self._table: wanted})
    except (BotoCoreError, ClientError):
        raise LedgerUnavailableError from None
    return {item["key"]["S"]: item for item in answer["Responses"][self._table]}


def _of_names(hash_key: str, key: str, fields: Mapping[str, str]) -> dict[str, str]:
    return _digests(hash_key, key, dict.fromkeys(fields, ""))


def _twice(self: GroupDelivery, plan: Plan, outcome: Any) -> None:
    _dead_letter(self, plan, outcome)
    again = replace(plan.message, message_id=f"{plan.message.message_id}-again")
    _dead_letter(self, replace(plan, message=again), outcome)


def _at_once(self: FifoQueue, receipts: Mapping[str, int]) -> Any:
    return _put_back(self, dict.fromkeys(receipts, 0))


def _impatient(self: CircuitBreaker, permit: Any, cause: Any, _: float = 0.0) -> None:
    _failure(self, permit, cause)


def _forgetful(self: ConnectionStates, connection: str) -> ConnectionState:
    state = _state(self, connection)
    is_old = time.time() - state.opened_at > _refusal_seconds
    return replace(state, cause=None) if is_old else state


def _as_new(row: Any) -> Message:
    message: Message = _redriven(row)
    kept = {"sequence", "accepted_at", "lane"}
    attributes = {name: each for name, each in message.attributes.items() if name not in kept}
    return replace(message, attributes=attributes)


def _never_mind(queue: FifoQueue, due: Any) -> frozenset[str]:
    _refused(queue, due)
    return frozenset()


def _only_on(self: Lane, *, on: bool) -> None:
    if on:
        _switch(self, on=on)


PLANTED: dict[str, Callable[[], list[Patch]]] = {
    "an erased person is delivered": lambda: [mock.patch.object(Plan, "unsent", _whoever_it_is)],
    "who is erased is asked once": lambda: [mock.patch.object(Ledger, "read", _asked_once)],
    "what was left out of a batch is not read": lambda: [
        mock.patch.object(Ledger, "_get", _read_in_part)
    ],
    "the ledger tells no values apart": lambda: [mock.patch.object(attendee, "digests", _of_names)],
    "settings are not read again": lambda: [mock.patch.object(settings, "CACHE_SECONDS", 1e9)],
    "a version is when it was delivered": lambda: [
        mock.patch.object(messages, "version_of", lambda *_: Version(int(time.time() * 1000)))
    ],
    "what is pushed together is told apart by nothing": lambda: [
        mock.patch.object(fifo_queue, "_entry", _one_id_a_push)
    ],
    "a dead letter is sent twice": lambda: [
        mock.patch.object(GroupDelivery, "_send_to_dead_letters", _twice)
    ],
    "what is put back comes at once": lambda: [mock.patch.object(FifoQueue, "put_back", _at_once)],
    "Retry-After is ignored": lambda: [
        mock.patch.object(CircuitBreaker, "record_failure", _impatient)
    ],
    "a pause is forgotten": lambda: [mock.patch.object(ConnectionStates, "get", _forgetful)],
    "a probe that succeeds ends no pause": lambda: [
        mock.patch.object(CircuitBreaker, "record_success", lambda *_, **__: None)
    ],
    "a good token is renewed": lambda: [
        mock.patch.object(TokenRefresh, "_is_good", lambda *_: False)
    ],
    "a redrive gives a new version": lambda: [mock.patch.object(redrive, "_message", _as_new)],
    "a redrive deletes what it could not queue": lambda: [
        mock.patch.object(redrive, "_refusal", _never_mind)
    ],
    "waiting counts while deliveries are paused": lambda: [
        mock.patch.object(pauses.Pauses, "get", lambda *_: None)
    ],
    "deliveries go on though they are paused": lambda: [
        mock.patch.object(Lane, "switch", _only_on)
    ],
}
