"""FIFO queues: putting messages on them, ten a call, and hiding them again."""

import functools
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws import clients
from attendee_sync.aws.clients import Deadline

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_ENTRIES_PER_CALL = 10
_BYTES_PER_CALL = 1_048_576
_ATTEMPTS = 3
_THREADS = 10
# Attribute values and group ids are short; this is what one entry may add to its body, in bytes.
_ATTRIBUTE_BYTES = 4_096
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True)
class Message:
    """A message for a FIFO queue: a profile's text, and what is known of it."""

    body: str
    group: str
    deduplication_id: str
    attributes: Mapping[str, str]


class QueueUnavailableError(Exception):
    """Some messages could not be put on the queue."""

    def __init__(
        self, text: str, queued: Sequence[Message] = (), causes: Collection[str] = ()
    ) -> None:
        """`queued` are those that surely are on it, none before an earlier one of its group.

        `causes` are error codes of AWS.
        """
        super().__init__(text)
        self.causes = frozenset(causes)
        self.queued = queued


@dataclass(frozen=True)
class QueueCount:
    """How many messages a queue holds, as far as SQS knows."""

    visible: int  # to be had
    in_flight: int  # given out, or put back for a later time
    delayed: int  # not to be had yet

    @property
    def waiting(self) -> int:
        """Those that are not given out."""
        return self.visible + self.delayed

    @property
    def total(self) -> int:
        """All messages of the queue."""
        return self.waiting + self.in_flight


def count(client: Any, url: str) -> QueueCount:
    """Count the messages of a queue."""
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))
    return QueueCount(*(int(answer["Attributes"][name]) for name in _COUNTS))


class FifoQueue:
    """One FIFO queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[Message], deadline: Deadline = clients.NO_DEADLINE) -> None:
        """Put messages on the queue, ten a call, with several calls side by side.

        Messages of one group keep their order, also when SQS refuses some and they are sent
        again. Raises QueueUnavailableError if at the end, or at the deadline, some are not on the
        queue; others may be.
        """
        lanes = _lanes(messages)
        send = functools.partial(self._send_lane, deadline=deadline)
        if len(lanes) == 1:
            sent = [send(lanes[0])]
        else:
            with ThreadPoolExecutor(min(_THREADS, len(lanes))) as pool:
                sent = list(pool.map(send, lanes))
        queued = [message for each, _ in sent for message in each]
        if len(queued) < len(messages):
            causes = sorted({cause for _, some in sent for cause in some})
            unsent = len(messages) - len(queued)
            words = f"{unsent} messages could not be queued: {', '.join(causes)}"
            raise QueueUnavailableError(words, queued, causes)

    def put_back(self, receipts: Mapping[str, int]) -> None:
        """Hide received messages for the given seconds, by receipt handle.

        What fails here only comes back at another time, so it raises nothing.
        """
        entries = [
            {"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
            for n, (receipt, seconds) in enumerate(receipts.items())
        ]
        for some in itertools.batched(entries, _ENTRIES_PER_CALL, strict=False):
            try:
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=list(some))
            except (BotoCoreError, ClientError):
                return

    def delete(self, receipts: Iterable[str]) -> None:
        """Delete received messages by their receipt handles.

        What fails here only comes back once more, so it raises nothing.
        """
        entries = ({"Id": str(n), "ReceiptHandle": each} for n, each in enumerate(receipts))
        for some in itertools.batched(entries, _ENTRIES_PER_CALL, strict=False):
            with suppress(BotoCoreError, ClientError):
                self._client.delete_message_batch(QueueUrl=self._url, Entries=list(some))

    def _send_lane(
        self, calls: Sequence[Sequence[Message]], deadline: Deadline
    ) -> tuple[list[Message], set[str]]:
        """Return the messages that are queued, and what kept others from it."""
        queued: list[Message] = []
        for messages in calls:
            unsent, causes = self._send_call(messages, deadline)
            queued += [message for n, message in enumerate(messages) if n not in unsent]
            if unsent:
                return queued, causes
        return queued, set()

    def _send_call(
        self, messages: Sequence[Message], deadline: Deadline
    ) -> tuple[Collection[int], set[str]]:
        """Return the places of what is not queued in the end, and what was the cause."""
        pending = dict(enumerate(messages))
        causes: set[str] = set()
        for _ in range(_ATTEMPTS):
            if not deadline.allows():
                return pending.keys(), causes | {"out of time"}
            failed = self._send_once(pending)
            if not failed:
                return (), set()
            causes |= set(failed.values())
            pending = _again(pending, failed.keys())
        return pending.keys(), causes

    def _send_once(self, messages: Mapping[int, Message]) -> dict[int, str]:
        """Send one batch; return the code of what went wrong by the message's place in it."""
        entries = [_entry(n, message) for n, message in messages.items()]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            return dict.fromkeys(messages, clients.cause(error))
        return {int(each["Id"]): each["Code"] for each in answer.get("Failed", [])}


def _again(messages: Mapping[int, Message], failed: Collection[int]) -> dict[int, Message]:
    """Return the failed messages, each with the later ones of its group.

    These are sent under a new deduplication id, so that they come after it on the queue even if
    they were taken: otherwise an older state of the person would come after a newer one. What
    failed may have been taken as well, where it was the answer that got lost.
    """
    again: dict[int, Message] = {}
    late: set[str] = set()
    for n, message in messages.items():
        if message.group in late:
            again[n] = replace(message, deduplication_id=f"{message.deduplication_id}-again")
        elif n in failed:
            late.add(message.group)
            again[n] = message
    return again


def _lanes(messages: Iterable[Message]) -> list[list[list[Message]]]:
    """Arrange messages in lanes of calls; lanes can run side by side, a lane's calls cannot.

    A group stays together, so only one that spans two calls ties them to one lane.
    """
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    lanes: list[list[list[Message]]] = []
    previous: Message | None = None
    for call in _calls(itertools.chain.from_iterable(groups.values())):
        if previous and previous.group == call[0].group:
            lanes[-1].append(call)
        else:
            lanes.append([call])
        previous = call[-1]
    return lanes


def _calls(messages: Iterable[Message]) -> Iterable[list[Message]]:
    call: list[Message] = []
    size = 0
    for message in messages:
        bytes_ = len(message.body.encode()) + _ATTRIBUTE_BYTES
        if call and (len(call) == _ENTRIES_PER_CALL or size + bytes_ > _BYTES_PER_CALL):
            yield call
            call, size = [], 0
        call.append(message)
        size += bytes_
    if call:
        yield call


def _entry(n: int, message: Message) -> dict[str, Any]:
    return {
        "Id": str(n),
        "MessageBody": message.body,
        "MessageGroupId": message.group,
        "MessageDeduplicationId": message.deduplication_id,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in message.attributes.items()
            if value
        },
    }
