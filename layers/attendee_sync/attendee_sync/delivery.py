"""Delivery: from a batch of queued profiles to attendees in RainFocus, each with an outcome."""

import hashlib
import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from attendee_sync import access_token, aws, mapping, messages, observability
from attendee_sync.access_token import AccessToken
from attendee_sync.connection import Connection
from attendee_sync.destination import Destination
from attendee_sync.ledger import Entry, Ledger
from attendee_sync.messages import Queue, QueueUnavailableError, Received
from attendee_sync.outcome import Kind, Outcome
from attendee_sync.rainfocus import Answer, Meaning, RainFocus
from attendee_sync.settings import Settings, SettingsUnavailableError

THREADS = 10  # as many as a batch has messages
MAX_AGE = 86_400.0  # seconds after which a profile expires
_FIRST_WAIT = 2.0  # seconds; doubled with each attempt
_MAX_WAIT = 900.0  # seconds
_MARGIN = 3.0  # seconds that must remain beyond a call's timeouts to account for it
_TOKEN_MARGIN = 5.0  # seconds before its end from which a token is not used any more


class _RetryError(Exception):
    """Something that is not the profile's fault keeps it from being delivered now."""


@dataclass(frozen=True)
class Delivery:
    """Delivers the profiles of one stack."""

    settings: Settings
    ledger: Ledger
    profiles: Queue
    dead_letters: Queue
    rainfocus: RainFocus
    # Gets a connection's name and the digest of its token that was refused.
    ask_for_token: Callable[[str, str], None]
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
        outcomes = list(itertools.chain.from_iterable(groups))
        self._put_back(outcomes)
        return outcomes

    def _deliver_group(
        self, group: Sequence[Received], seconds_left: Callable[[], float]
    ) -> list[tuple[Received, Outcome]]:
        outcomes: list[tuple[Received, Outcome]] = []
        for message in group:
            if outcomes and outcomes[-1][1].kind is Kind.RETRY:
                waiting = replace(outcomes[-1][1], reason="behind an earlier one of this attendee")
                outcomes.append((message, waiting))
                continue
            outcomes.append((message, self._settle(message, seconds_left)))
        return outcomes

    def _settle(self, message: Received, seconds_left: Callable[[], float]) -> Outcome:
        """Return a message's outcome; what ends badly is on the dead-letter queue by then."""
        try:
            outcome = self._attempt(message, seconds_left)
        except _RetryError as error:
            outcome = Outcome(Kind.RETRY, str(error))
        except SettingsUnavailableError as error:
            outcome = Outcome(Kind.RETRY, str(error))
        except (BotoCoreError, ClientError) as error:
            outcome = Outcome(Kind.RETRY, f"AWS: {aws.cause(error)}")
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the batch
            outcome = Outcome(Kind.RETRY, f"internal error: {type(error).__name__}")
        age = time.time() - message.accepted_at / 1000
        if outcome.kind is Kind.RETRY and age > MAX_AGE:
            outcome = replace(outcome, kind=Kind.EXPIRED)
        if outcome.kind in (Kind.REJECTED, Kind.EXPIRED):
            outcome = self._bury(message, outcome)
        _log(message, outcome, age)
        return outcome

    def _attempt(self, message: Received, seconds_left: Callable[[], float]) -> Outcome:
        document = _document(message.body)
        if document is None:
            return Outcome(Kind.REJECTED, "not a JSON object")
        text = self.settings.destination(message.destination)
        if text is None:
            return Outcome(Kind.REJECTED, "unknown destination")
        destination = _destination(text)
        try:
            attendee = mapping.attendee_of(document)
        except mapping.NoEmailError as error:
            return Outcome(Kind.REJECTED, str(error))
        connection = self._connection(destination.connection)
        if seconds_left() < connection.connect_timeout + connection.read_timeout + _MARGIN:
            raise _RetryError("no time left in this invocation")
        outcome, answer = self._store(message, destination, connection, attendee)
        if outcome.kind is Kind.DELIVERED:
            self.ledger.record(_entry(message, attendee, answer))
        return outcome

    def _store(
        self,
        message: Received,
        destination: Destination,
        connection: Connection,
        attendee: dict[str, str],
    ) -> tuple[Outcome, Answer]:
        name = destination.connection
        token = self._token(name, connection)
        started = time.monotonic()
        while True:
            answer = self.rainfocus.store(
                connection, token, destination.event_code, attendee, message.trace_parent
            )
            if answer.meaning is not Meaning.TOKEN:
                break
            newer = self._token(name, connection, max_age=0)
            if newer.digest == token.digest:
                self.ask_for_token(name, token.digest)
                break
            token = newer
        return _outcome(answer, time.monotonic() - started), answer

    def _token(
        self, name: str, connection: Connection, max_age: float | None = None
    ) -> AccessToken:
        """Return a connection's token if there is a good one; else ask for one and retry."""
        text = self.settings.secret(f"access-token/{name}", max_age=max_age)
        token = access_token.parse(text, connection)
        if token and token.expires_at - time.time() > _TOKEN_MARGIN:
            return token
        if max_age is None:
            return self._token(name, connection, max_age=_TOKEN_MARGIN)
        self.ask_for_token(name, token.digest if token else "")
        raise _RetryError("no access token")

    def _connection(self, name: str) -> Connection:
        text = self.settings.connection(name)
        if text is None:
            raise _RetryError(f"unknown connection: {name}")
        try:
            return Connection.model_validate_json(text)
        except ValidationError as error:
            raise _RetryError(f"the settings of connection {name} are not valid") from error

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

    def _put_back(self, outcomes: Sequence[tuple[Received, Outcome]]) -> None:
        """Hide what must be retried; a group's messages for the same time, to keep their order."""
        waits: dict[str, int] = {}
        receipts: dict[str, int] = {}
        for message, outcome in outcomes:
            if outcome.kind is Kind.RETRY:
                wait = waits.setdefault(message.group, _wait(message.attempt, outcome.retry_after))
                receipts[message.receipt] = wait
        if receipts:
            self.profiles.put_back(receipts)


def _wait(attempt: int, retry_after: int | None) -> int:
    """Return the seconds until the next attempt: a random part of a doubling time."""
    longest = min(_FIRST_WAIT * 2 ** min(attempt, 10), _MAX_WAIT)
    jittered = random.uniform(0, longest)  # noqa: S311 - spreads load, hides nothing
    return int(min((retry_after or 0) + max(jittered, 1.0), _MAX_WAIT))


def _document(body: str) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _destination(text: str) -> Destination:
    try:
        return Destination.model_validate_json(text)
    except ValidationError as error:
        raise _RetryError("the settings of the destination are not valid") from error


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
    )


def _entry(message: Received, attendee: dict[str, str], answer: Answer) -> Entry:
    content = json.dumps(attendee, sort_keys=True).encode()
    return Entry(
        attendee=message.group,
        destination=message.destination,
        content_digest=hashlib.sha256(content).hexdigest(),
        sequence=message.sequence,
        status=answer.status or 0,
        code=answer.code,
        attendee_id=answer.attendee_id,
    )


def _log(message: Received, outcome: Outcome, age: float) -> None:
    observability.logger().info(
        "profile settled" if outcome.kind is not Kind.RETRY else "profile put back",
        destination=message.destination,
        attendee=message.group,
        outcome=outcome.kind,
        reason=outcome.reason,
        status=outcome.status,
        code=outcome.code,
        answer=outcome.message,
        latency_ms=None if outcome.latency is None else round(outcome.latency * 1000),
        age_ms=round(age * 1000),
        attempt=message.attempt,
        trace_id=observability.trace_id(message.trace_parent),
    )
