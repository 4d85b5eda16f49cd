"""Pausing a connection whose every call fails, until a probe succeeds.

The state is shared by all deliveries: Powertools' circuit breaker on the ledger table. It counts
failures in each function environment by itself, so that working connections cost no writes.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    CircuitState,
    CircuitTransition,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
    CircuitBreakerDynamoDBPersistence,
)

from attendee_sync import observability
from attendee_sync.observability import LogEvent

FAILURES_TO_PAUSE = 5  # in a row, with no success between
PROBE_SECONDS = 30  # from a pause or a failed probe to the next probe
_SEEN_FOR_SECONDS = 5
PAUSES_METRIC = "ConnectionPaused"
_KEY = "circuit#"


class ConnectionFault(Exception):  # noqa: N818 - raised for what is no error of ours
    """A call failed in a way that no call of its connection can succeed."""


class CircuitOpenError(Exception):
    """The connection is paused, and somebody else is the probe."""


class CircuitBreaker:
    """Keeps calls away from paused connections."""

    def __init__(self, client: Any, table: str) -> None:
        self._store = CircuitBreakerDynamoDBPersistence(
            table, key_attr="key", expiry_attr="expires_at", boto3_client=client
        )
        self._config = CircuitBreakerConfig(
            failure_threshold=FAILURES_TO_PAUSE,
            recovery_timeout=PROBE_SECONDS,
            success_threshold=1,
            handled_exceptions=ConnectionFault,
            local_cache_max_age=_SEEN_FOR_SECONDS,
        )

    def call[T](self, connection: str, work: Callable[[], T]) -> T:
        """Do the work, or the probe, and return what it returns.

        Raises PausedError without doing it while the connection is paused, and what the work
        raises; ConnectionFault counts towards a pause.
        """
        guarded = circuit_breaker(
            name=f"{_KEY}{connection}",
            persistence_store=self._store,
            config=self._config,
            on_transition=_report,
        )(work)
        try:
            result: T = guarded()
        except CircuitBreakerOpenError as error:
            raise CircuitOpenError(connection) from error
        return result


def last_probe(client: Any, table: str, connection: str) -> int | None:
    """Return when a paused connection was tried last, in epoch seconds; None if it is not paused.

    Raises botocore's errors.
    """
    key = {"key": {"S": f"{_KEY}{connection}"}}
    item = client.get_item(TableName=table, Key=key).get("Item", {})
    if item.get("state", {}).get("S", CircuitState.CLOSED.value) == CircuitState.CLOSED.value:
        return None
    return int(item.get("opened_at", {}).get("N", 0))


def _report(transition: CircuitTransition) -> None:
    connection = transition.circuit_name.removeprefix(_KEY)
    paused = transition.to_state is not CircuitState.CLOSED
    observability.logger().warning(
        LogEvent.CONNECTION_PAUSED if paused else LogEvent.CONNECTION_RESUMED,
        connection=connection,
        was=str(transition.from_state),
        now=str(transition.to_state),
    )
    if transition.to_state is CircuitState.OPEN:
        counts = Counter({(connection,): 1})
        observability.count(PAUSES_METRIC, counts, ("connection",))
