"""The stack that the integration tests deployed, and waiting for it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from attendee_sync.messaging.dead_letters import DeadLetter
from local.machine.environment import LocalEnvironment
from local.machine.stack import LocalStack
from local.simulator.client import SimulatorClient
from local.simulator.state import Attendee

_PATIENCE_SECONDS = 300.0
_PUSH_SECONDS = 30.0


@dataclass(frozen=True)
class Local:
    """What the tests do with the deployed stack."""

    running: LocalEnvironment

    @property
    def stack(self) -> LocalStack:
        return self.running.stack

    @property
    def simulator(self) -> SimulatorClient:
        return self.running.simulator

    def push(
        self,
        body: object,
        *,
        destination: str = "default",
        content_type: str = "application/json",
        authorization: str | None = "",
    ) -> requests.Response:
        """Push text as it is and all else as JSON, with the ingest token if none is given."""
        url, headers = self.stack.push_url(destination)
        headers["Content-Type"] = content_type
        if authorization is not None:
            headers["Authorization"] = authorization or f"Bearer {self.stack.ingest_token()}"
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return requests.post(
            url,
            data=data.encode() if isinstance(data, str) else data,
            headers=headers,
            timeout=_PUSH_SECONDS,
        )

    def attendees(self) -> dict[str, Attendee]:
        return {str(each.fields["email"]): each for each in self.simulator.attendees()}

    def wait_for_attendee(self, email: str) -> Attendee:
        until(lambda: email in self.attendees(), "the attendee is stored")
        return self.attendees()[email]

    def wait_for_dead_letter(self, request_id: str) -> DeadLetter:
        def found() -> list[DeadLetter]:
            return [
                each
                for each in self.stack.read_dead_letters()
                if each.message.request_id == request_id
            ]

        until(lambda: bool(found()), "the dead letter is there")
        return found()[0]

    def wait_until_idle(self) -> None:
        until(lambda: self.stack.profile_queue().total == 0, "the queue is empty")

    def logs(self) -> str:
        functions = ("IngestFunction", "DeliveryFunction", "TokenRefreshFunction")
        return "\n".join(line for each in functions for line in self.stack.function_logs(each))

    def ledger(self) -> list[dict[str, Any]]:
        return self.stack.ledger()


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something to come true; fail after a time that is ample even on a busy machine."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited in vain until {what}")
        time.sleep(0.2)
