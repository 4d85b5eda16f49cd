"""Delivery: takes batches of queued profiles and stores them in RainFocus as attendees."""

import functools
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync import aws, http, messages, observability, token_refresh
from attendee_sync.calling import Caller
from attendee_sync.delivery import THREADS, Delivery
from attendee_sync.ledger import Ledger
from attendee_sync.mapping import LEFT_OUT
from attendee_sync.messages import Queue, Received
from attendee_sync.outcome import Kind, Outcome
from attendee_sync.pace import Pace
from attendee_sync.pausing import Pausing
from attendee_sync.rainfocus import RainFocus
from attendee_sync.settings import Settings


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Deliver the records of an SQS event and name those to be received again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    batch = [messages.received(record) for record in event["Records"]]
    outcomes = _delivery().deliver(batch, lambda: context.get_remaining_time_in_millis() / 1000)
    _measure(outcomes)
    left_out = Counter(
        (message.destination, field, text)
        for message, outcome in outcomes
        for field, text in outcome.remarks
        if text.startswith(LEFT_OUT) and outcome.kind is Kind.DELIVERED
    )
    observability.count("FieldsLeftOut", left_out, ("destination", "field", "reason"))
    return {
        "batchItemFailures": [
            {"itemIdentifier": message.message_id}
            for message, outcome in outcomes
            if outcome.kind is Kind.RETRY
        ]
    }


def _measure(outcomes: Iterable[tuple[Received, Outcome]]) -> None:
    """Write how many profiles had which outcome, how old they were, and RainFocus's latency."""
    by_outcome: dict[tuple[str, str], list[tuple[Received, Outcome]]] = {}
    for message, outcome in outcomes:
        by_outcome.setdefault((message.destination, outcome.kind.value), []).append(
            (message, outcome)
        )
    for (destination, kind), some in by_outcome.items():
        values = [("Profiles", MetricUnit.Count, float(len(some)))]
        values += [("Age", MetricUnit.Seconds, message.age) for message, _ in some]
        values += [
            ("RainFocusLatency", MetricUnit.Milliseconds, outcome.latency * 1000)
            for _, outcome in some
            if outcome.latency is not None
        ]
        observability.measure({"destination": destination, "outcome": kind}, values)


@functools.cache
def _delivery() -> Delivery:
    queues = aws.client("sqs")
    settings = Settings.of_stack(os.environ["STACK_NAME"])
    ledger = aws.client("dynamodb")
    return Delivery(
        settings,
        Ledger(ledger, os.environ["LEDGER_TABLE"]),
        profiles=Queue(queues, os.environ["QUEUE_URL"]),
        dead_letters=Queue(queues, os.environ["DEAD_LETTER_QUEUE_URL"]),
        caller=Caller(
            settings,
            RainFocus(http.session(THREADS)),
            Pausing(ledger, os.environ["LEDGER_TABLE"]),
            Pace(environments=int(os.environ["MAXIMUM_CONCURRENCY"])),
            token_refresh.Request(aws.client("lambda"), os.environ["TOKEN_REFRESH_FUNCTION"]),
        ),
        max_age=3600.0 * int(os.environ["MAX_AGE_HOURS"]),
    )
