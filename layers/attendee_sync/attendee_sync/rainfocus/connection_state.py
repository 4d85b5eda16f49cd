"""What all deliveries know of a connection: if it is paused, and how fast it may be called.

It is one small item of the ledger table. A connection that works has none, or one that tells how
it once recovered: it costs a read in a few seconds and function environment, and no write.
"""

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws import clients

_KEY = "circuit#"
_KNOWN_FOR = 3.0  # seconds until the item is read again
_TROUBLE_KNOWN_FOR = 1.0  # likewise, while it says that calls are held back
_KEPT = 86_400  # seconds after the last change, in which a pause and what was learnt counts
_STORED_KEPT = 400 * 86_400  # likewise, that the connection works: longer than between two events
# The words of Powertools' circuit breaker, whose items stand where a stack was upgraded.
_OPEN, _CLOSED = "OPEN", "CLOSED"


class Cause(StrEnum):
    """Why a connection is paused."""

    CONFIGURATION = "configuration"  # no call can succeed until somebody mends it
    OUTAGE = "outage"
    TIMEOUT = "timeout"  # an outage whose calls hang
    BUSY = "busy"  # RainFocus wants fewer calls


@dataclass(frozen=True)
class ConnectionState:
    """The state of one connection. Times are epoch seconds; 0 where there was none."""

    cause: Cause | None = None  # None: calls go through
    opened_at: float = 0.0
    probe_at: float = 0.0  # the next call; while a probe is made, when it is given up
    is_probing: bool = False
    failed_probes: int = 0  # in a row
    resumed_at: float = 0.0
    rate: float = 0.0  # requests per second over all deliveries, as of rate_at; 0: no limit
    rate_at: float = 0.0
    read_timeout: float = 0.0  # seconds, after time-outs; 0: the connection's first
    # The digest of the settings with which an attendee was stored; empty if none was.
    stored_with: str = ""
    stamp: str = ""  # of this version of the item

    @property
    def known_for(self) -> float:
        """For how many seconds it need not be read again."""
        return _TROUBLE_KNOWN_FOR if self.cause or self.rate else _KNOWN_FOR


class ConnectionStates:
    """The states of a stack's connections. Safe to share between threads."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._known: dict[str, tuple[ConnectionState, float]] = {}  # and when it was read
        self._locks: dict[str, threading.Lock] = {}

    def get(self, connection: str) -> ConnectionState:
        """Return a connection's state, at most a few seconds old.

        Where the table can't be read, what was known last stands.
        """
        with self._locks.setdefault(connection, threading.Lock()):
            state, read_at = self._known.get(connection, (ConnectionState(), 0.0))
            now = time.time()
            if not 0 <= now - read_at < state.known_for:
                try:
                    state = read(self._client, self._table, connection)
                except (BotoCoreError, ClientError):
                    state = replace(state)
                self._known[connection] = (state, now)
            return state

    def change(
        self, connection: str, seen: ConnectionState, **changes: Any
    ) -> ConnectionState | None:
        """Change a state as it was seen, and return it; None if somebody changed it meanwhile.

        If the table is out of order, the change holds in this environment alone.
        """
        now = time.time()
        changed = replace(seen, **changes, stamp=uuid.uuid4().hex)
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(stamp)"}
        if seen.stamp:
            condition = {
                "ConditionExpression": "stamp = :seen",
                "ExpressionAttributeValues": {":seen": {"S": seen.stamp}},
            }
        item = _item(connection, changed, now)
        try:
            self._client.put_item(TableName=self._table, Item=item, **condition)
        except (BotoCoreError, ClientError) as error:
            if clients.cause(error) == clients.CONDITION_FAILED:
                self._known.pop(connection, None)
                return None
        self._known[connection] = (changed, now)
        return changed


def read(client: Any, table: str, connection: str) -> ConnectionState:
    """Return a connection's state as the table has it. Raises botocore's errors.

    Of an item that is damaged, or of an earlier version, what can be read counts.
    """
    answer = client.get_item(
        TableName=table, Key={"key": {"S": f"{_KEY}{connection}"}}, ConsistentRead=True
    )
    return _state(answer.get("Item", {}))


def _item(connection: str, state: ConnectionState, now: float) -> dict[str, Any]:
    numbers = {
        "opened_at": state.opened_at,
        "probe_at": state.probe_at,
        "is_probing": int(state.is_probing),
        "failed_probes": state.failed_probes,
        "resumed_at": state.resumed_at,
        "rate": state.rate,
        "rate_at": state.rate_at,
        "read_timeout": state.read_timeout,
        "changed_at": now,
        "expires_at": int(now) + (_STORED_KEPT if state.stored_with else _KEPT),
    }
    return {
        "key": {"S": f"{_KEY}{connection}"},
        "state": {"S": _OPEN if state.cause else _CLOSED},
        "cause": {"S": state.cause or ""},
        "stored_with": {"S": state.stored_with},
        "stamp": {"S": state.stamp},
        **{name: {"N": str(round(number, 3))} for name, number in numbers.items()},
    }


def _state(item: Mapping[str, Any]) -> ConnectionState:
    def text(name: str) -> str:
        return str(item.get(name, {}).get("S", ""))

    def number(name: str) -> float:
        try:
            return max(0.0, float(item.get(name, {}).get("N", 0.0)))
        except ValueError:
            return 0.0

    now = time.time()
    if number("expires_at") <= now:  # DynamoDB deletes it days later
        return ConnectionState(stamp=text("stamp"))
    if "changed_at" in item and number("changed_at") + _KEPT <= now:
        return ConnectionState(stored_with=text("stored_with"), stamp=text("stamp"))
    is_open = text("state") not in ("", _CLOSED)
    known = text("cause") in Cause
    return ConnectionState(
        cause=(Cause(text("cause")) if known else Cause.CONFIGURATION) if is_open else None,
        opened_at=number("opened_at"),
        probe_at=number("probe_at"),
        is_probing=bool(number("is_probing")),
        failed_probes=int(number("failed_probes")),
        resumed_at=number("resumed_at"),
        rate=number("rate"),
        rate_at=number("rate_at"),
        read_timeout=number("read_timeout"),
        stored_with=text("stored_with"),
        stamp=text("stamp"),
    )
