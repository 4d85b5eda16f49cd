"""Ingest: takes pushes behind API Gateway and queues their profiles."""

import functools
import json
import os
from typing import Any

from attendee_sync import aws
from attendee_sync.messages import Queue
from attendee_sync.push import Answer, Ingest, Request
from attendee_sync.settings import Settings


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request of API Gateway's REST proxy integration.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    if event["resource"] == "/v1/health":
        return _response(Answer(200, {"status": "ok"}))
    return _response(ingest().push(_request(event)))


@functools.cache
def ingest() -> Ingest:
    """Return what takes the pushes, made once."""
    queues = aws.client("sqs")
    return Ingest(
        Settings(
            os.environ["STACK_NAME"],
            ssm=aws.client("ssm"),
            secrets=aws.client("secretsmanager"),
        ),
        profiles=Queue(queues, os.environ["QUEUE_URL"]),
        dead_letters=Queue(queues, os.environ["DEAD_LETTER_QUEUE_URL"]),
    )


def _request(event: dict[str, Any]) -> Request:
    return Request(
        request_id=event["requestContext"]["requestId"],
        destination=(event["pathParameters"] or {}).get("destination", ""),
        headers={name.lower(): value for name, value in (event["headers"] or {}).items()},
        body=event["body"] or "",
        is_base64=bool(event.get("isBase64Encoded")),
    )


def _response(answer: Answer) -> dict[str, Any]:
    return {
        "statusCode": answer.status,
        "headers": {"Content-Type": "application/json", **answer.headers},
        "body": json.dumps(answer.body),
    }
