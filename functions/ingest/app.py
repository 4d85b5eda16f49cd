"""Ingest: takes pushes behind API Gateway and queues their profiles."""

import functools
import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from attendee_sync import aws
from attendee_sync.messages import Queue
from attendee_sync.push import Ingest
from attendee_sync.reception import Answer, request_of, response_of
from attendee_sync.settings import Settings


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway's REST proxy integration."""
    if event["resource"] == "/v1/health":  # API Gateway answers itself, but not in `sam local`
        return response_of(Answer(200, {"status": "ok"}))
    return response_of(ingest().push(request_of(event, context.aws_request_id)))


@functools.cache
def ingest() -> Ingest:
    """Return what takes the pushes, made once."""
    queues = aws.client("sqs", aws.HASTY)
    return Ingest(
        Settings.of_stack(os.environ["STACK_NAME"], aws.HASTY),
        profiles=Queue(queues, os.environ["QUEUE_URL"]),
        dead_letters=Queue(queues, os.environ["DEAD_LETTER_QUEUE_URL"]),
    )
