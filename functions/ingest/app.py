"""Ingest: takes pushes behind API Gateway and queues their profiles."""

import functools
import gc
import os
from typing import Any

gc.disable()  # what is imported is no garbage; to look for some takes a twentieth of a cold start

from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync.aws import clients
from attendee_sync.aws.fifo_queue import FifoQueue
from attendee_sync.aws.settings import Settings
from attendee_sync.ingest.api import HttpResponse, parse_event, to_lambda
from attendee_sync.ingest.ingest import Ingest
from attendee_sync.messaging.lanes import Lanes

gc.freeze()  # nor is it looked through later
gc.enable()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway's REST proxy integration."""
    if event["resource"] == "/v1/health":  # API Gateway answers itself, but not in `sam local`
        return to_lambda(HttpResponse(200, {"status": "ok"}))
    return to_lambda(ingest().push(parse_event(event, context.aws_request_id)))


@functools.cache
def ingest() -> Ingest:
    """Return what takes the pushes, made once."""
    queues = clients.client("sqs", clients.HASTY)
    stack = os.environ["STACK_NAME"]
    return Ingest(
        Settings.of_stack(stack, clients.HASTY),
        lanes=Lanes(queues, stack, os.environ["QUEUE_URL"]),
        dead_letters=FifoQueue(queues, os.environ["DEAD_LETTER_QUEUE_URL"]),
    )
