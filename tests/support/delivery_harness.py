"""A delivery on fakes, with all that it needs around it."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from attendee_sync.attendee import Version
from attendee_sync.delivery.delivery import Delivery
from attendee_sync.delivery.ledger import Ledger
from attendee_sync.delivery.pauses import Pauses
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.ingest.api import HttpRequest as Push
from attendee_sync.messaging import messages
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome, OutcomeKind
from attendee_sync.rainfocus.client import RainFocusClient
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.connection_state import ConnectionStates
from attendee_sync.rainfocus.guarded_client import GuardedClient
from attendee_sync.rainfocus.guards import Guards
from attendee_sync.rainfocus.token_requester import TokenRequester
from tests.support import fakes
from tests.support.stack import CONNECTION, INGEST_TOKEN, Aws

_numbers = itertools.count(1)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class DeliveryHarness:
    """A delivery with RainFocus and AWS around it."""

    aws: Aws
    rainfocus: fakes.Http
    delivery: Delivery
    seconds_left: float = 60.0
    clock: Callable[[], float] | None = None  # tells the seconds left, in place of the above

    def deliver(self, *batch: QueuedProfile) -> list[Outcome]:
        outcomes = dict(self.delivery.deliver(batch, self.clock or (lambda: self.seconds_left)))
        return [outcomes[each] for each in batch]

    def push(
        self, *profiles: object, destination: str = "default", token: str = INGEST_TOKEN
    ) -> str:
        """Push profiles through ingest, and return the push's request id."""
        request_id = f"push-{next(_numbers)}"
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        ingest = self.aws.ingest()
        body = json.dumps(profiles)
        assert ingest.push(Push(request_id, destination, headers, body)).status == 202
        return request_id

    def work(self) -> list[Outcome]:
        """Deliver what is on the profile queue, as Lambda does, until nothing more is given out."""
        outcomes: list[Outcome] = []
        while settled := self.invoke():
            outcomes += settled
        return outcomes

    def invoke(self, url: str = fakes.PROFILES_URL) -> list[Outcome]:
        """Deliver one batch from a profile queue, as Lambda does."""
        sqs = self.aws.sqs
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get(
            "Messages", []
        )
        settled = self.delivery.deliver(
            [messages.from_record(_record(each, url)) for each in found],
            self.clock or (lambda: self.seconds_left),
        )
        ended = [each.receipt for each, outcome in settled if outcome.kind is not OutcomeKind.RETRY]
        entries = [{"Id": str(n), "ReceiptHandle": receipt} for n, receipt in enumerate(ended)]
        if entries:
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return [outcome for _, outcome in settled]

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
def delivery_harness(aws: Aws) -> Iterator[DeliveryHarness]:
    rainfocus = fakes.Http()
    settings = aws.settings()
    made = Delivery(
        settings,
        Ledger(aws.dynamodb, fakes.TABLE),
        Pauses(aws.dynamodb, fakes.TABLE),
        lanes=aws.lanes(),
        dead_letters=aws.dead_letter_queue(),
        client=GuardedClient(
            aws.token_store(settings),
            RainFocusClient(rainfocus.session()),
            Guards(ConnectionStates(aws.dynamodb, fakes.TABLE), environments=1),
            ask_for_token=TokenRequester(lambda: aws.functions, "refresh-function"),
        ),
        policy=RetryPolicy(max_age=86_400),
    )
    prove(aws, CONNECTION)
    yield DeliveryHarness(aws, rainfocus, made)


def join_threads_since(before: set[threading.Thread]) -> None:
    """Wait for the threads that began after these: they would make loggers beside the next test."""
    for thread in set(threading.enumerate()) - before:
        thread.join(10)


def prove(aws: Aws, connection: Connection) -> None:
    """Have a connection known as one over which somebody was stored with its settings."""
    aws.dynamodb.items[f"circuit#{connection.name}"] = {
        "key": {"S": f"circuit#{connection.name}"},
        "stored_with": {"S": connection.digest},
        "stamp": {"S": "proven"},
        "expires_at": {"N": "4000000000"},
    }


def _record(found: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Return a received message as Lambda gives it to a function."""
    return {
        "messageId": found["MessageId"],
        "receiptHandle": found["ReceiptHandle"],
        "body": found["Body"],
        "attributes": found["Attributes"],
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}",
        "messageAttributes": {
            name: {"stringValue": each["StringValue"], "dataType": each["DataType"]}
            for name, each in found["MessageAttributes"].items()
        },
    }


def message(
    n: int = 0, person: str = "", body: str = "", age: float = 0, **changes: Any
) -> QueuedProfile:
    person = person or f"p{n}"
    accepted_at = int((time.time() - age) * 1_000)
    made = QueuedProfile(
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
