"""Delivery: takes batches of queued profiles and stores them in RainFocus as attendees."""

import functools
import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync import aws, http, messages, token_refresh
from attendee_sync.calling import Caller
from attendee_sync.delivery import THREADS, Delivery
from attendee_sync.ledger import Ledger
from attendee_sync.messages import Queue
from attendee_sync.outcome import Kind
from attendee_sync.pace import Pace
from attendee_sync.pausing import Pausing
from attendee_sync.rainfocus import RainFocus
from attendee_sync.settings import Settings
from attendee_sync.token_store import TokenStore


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Deliver the records of an SQS event and name those to be received again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    batch = [messages.received(record) for record in event["Records"]]
    outcomes = _delivery().deliver(batch, lambda: context.get_remaining_time_in_millis() / 1000)
    return {
        "batchItemFailures": [
            {"itemIdentifier": message.message_id}
            for message, outcome in outcomes
            if outcome.kind is Kind.RETRY
        ]
    }


@functools.cache
def _delivery() -> Delivery:
    queues = aws.client("sqs")
    settings = Settings.of_stack(os.environ["STACK_NAME"])
    dynamodb = aws.client("dynamodb")
    return Delivery(
        settings,
        Ledger(dynamodb, os.environ["LEDGER_TABLE"]),
        profiles=Queue(queues, os.environ["QUEUE_URL"]),
        dead_letters=Queue(queues, os.environ["DEAD_LETTER_QUEUE_URL"]),
        caller=Caller(
            TokenStore(dynamodb, os.environ["TOKEN_TABLE"], settings),
            RainFocus(http.session(THREADS)),
            Pausing(dynamodb, os.environ["LEDGER_TABLE"]),
            Pace(environments=int(os.environ["MAXIMUM_CONCURRENCY"])),
            token_refresh.Request(aws.client("lambda"), os.environ["TOKEN_REFRESH_FUNCTION"]),
        ),
        max_age=3600.0 * int(os.environ["MAX_AGE_HOURS"]),
    )
