"""A delivery on fakes, with all that it needs around it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from attendee_sync.attendee import Version
from attendee_sync.calling import Caller
from attendee_sync.delivery import Delivery
from attendee_sync.ledger import Ledger
from attendee_sync.messages import Received
from attendee_sync.outcome import Outcome
from attendee_sync.pace import Pace
from attendee_sync.pausing import Pausing
from attendee_sync.rainfocus import RainFocus
from attendee_sync.token_refresh import Request
from tests import fakes
from tests.stack import Aws

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class Bench:
    """A delivery with RainFocus and AWS around it."""

    aws: Aws
    rainfocus: fakes.Http
    delivery: Delivery
    seconds_left: float = 60.0

    def deliver(self, *batch: Received) -> list[Outcome]:
        outcomes = dict(self.delivery.deliver(batch, lambda: self.seconds_left))
        return [outcomes[each] for each in batch]

    @property
    def emails(self) -> list[str]:
        return [call.json["email"] for call in self.rainfocus.calls]

    @property
    def noted(self) -> dict[str, dict[str, Any]]:
        """The ledger's entries, without what else its table keeps."""
        items = self.aws.dynamodb.items.items()
        return {key: item for key, item in items if key.startswith("attendee#")}

    @property
    def waits(self) -> dict[str, int]:
        return self.aws.sqs.hidden


@contextmanager
def at_work(aws: Aws) -> Iterator[Bench]:
    rainfocus = fakes.Http()
    settings = aws.settings()
    made = Delivery(
        settings,
        Ledger(aws.dynamodb, fakes.TABLE),
        profiles=aws.profile_queue(),
        dead_letters=aws.dead_letter_queue(),
        caller=Caller(
            settings,
            RainFocus(rainfocus.session()),
            Pausing(aws.dynamodb, fakes.TABLE),
            Pace(environments=1),
            ask_for_token=Request(aws.functions, "refresh-function"),
        ),
        max_age=86_400,
    )
    try:
        yield Bench(aws, rainfocus, made)
    finally:
        made._threads.shutdown()


def message(
    n: int = 0, person: str = "", body: str = "", age: float = 0, **changes: Any
) -> Received:
    person = person or f"p{n}"
    accepted_at = int((time.time() - age) * 1_000)
    made = Received(
        message_id=f"message-{n}",
        receipt=f"receipt-{n}",
        group=f"group-of-{person}",
        body=body or json.dumps({"email": f"{person}@example.com", "zip": str(n)}),
        destination="default",
        request_id="push",
        index=str(n),
        trace_parent=TRACE,
        version=Version(accepted_at, f"{n + 1:040}"),
        attempt=1,
        queued_at=accepted_at,
    )
    return replace(made, **changes)


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind.value for outcome in outcomes]
