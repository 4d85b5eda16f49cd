"""AWS's event source mappings from the lanes to delivery, played on the local cloud.

The local cloud's own have one batch of a FIFO queue delivered at a time, AWS as many as there are
free message groups, up to MaximumConcurrency for each lane. The processes in which delivery runs
are the local cloud's, unless others are given: one for each invocation at a time, kept for the
next, and killed at the time limit.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws import fifo_queue
from attendee_sync.messaging.lanes import SHARED, lane_of
from local.machine.cloud import REGION
from local.machine.stack import LocalStack, StackError

FUNCTION = "DeliveryFunction"
# AWS's bound: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html
MAX_IN_FLIGHT = 120_000
_BATCH_SECONDS = 0.1  # between two looks at a queue that may give out no more
_WAIT_SECONDS = 1  # for a message; AWS waits for 20, but need not end soon
_AFTER_FAILURE_SECONDS = 1.0  # how AWS backs off from a function that fails is not documented

type Message = Mapping[str, Any]  # as SQS gives it out
type Invoke = Callable[[object], Any]


@dataclass(frozen=True)
class Invocation:
    """One invocation of delivery; times are epoch seconds."""

    started: float
    ended: float
    failed: bool  # as a whole
    lane: str = SHARED  # whose batch it was

    def seconds_within(self, start: float, end: float) -> float:
        """Return how much of this time it ran."""
        return max(0.0, min(self.ended, end) - max(self.started, start))


@contextlib.contextmanager
def event_source_mapping(
    stack: LocalStack, max_in_flight: int = MAX_IN_FLIGHT, invoke: Invoke | None = None
) -> Iterator[list[Invocation]]:
    """Deliver as AWS does while the block runs, and give the invocations that have ended.

    All lanes are played that there are and that are on when it begins. A queue gives out
    `max_in_flight` messages that are neither deleted nor visible again, and then no more. `invoke`
    runs delivery elsewhere than in the local cloud, and raises StackError if it fails. What is
    delivered when the block ends is waited for. Raises botocore's errors then if a queue could not
    be asked.
    """
    run = invoke or partial(stack.invoke, FUNCTION)
    ended = threading.Event()
    invocations: list[Invocation] = []
    with _switched_off(stack) as mappings:
        at_once = sum(each["ScalingConfig"]["MaximumConcurrency"] for each in mappings)
        with ThreadPoolExecutor(at_once) as threads:
            polling = [
                threads.submit(_poll, lane, run, invocations, ended)
                for lane in (_Lane(stack, each, max_in_flight) for each in mappings)
                for _ in range(lane.mapping["ScalingConfig"]["MaximumConcurrency"])
            ]
            try:
                yield invocations
            finally:
                ended.set()
        for each in polling:
            each.result()


def most_at_once(invocations: Sequence[Invocation]) -> int:
    """Return how many invocations ran at the same time, at most."""
    starts = [each.started for each in invocations]
    return max(
        (sum(each.started <= start < each.ended for each in invocations) for start in starts),
        default=0,
    )


def delivered(messages: Sequence[Message], answer: object) -> list[Message]:
    """Return the messages that Lambda deletes after the function has answered.

    That are those not named as failed, and none if the answer names anything else:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if answer is None:
        return list(messages)
    if not isinstance(answer, Mapping):
        return []
    failures = answer.get("batchItemFailures") or []
    named = {each.get("itemIdentifier") for each in failures}
    if not named <= {message["MessageId"] for message in messages}:
        return []
    return [message for message in messages if message["MessageId"] not in named]


@contextlib.contextmanager
def _switched_off(stack: LocalStack) -> Iterator[list[Mapping[str, Any]]]:
    """Have the local cloud's own mappings rest while the block runs, and give their settings."""
    client = stack.client("lambda")
    found = client.list_event_source_mappings(FunctionName=stack.resources[FUNCTION])
    mappings = [each for each in found["EventSourceMappings"] if each["State"] == "Enabled"]
    for each in mappings:
        client.update_event_source_mapping(UUID=each["UUID"], Enabled=False)
    try:
        yield mappings
    finally:
        for each in mappings:
            client.update_event_source_mapping(UUID=each["UUID"], Enabled=True)


class _Lane:
    """A queue as AWS gives it out to the pollers of its mapping."""

    def __init__(self, stack: LocalStack, mapping: Mapping[str, Any], max_in_flight: int) -> None:
        self.mapping = mapping
        self.sqs = stack.client("sqs")
        name = mapping["EventSourceArn"].rpartition(":")[2]
        self.url: str = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        self._max_in_flight = max_in_flight
        self._counting = threading.Lock()

    def receive(self) -> list[Message]:
        """Return a batch, or nothing after a while."""
        if self._max_in_flight >= MAX_IN_FLIGHT:  # as many are never there
            return self._receive(self.mapping["BatchSize"], _WAIT_SECONDS)
        with self._counting:
            room = self._max_in_flight - fifo_queue.count(self.sqs, self.url).in_flight
            messages = self._receive(min(room, self.mapping["BatchSize"]), 0) if room > 0 else []
        if not messages:
            time.sleep(_BATCH_SECONDS)
        return messages

    def _receive(self, most: int, wait_seconds: int) -> list[Message]:
        found: list[Message] = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=wait_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        return found


def _poll(lane: _Lane, run: Invoke, invocations: list[Invocation], ended: threading.Event) -> None:
    """Receive and deliver one batch after the other until the end."""
    while not ended.is_set():
        messages = lane.receive()
        if not messages:
            continue
        invocation, done = _invoke(run, messages, lane.mapping["EventSourceArn"])
        invocations.append(invocation)
        if done:
            entries = [
                {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]}
                for n, each in enumerate(done)
            ]
            lane.sqs.delete_message_batch(QueueUrl=lane.url, Entries=entries)
        if invocation.failed:
            ended.wait(_AFTER_FAILURE_SECONDS)


def _invoke(run: Invoke, messages: Sequence[Message], arn: str) -> tuple[Invocation, list[Message]]:
    """Invoke delivery with a batch, and return which of its messages are done with.

    If the invocation fails none is: each stays hidden for as long as it was to be.
    """
    started = time.time()
    try:
        answer = run({"Records": [_record(each, arn) for each in messages]})
        done, failed = delivered(messages, answer), False
    except (StackError, BotoCoreError, ClientError):
        done, failed = [], True
    return Invocation(started, time.time(), failed, lane_of(arn)), done


def _record(message: Message, arn: str) -> dict[str, Any]:
    """Return a message as a function gets it.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": each["StringValue"], "dataType": each["DataType"]}
            for name, each in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }
