"""What is taken for granted of FIFO queues, asked of one with the attributes of the lane's."""

import contextlib
import json
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from local.parity.answers import Answer, equal, not_asked
from local.parity.place import Place

_GROUPS, _EACH, _POLLERS = 12, 10, 5
_WORK_SECONDS = 0.1
_POLL_SECONDS = 40.0
_HIDDEN_SECONDS = 4
_WINDOW_SECONDS = 300
_LIKE_THE_LANE = ("FifoQueue", "DeduplicationScope", "FifoThroughputLimit")


@contextlib.contextmanager
def _queue(place: Place) -> Iterator[tuple[Any, str]]:
    """Yield SQS's client and the URL of a queue that is gone afterwards."""
    sqs = place.client("sqs")
    lane = sqs.get_queue_attributes(
        QueueUrl=place.resources["ProfileQueue"], AttributeNames=["All"]
    )["Attributes"]
    name = f"{place.stack}_parity_{secrets.token_hex(3)}.fifo"
    attributes = {each: lane[each] for each in _LIKE_THE_LANE} | {"VisibilityTimeout": "60"}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    try:
        yield sqs, url
    finally:
        sqs.delete_queue(QueueUrl=url)


def _send(sqs: Any, url: str, group: str, deduplication: str) -> None:
    sqs.send_message(
        QueueUrl=url, MessageBody="x", MessageGroupId=group, MessageDeduplicationId=deduplication
    )


def _receive(sqs: Any, url: str, wait: int = 1) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=wait,
        MessageSystemAttributeNames=["All"],
    )
    received: list[dict[str, Any]] = answer.get("Messages", [])
    return received


@dataclass
class _Seen:
    """What pollers saw between them."""

    numbers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    held: dict[str, int] = field(default_factory=dict)  # by which poller, of each group
    shared: int = 0  # batches with a group that another poller held
    most_at_once: int = 0  # pollers with a batch
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        return sum(map(len, self.numbers.values()))


def _poll(sqs: Any, url: str, poller: int, seen: _Seen) -> None:
    deadline = time.monotonic() + _POLL_SECONDS
    while seen.count < _GROUPS * _EACH and time.monotonic() < deadline:
        messages = _receive(sqs, url)
        if not messages:
            continue
        bodies = [json.loads(each["Body"]) for each in messages]
        with seen.lock:
            groups = {group for group, _ in bodies}
            seen.shared += any(seen.held.get(each, poller) != poller for each in groups)
            seen.held |= dict.fromkeys(groups, poller)
            seen.most_at_once = max(seen.most_at_once, len(set(seen.held.values())))
            for group, number in bodies:
                seen.numbers[group].append(number)
        time.sleep(_WORK_SECONDS)
        with seen.lock:
            seen.held = {each: by for each, by in seen.held.items() if by != poller}
        entries = [
            {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]}
            for n, each in enumerate(messages)
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def check_order_and_group_locks_under_parallel_pollers(place: Place) -> Answer:
    """Ask whether one poller at a time has messages of a group, in their order."""
    with _queue(place) as (sqs, url):
        bodies = [(f"group-{group}", n) for n in range(_EACH) for group in range(_GROUPS)]
        for some in batched(bodies, 10, strict=False):
            entries = [
                {
                    "Id": str(i),
                    "MessageBody": json.dumps(body),
                    "MessageGroupId": body[0],
                    "MessageDeduplicationId": f"{body[0]}-{body[1]}",
                }
                for i, body in enumerate(some)
            ]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
        seen = _Seen()
        with ThreadPoolExecutor(_POLLERS) as threads:
            list(threads.map(lambda poller: _poll(sqs, url, poller, seen), range(_POLLERS)))
    in_order = sum(numbers == list(range(_EACH)) for numbers in seen.numbers.values())
    return Answer(
        f"{_GROUPS} of {_GROUPS} groups whole and in order, 0 batches share a group, several "
        "pollers have a batch at once",
        f"{in_order} of {_GROUPS} groups whole and in order, {seen.shared} batches share a group, "
        f"{seen.most_at_once} pollers have a batch at once",
        in_order == _GROUPS and not seen.shared and seen.most_at_once > 1,
    )


def check_a_group_waits_behind_what_is_hidden(place: Place) -> Answer:
    """Ask whether a hidden message keeps its group back, and comes again before the rest."""
    with _queue(place) as (sqs, url):
        _send(sqs, url, "one", "1")
        [first] = _receive(sqs, url, 5)
        _send(sqs, url, "one", "2")
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=_HIDDEN_SECONDS
        )
        meanwhile = len(_receive(sqs, url, 0))
        time.sleep(_HIDDEN_SECONDS)
        then = _receive(sqs, url, 10)
    ids = [each["Attributes"]["MessageDeduplicationId"] for each in then]
    counts = [each["Attributes"]["ApproximateReceiveCount"] for each in then]
    return Answer(
        "meanwhile 0 messages; then the hidden one first, received 2 times",
        f"meanwhile {meanwhile} messages; then the "
        f"{'hidden one' if ids[:1] == ['1'] else 'other' if ids else 'none'} first, received "
        f"{counts[0] if counts else 0} times",
        not meanwhile and ids[:1] == ["1"] and counts[:1] == ["2"],
    )


def check_deduplication_is_by_group_and_outlives_deletion(place: Place) -> Answer:
    """Ask whether what was sent already is dropped, in its group alone, deleted or not."""
    with _queue(place) as (sqs, url):
        _send(sqs, url, "one", "same")
        [first] = _receive(sqs, url, 5)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
        _send(sqs, url, "one", "same")
        _send(sqs, url, "two", "same")
        groups = [each["Attributes"]["MessageGroupId"] for each in _receive(sqs, url, 5)]
    return equal("that of the other group alone", _alone(groups))


def _alone(groups: list[str]) -> str:
    if groups == ["two"]:
        return "that of the other group alone"
    return f"{groups.count('one')} of its own group, {groups.count('two')} of the other"


def check_deduplication_ends_after_five_minutes(place: Place) -> Answer:
    """Ask whether after five minutes the same message is taken again."""
    if place.is_local:
        return not_asked("it takes five minutes")
    with _queue(place) as (sqs, url):
        _send(sqs, url, "one", "same")
        time.sleep(_WINDOW_SECONDS - 30)
        _send(sqs, url, "one", "same")
        within = _receive(sqs, url, 5)
        for each in within:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        time.sleep(45)
        _send(sqs, url, "one", "same")
        after = len(_receive(sqs, url, 5))
    return equal("1 of two within, 1 after", f"{len(within)} of two within, {after} after")


CHECKS = (
    check_order_and_group_locks_under_parallel_pollers,
    check_a_group_waits_behind_what_is_hidden,
    check_deduplication_is_by_group_and_outlives_deletion,
    check_deduplication_ends_after_five_minutes,
)
