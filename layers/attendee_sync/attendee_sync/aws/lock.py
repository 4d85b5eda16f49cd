"""Locks that many processes share: items of a DynamoDB table, written on a condition."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws import clients


class LockedError(Exception):
    """Somebody else holds the lock."""


@contextlib.contextmanager
def lock(client: Any, table: str, name: str, seconds: int) -> Iterator[None]:
    """Hold the lock of that name, at most for the given seconds.

    Raises LockedError, and botocore's errors if it can't be taken.
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
    # It ends by itself, or is another's now; what was done under it is done.
    with contextlib.suppress(BotoCoreError, ClientError):
        client.delete_item(
            TableName=table,
            Key={"key": key},
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": owner},
        )
