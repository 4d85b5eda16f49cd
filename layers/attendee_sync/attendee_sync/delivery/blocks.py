"""Blocks: persons of whom nothing is delivered to any destination, since they were erased.

Each is one small item of the ledger table, written by the command line, that stays until it is
lifted. Its key is attendee.person_key: who it is can't be told from it.
"""

import time
from typing import Any

from botocore.exceptions import ClientError

from attendee_sync.aws import clients

_KEY = "erased#"


def key_of(person: str) -> str:
    """Return the key of the item that blocks a person, by attendee.person_key."""
    return f"{_KEY}{person}"


class Blocks:
    """The blocks of a stack. Its methods raise botocore's errors."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def since(self, person: str) -> int | None:
        """Return since when a person is blocked, in epoch seconds; None if it is not."""
        answer = self._client.get_item(
            TableName=self._table, Key={"key": {"S": key_of(person)}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return int(item["erased_at"]["N"]) if item else None

    def put(self, person: str) -> int:
        """Block a person, and return since when it is blocked, in epoch seconds."""
        now = int(time.time())
        try:
            self._client.put_item(
                TableName=self._table,
                Item={"key": {"S": key_of(person)}, "erased_at": {"N": str(now)}},
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": "key"},
            )
        except ClientError as error:
            if clients.cause(error) != clients.CONDITION_FAILED:
                raise
            return self.since(person) or now
        return now

    def lift(self, person: str) -> bool:
        """Let a person be delivered again; tell whether it was blocked."""
        answer = self._client.delete_item(
            TableName=self._table, Key={"key": {"S": key_of(person)}}, ReturnValues="ALL_OLD"
        )
        return bool(answer.get("Attributes"))
