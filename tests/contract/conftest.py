import json
import math
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
import time_machine

from attendee_sync import http_client
from attendee_sync.aws import clients as aws_clients
from attendee_sync.ingest import ingest as pushes
from functions.delivery import app as delivery
from functions.ingest import app as ingest
from functions.preview import app as preview
from functions.token_refresh import app as token_refresh
from tests.support import fakes
from tests.support.stack import STACK, TOKEN_URL, Aws

type Handle = Callable[..., dict[str, Any]]

EVENTS = Path(__file__).parents[2] / "events"
HANDLERS: dict[str, ModuleType] = {
    "ingest": ingest,
    "preview": preview,
    "delivery": delivery,
    "token-refresh": token_refresh,
}
VARIABLES = {
    "STACK_NAME": STACK,
    "QUEUE_URL": fakes.PROFILES_URL,
    "DEAD_LETTER_QUEUE_URL": fakes.DEAD_LETTERS_URL,
    "LEDGER_TABLE": fakes.TABLE,
    "TOKEN_TABLE": fakes.TOKEN_TABLE,
    "TOKEN_REFRESH_FUNCTION": "token-refresh",
    "MAXIMUM_CONCURRENCY": "20",
    "MAX_AGE_HOURS": "24",
    "REFRESH_INTERVAL_MINUTES": "5",
}


class Context:
    """What is used of Lambda's context. Each is another invocation's."""

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def event_of(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def moments_of(event: dict[str, Any]) -> Iterator[float]:
    """Yield the times that an event names, in epoch seconds."""
    if "requestContext" in event:
        yield event["requestContext"]["requestTimeEpoch"] / 1000
    if "time" in event:
        yield datetime.fromisoformat(event["time"]).timestamp()
    for record in event.get("Records", []):
        yield int(record["attributes"]["SentTimestamp"]) / 1000


@pytest.fixture
def at_the_time_of_the_events() -> Iterator[None]:
    """Set the clock to just after the last event: what is played three days later expires."""
    last = max(moment for path in EVENTS.iterdir() for moment in moments_of(event_of(path.stem)))
    with time_machine.travel(last + 1.0, tick=True):
        yield


@pytest.fixture
def rainfocus() -> fakes.Http:
    def reply(call: fakes.Call) -> fakes.Reply:
        if call.url == TOKEN_URL:
            return fakes.Reply(200, b'{"access_token": "granted", "expires_in": 3600}')
        return fakes.stored()

    return fakes.Http(reply)


@pytest.fixture
def handle(aws: Aws, rainfocus: fakes.Http, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handle]:
    """Handle an event by its name, in functions that were just started.

    The context is that of an invocation of its own if none is given.
    """

    def session(pool_size: int) -> requests.Session:
        assert pool_size > 0
        return rainfocus.session()

    def handled(name: str, context: Context | None = None) -> dict[str, Any]:
        [app] = [app for prefix, app in HANDLERS.items() if name.startswith(prefix)]
        answer: dict[str, Any] = app.lambda_handler(event_of(name), context or Context())
        json.dumps(answer)
        return answer

    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws_clients, "client", aws.client)
    monkeypatch.setattr(pushes, "PUSH_SECONDS", math.inf)  # however slow this machine is
    monkeypatch.setattr(http_client, "session", session)
    _forget()
    yield handled
    _forget()


def _forget() -> None:
    """Let the functions forget what they made once."""
    for app in HANDLERS.values():
        for each in vars(app).values():
            if hasattr(each, "cache_clear"):
                each.cache_clear()
