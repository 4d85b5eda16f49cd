"""AWS's event source mapping from the profile queue to delivery, played on the local cloud.

The local cloud's own has one batch of a FIFO queue delivered at a time, AWS as many as there are
free message groups, up to MaximumConcurrency. The processes in which delivery runs are the local
cloud's: one for each invocation at a time, kept for the next, and killed at the time limit.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.machine.cloud import REGION
from local.machine.stack import LocalStack, StackError

_FUNCTION = "DeliveryFunction"
_QUEUE = "ProfileQueue"
_WAIT_SECONDS = 1  # for a message; AWS waits for 20, but need not end soon
_AFTER_FAILURE_SECONDS = 1.0  # how AWS backs off from a function that fails is not documented

type Message = Mapping[str, Any]  # as SQS gives it out


@dataclass(frozen=True)
class Invocation:
    """One invocation of delivery; times are epoch seconds."""

    started: float
    ended: float
    failed: bool  # as a whole

    def seconds_within(self, start: float, end: float) -> float:
        """Return how much of this time it ran."""
        return max(0.0, min(self.ended, end) - max(self.started, start))


@contextlib.contextmanager
def event_source_mapping(stack: LocalStack) -> Iterator[list[Invocation]]:
    """Deliver as AWS does while the block runs, and give the invocations that have ended.

    What is delivered when the block ends is waited for. Raises botocore's errors then if the
    queue could not be asked.
    """
    ended = threading.Event()
    invocations: list[Invocation] = []
    with _switched_off(stack) as mapping:
        at_once = mapping["ScalingConfig"]["MaximumConcurrency"]
        with ThreadPoolExecutor(at_once) as threads:
            polling = [
                threads.submit(_poll, stack, mapping, invocations, ended) for _ in range(at_once)
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
def _switched_off(stack: LocalStack) -> Iterator[Mapping[str, Any]]:
    """Have the local cloud's own mapping rest while the block runs, and give its settings."""
    client = stack.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName=stack.resources[_FUNCTION])[
        "EventSourceMappings"
    ]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield mapping
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def _poll(
    stack: LocalStack,
    mapping: Mapping[str, Any],
    invocations: list[Invocation],
    ended: threading.Event,
) -> None:
    """Receive and deliver one batch after the other until the end."""
    sqs, url = stack.client("sqs"), stack.resources[_QUEUE]
    while not ended.is_set():
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=mapping["BatchSize"],
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            continue
        invocation, done = _invoke(stack, messages, mapping["EventSourceArn"])
        invocations.append(invocation)
        if done:
            entries = [
                {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]}
                for n, each in enumerate(done)
            ]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        if invocation.failed:
            ended.wait(_AFTER_FAILURE_SECONDS)


def _invoke(
    stack: LocalStack, messages: Sequence[Message], arn: str
) -> tuple[Invocation, list[Message]]:
    """Invoke delivery with a batch, and return which of its messages are done with.

    If the invocation fails none is: each stays hidden for as long as it was to be.
    """
    started = time.time()
    try:
        answer = stack.invoke(_FUNCTION, {"Records": [_record(each, arn) for each in messages]})
    except (StackError, BotoCoreError, ClientError):
        return Invocation(started, time.time(), failed=True), []
    return Invocation(started, time.time(), failed=False), delivered(messages, answer)


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
