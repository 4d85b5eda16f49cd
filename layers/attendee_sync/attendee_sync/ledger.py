"""The ledger: what was last delivered to whom. It holds no personal data.

Its table also keeps the locks under which tokens are renewed.
"""

import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import aws

_ATTEMPTS = 3
_TROUBLE_SECONDS = 14 * 86_400  # as long as a message can live
_KEPT_SECONDS = 400 * 86_400  # longer than the year between two editions of an event


@dataclass(frozen=True)
class Entry:
    """What was delivered to one attendee."""

    attendee: str  # attendee.key
    destination: str
    content_digest: str  # attendee.content_digest
    sequence: str  # of the message, growing within its group
    status: int
    code: str
    attendee_id: str  # as RainFocus knows it


class LedgerUnavailableError(Exception):
    """The ledger can't be written now."""


class LockedError(Exception):
    """Somebody else holds the lock."""


class Ledger:
    """The ledger table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def record(self, entries: Collection[Entry], connections: Collection[str]) -> None:
        """Note deliveries to different attendees, and the connections that took them.

        It is one call for at most 25 of both. Raises LedgerUnavailableError if some are not
        noted; others may be.
        """
        items = [_item(each) for each in entries] + [_stored(each) for each in connections]
        pending = {self._table: [{"PutRequest": {"Item": item}} for item in items]}
        for _ in range(_ATTEMPTS):
            try:
                pending = self._client.batch_write_item(RequestItems=pending)["UnprocessedItems"]
            except (BotoCoreError, ClientError) as error:
                raise LedgerUnavailableError(aws.cause(error)) from error
            if not pending:
                return
        raise LedgerUnavailableError("DynamoDB is too busy")

    def knows(self, attendee: str) -> bool:
        """Tell whether something was delivered to an attendee. Raises botocore's errors."""
        answer = self._client.get_item(
            TableName=self._table,
            Key={"key": {"S": f"attendee#{attendee}"}},
            ProjectionExpression="delivered_at",
        )
        return "Item" in answer

    def times_alone(self, message_id: str, connection: str) -> int:
        """Note that a message met a fault of its connection; return how often it was alone in it.

        It was alone if the connection took others since the message's last time. Raises
        botocore's errors.
        """
        trouble, stored = f"trouble#{message_id}", f"stored#{connection}"
        keys = [{"key": {"S": key}} for key in (trouble, stored)]
        answer = self._client.batch_get_item(
            RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
        )
        found = {item["key"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        now = int(time.time() * 1000)
        last = int(found[trouble]["at"]["N"]) if trouble in found else now
        alone = int(found[trouble]["alone"]["N"]) if trouble in found else 0
        if stored in found and int(found[stored]["at"]["N"]) > last:
            alone += 1
        item = {
            "key": {"S": trouble},
            "at": {"N": str(now)},
            "alone": {"N": str(alone)},
            "expires_at": {"N": str(now // 1000 + _TROUBLE_SECONDS)},
        }
        self._client.put_item(TableName=self._table, Item=item)
        return alone

    @contextmanager
    def lock(self, name: str, seconds: int) -> Iterator[None]:
        """Hold a lock, at most for the given seconds. Raises LockedError."""
        key = {"S": f"lock#{name}"}
        owner = {"S": uuid.uuid4().hex}
        now = int(time.time())
        try:
            self._client.put_item(
                TableName=self._table,
                Item={"key": key, "owner": owner, "expires_at": {"N": str(now + seconds)}},
                ConditionExpression="attribute_not_exists(#key) OR expires_at < :now",
                ExpressionAttributeNames={"#key": "key"},
                ExpressionAttributeValues={":now": {"N": str(now)}},
            )
        except ClientError as error:
            if _is_condition(error):
                raise LockedError(name) from None
            raise
        try:
            yield
        finally:
            self._unlock(key, owner)

    def _unlock(self, key: dict[str, str], owner: dict[str, str]) -> None:
        try:
            self._client.delete_item(
                TableName=self._table,
                Key={"key": key},
                ConditionExpression="#owner = :owner",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": owner},
            )
        except ClientError as error:
            if not _is_condition(error):  # it ran out and is another's now
                raise


def _item(entry: Entry) -> dict[str, Any]:
    now = int(time.time())
    return {
        "key": {"S": f"attendee#{entry.attendee}"},
        "destination": {"S": entry.destination},
        "content_digest": {"S": entry.content_digest},
        "sequence": {"S": entry.sequence},
        "status": {"N": str(entry.status)},
        "code": {"S": entry.code},
        "attendee_id": {"S": entry.attendee_id},
        "delivered_at": {"N": str(now)},
        "expires_at": {"N": str(now + _KEPT_SECONDS)},
    }


def _stored(connection: str) -> dict[str, Any]:
    return {"key": {"S": f"stored#{connection}"}, "at": {"N": str(int(time.time() * 1000))}}


def _is_condition(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")
