import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import time_machine

from attendee_sync import http_client
from attendee_sync.aws import clients as aws_clients
from attendee_sync.ingest import ingest as pushes
from tests.support import fakes
from tests.support.functions import (
    EVENTS,
    HANDLERS,
    VARIABLES,
    Context,
    Handle,
    event_of,
    forget,
    moments_of,
)
from tests.support.stack import TOKEN_URL, Aws


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
    forget()
    yield handled
    forget()
