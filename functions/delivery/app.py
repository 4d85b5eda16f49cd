"""Delivery: takes batches of queued profiles and stores them in RainFocus as attendees."""

import functools
import gc
import os
from typing import Any

gc.disable()  # what is imported is no garbage; to look for some takes a twentieth of a cold start

from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync import http_client
from attendee_sync.aws import clients
from attendee_sync.aws.fifo_queue import FifoQueue
from attendee_sync.aws.settings import Settings
from attendee_sync.delivery.delivery import THREADS, Delivery
from attendee_sync.delivery.ledger import Ledger
from attendee_sync.delivery.pauses import Pauses
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.messaging import messages
from attendee_sync.messaging.lanes import Lanes
from attendee_sync.rainfocus.client import RainFocusClient
from attendee_sync.rainfocus.connection_state import ConnectionStates
from attendee_sync.rainfocus.guarded_client import GuardedClient
from attendee_sync.rainfocus.guards import Guards
from attendee_sync.rainfocus.token_requester import TokenRequester
from attendee_sync.rainfocus.token_store import TokenStore

gc.freeze()  # nor is it looked through later
gc.enable()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Deliver the records of an SQS event and name those to be received again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    batch = [messages.from_record(record) for record in event["Records"]]
    outcomes = _delivery().deliver(batch, lambda: context.get_remaining_time_in_millis() / 1000)
    return {
        "batchItemFailures": [
            {"itemIdentifier": message.message_id}
            for message, outcome in outcomes
            if not outcome.kind.is_final
        ]
    }


@functools.cache
def _delivery() -> Delivery:
    queues = clients.client("sqs")
    stack = os.environ["STACK_NAME"]
    settings = Settings.of_stack(stack)
    dynamodb = clients.client("dynamodb")
    return Delivery(
        settings,
        Ledger(dynamodb, os.environ["LEDGER_TABLE"]),
        Pauses(dynamodb, os.environ["LEDGER_TABLE"]),
        lanes=Lanes(queues, stack, os.environ["QUEUE_URL"]),
        dead_letters=FifoQueue(queues, os.environ["DEAD_LETTER_QUEUE_URL"]),
        client=GuardedClient(
            TokenStore(dynamodb, os.environ["TOKEN_TABLE"], settings),
            RainFocusClient(http_client.session(THREADS)),
            Guards(
                ConnectionStates(dynamodb, os.environ["LEDGER_TABLE"]),
                environments=int(os.environ["MAXIMUM_CONCURRENCY"]),
            ),
            TokenRequester(lambda: clients.client("lambda"), os.environ["TOKEN_REFRESH_FUNCTION"]),
        ),
        policy=RetryPolicy(max_age=3600.0 * int(os.environ["MAX_AGE_HOURS"])),
    )
