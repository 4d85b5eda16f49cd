"""Locks that many processes share: items of a DynamoDB table, written on a condition."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from attendee_sync.aws import clients


class LockedError(Exception):
    """Somebody else holds the lock."""


@contextmanager
def lock(client: Any, table: str, name: str, seconds: int) -> Iterator[None]:
    """Hold the lock of that name, at most for the given seconds.

    Raises LockedError, and botocore's errors.
    """
    key = {"S": f"lock#{name}"}
    owner = {"S": uuid.uuid4().hex}
    now = int(time.time())
    try:
        client.put_item(
            TableName=table,
            Item={"key": key, "owner": owner, "expires_at": {"N": str(now + seconds)}},
            # Its end is compared, because DynamoDB deletes what has ended days later.
            ConditionExpression="attribute_not_exists(#key) OR expires_at < :now",
            ExpressionAttributeNames={"#key": "key"},
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )
    except ClientError as error:
        if clients.cause(error) == clients.CONDITION_FAILED:
            raise LockedError(name) from None
        raise
    try:
        yield
    finally:
        _unlock(client, table, key, owner)


def _unlock(client: Any, table: str, key: dict[str, str], owner: dict[str, str]) -> None:
    try:
        client.delete_item(
            TableName=table,
            Key={"key": key},
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": owner},
        )
    except ClientError as error:
        if clients.cause(error) != clients.CONDITION_FAILED:  # else it ran out and is another's now
            raise
