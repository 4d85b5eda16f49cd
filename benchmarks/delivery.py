"""How long a batch takes beside one call of RainFocus's API."""

import json
import os
import time
from collections.abc import Callable
from statistics import median

import requests

from attendee_sync import http_client
from attendee_sync.attendee import Version
from attendee_sync.aws import clients
from attendee_sync.delivery.delivery import THREADS, Delivery
from attendee_sync.delivery.ledger import Ledger
from attendee_sync.delivery.pauses import Pauses
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.messaging import messages
from attendee_sync.outcome import OutcomeKind
from attendee_sync.rainfocus.client import RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.connection_state import ConnectionStates
from attendee_sync.rainfocus.guarded_client import GuardedClient
from attendee_sync.rainfocus.guards import Guards
from benchmarks import stub
from local.traffic.people import as_xdm, people
from tests.support.stack import CONNECTION, Aws, token

_BATCH = 10
_ROUNDS = 21


def batch_of_ten_latencies() -> float:
    """Return the time for a batch of ten people by that of one call to an API 100 ms away.

    RainFocus and DynamoDB answer over HTTP on this machine. Settings are cached, as they are in
    all but one invocation a minute.
    """
    batch = [_message(n) for n in range(_BATCH)]
    with stub.running() as url, http_client.session(pool_size=1) as session:
        delivery = _delivery(url)
        _deliver(delivery, batch)  # opens the connections
        _call(session, url)
        # By turns, since a machine's speed changes from one moment to the next.
        return median(
            _seconds(lambda: _deliver(delivery, batch)) / _seconds(lambda: _call(session, url))
            for _ in range(_ROUNDS)
        )


def _delivery(url: str) -> Delivery:
    connection = Connection.model_validate({**CONNECTION.model_dump(), "base_url": url})
    services = Aws()
    services.set_connection("default", connection)
    services.set_token(token(audience=f"{url}/{connection.org_id}"))
    os.environ |= {
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",  # pragma: allowlist secret
        "POWERTOOLS_METRICS_NAMESPACE": "AttendeeSync",
    }
    settings = services.settings()
    return Delivery(
        settings,
        Ledger(clients.client("dynamodb"), "ledger"),
        Pauses(clients.client("dynamodb"), "ledger"),
        services.lanes(),
        services.dead_letter_queue(),
        GuardedClient(
            services.token_store(settings),
            RainFocusClient(http_client.session(THREADS)),
            Guards(ConnectionStates(clients.client("dynamodb"), "ledger"), environments=1),
            ask_for_token=lambda _connection, _refused: None,
        ),
        policy=RetryPolicy(max_age=86_400),
    )


def _deliver(delivery: Delivery, batch: list[messages.QueuedProfile]) -> None:
    outcomes = delivery.deliver(batch, lambda: 60.0)
    if any(outcome.kind is not OutcomeKind.DELIVERED for _, outcome in outcomes):
        raise RuntimeError("the batch was not delivered")


def _message(n: int) -> messages.QueuedProfile:
    return messages.QueuedProfile(
        message_id=str(n),
        receipt=str(n),
        group=f"group-{n}",
        body=json.dumps(as_xdm(people(_BATCH)[n])),
        destination="default",
        request_id="bench",
        index=str(n),
        trace_parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        version=Version(int(time.time() * 1000), str(n)),
        attempt=1,
        queued_at=int(time.time() * 1000),
    )


def _call(session: requests.Session, url: str) -> None:
    session.post(f"{url}/api/acme/v3/attendee/store", json={}, timeout=(10, 10)).raise_for_status()


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
