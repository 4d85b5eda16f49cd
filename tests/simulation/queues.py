"""Amazon SQS: FIFO queues, as its developer guide describes them.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.scheduler import Scheduler

PROFILES_URL = "https://sqs.example.com/123456789012/profiles.fifo"
ARN = f"arn:aws:sqs:us-east-1:123456789012:{PROFILES_URL.rpartition('/')[2]}"
DEAD_LETTERS_URL = "https://sqs.example.com/123456789012/dead-letter.fifo"
_VISIBILITY = {PROFILES_URL: 360.0, DEAD_LETTERS_URL: 30.0}  # seconds; the template's
_DEDUPLICATION_SECONDS = 300.0
_MAX_RECEIVES = 1_000  # the template's
_MOST_IN_FLIGHT = 120_000
_BATCH = 10


@dataclass
class Stored:
    """A message on a queue."""

    id: str
    body: str
    group: str
    attributes: Mapping[str, str]
    sequence: int
    sent_at: float
    visible_at: float = 0.0
    receives: int = 0
    receipt: str = ""

    @property
    def profile(self) -> tuple[str, str]:
        """The request id and index of the push that it came with."""
        return self.attributes.get("request_id", ""), self.attributes.get("index", "")


@dataclass
class _Queue:
    url: str
    messages: dict[str, Stored] = field(default_factory=dict)  # in order
    given_out: dict[str, Stored] = field(default_factory=dict)  # by receipt
    # When a deduplication id of a group was taken.
    taken: dict[tuple[str, str], float] = field(default_factory=dict)


class Queues:
    """The profile queue and the dead-letter queue."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self._scheduler = scheduler
        self._faults = faults
        self._queues = {url: _Queue(url) for url in (PROFILES_URL, DEAD_LETTERS_URL)}
        self._numbers = itertools.count(1)
        self.most_in_flight = _MOST_IN_FLIGHT
        self.on_sent: Callable[[str, Stored], object] = lambda _url, _message: None

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Take some of ten messages; one of a known deduplication id is taken, and not kept."""
        entries = request["Entries"]
        assert 1 <= len(entries) <= _BATCH
        lost = self._faults.some("queue-partial", len(entries))
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for n, entry in enumerate(entries):
            if n in lost:
                failed = {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"}
                answer["Failed"].append(failed)
                continue
            self._take(self._queues[request["QueueUrl"]], entry)
            answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def _take(self, queue: _Queue, entry: Mapping[str, Any]) -> None:
        now = self._scheduler.now
        identity = (entry["MessageGroupId"], entry["MessageDeduplicationId"])
        if now - queue.taken.get(identity, -_DEDUPLICATION_SECONDS) < _DEDUPLICATION_SECONDS:
            return
        queue.taken[identity] = now
        attributes = {
            name: str(each["StringValue"]) for name, each in entry["MessageAttributes"].items()
        }
        number = next(self._numbers)
        body = entry["MessageBody"]
        message = Stored(f"message-{number}", body, identity[0], attributes, number, now)
        self._keep(queue, message)

    def _keep(self, queue: _Queue, message: Stored) -> None:
        queue.messages[message.id] = message
        self.on_sent(queue.url, message)

    def get_queue_url(self, **request: Any) -> dict[str, Any]:
        """Return the URL of a queue by its name."""
        return {"QueueUrl": f"{PROFILES_URL.rpartition('/')[0]}/{request['QueueName']}"}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        """Count messages; here the counts are exact."""
        held = self._queues[request["QueueUrl"]].messages.values()
        hidden = sum(each.visible_at > self._scheduler.now for each in held)
        counts = {
            "ApproximateNumberOfMessages": str(len(held) - hidden),
            "ApproximateNumberOfMessagesNotVisible": str(hidden),
            "ApproximateNumberOfMessagesDelayed": "0",
        }
        return {"Attributes": counts}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Give out ten messages at most, in order, none of a group of which some are given out."""
        url = request["QueueUrl"]
        seconds = request.get("VisibilityTimeout", _VISIBILITY[url])
        found = self.give_out(url, seconds)
        return {"Messages": [_received(each) for each in found]} if found else {}

    def give_out(self, url: str, seconds: float = _VISIBILITY[PROFILES_URL]) -> list[Stored]:
        """Return the messages of one receive."""
        queue, now = self._queues[url], self._scheduler.now
        hidden = [each.group for each in queue.messages.values() if each.visible_at > now]
        if len(hidden) >= self.most_in_flight:
            return []
        locked = set(hidden)
        free = [each for each in queue.messages.values() if each.group not in locked]
        found: list[Stored] = []
        for each in free[:_BATCH]:
            if each.receives >= _MAX_RECEIVES and url == PROFILES_URL:
                del queue.messages[each.id]
                self._keep(self._queues[DEAD_LETTERS_URL], each)
                continue
            each.visible_at = now + seconds
            each.receives += 1
            queue.given_out.pop(each.receipt, None)
            each.receipt = f"receipt-{next(self._numbers)}"
            queue.given_out[each.receipt] = each
            found.append(each)
        return found

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        """Hide messages for another time; those that are visible again already stay so."""
        for entry in request["Entries"]:
            message = self._given_out(request["QueueUrl"], entry["ReceiptHandle"])
            if message:
                message.visible_at = self._scheduler.now + entry["VisibilityTimeout"]
        return {}

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete messages that are given out."""
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in request["Entries"]:
            message = self._given_out(request["QueueUrl"], entry["ReceiptHandle"])
            if message:
                queue = self._queues[request["QueueUrl"]]
                del queue.messages[message.id], queue.given_out[message.receipt]
            answer["Successful" if message else "Failed"].append({"Id": entry["Id"]})
        return answer

    def _given_out(self, url: str, receipt: str) -> Stored | None:
        message = self._queues[url].given_out.get(receipt)
        return message if message and message.visible_at > self._scheduler.now else None

    def messages(self, url: str) -> Sequence[Stored]:
        """Return what a queue holds, given out or not."""
        return list(self._queues[url].messages.values())

    def next_visible(self, url: str) -> float:
        """Return when something may be to be had next."""
        now = self._scheduler.now
        times = [each.visible_at for each in self._queues[url].messages.values()]
        return min((each for each in times if each > now), default=float("inf"))


def record_of(message: Stored) -> dict[str, Any]:
    """Return a message as Lambda gives it to a function."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": _system(message),
        "eventSourceARN": ARN,
        "messageAttributes": {
            name: {"stringValue": text, "dataType": "String"}
            for name, text in message.attributes.items()
        },
    }


def _received(message: Stored) -> dict[str, Any]:
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "Attributes": _system(message),
        "MessageAttributes": {
            name: {"StringValue": text, "DataType": "String"}
            for name, text in message.attributes.items()
        },
    }


def _system(message: Stored) -> dict[str, str]:
    return {
        "SentTimestamp": str(int(message.sent_at * 1000)),
        "ApproximateReceiveCount": str(message.receives),
        "SequenceNumber": f"{message.sequence:020}",
        "MessageGroupId": message.group,
    }
