"""Amazon SQS: FIFO queues, as its developer guide describes them.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.scheduler import Scheduler

PROFILES_URL = "https://sqs.example.com/123456789012/profiles.fifo"
DEAD_LETTERS_URL = "https://sqs.example.com/123456789012/dead-letter.fifo"
_VISIBILITY = 360.0  # seconds, of a lane; the template's
_OF_DEAD_LETTERS = 30.0
_DEDUPLICATION_SECONDS = 300.0
_MAX_RECEIVES = 1_000  # the template's
MOST_IN_FLIGHT = 120_000
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


class _Queue:
    """A queue, with what is to be had from it at hand: it may hold a hundred thousand messages."""

    def __init__(self) -> None:
        self.messages: dict[str, Stored] = {}  # in order
        self.given_out: dict[str, Stored] = {}  # by receipt
        # When a deduplication id of a group was taken.
        self.taken: dict[tuple[str, str], float] = {}
        self.hidden: set[str] = set()  # as of the last look
        self._places: dict[str, int] = {}
        self._numbers = itertools.count()
        self._groups: dict[str, dict[str, Stored]] = {}
        self._locked: Counter[str] = Counter()  # hidden messages by group
        # What may be to be had, by place, and what comes back when; what is so no more is passed.
        self._free: list[tuple[int, str]] = []
        self._in_free: set[str] = set()
        self._returns: list[tuple[float, int, str]] = []
        self._last_looked_at: float | None = None

    def add(self, message: Stored) -> None:
        """Put a message at the end."""
        self.messages[message.id] = message
        self._places[message.id] = next(self._numbers)
        self._groups.setdefault(message.group, {})[message.id] = message
        self._last_looked_at = None
        if message.group not in self._locked:
            self._offer(message)

    def remove(self, message: Stored) -> None:
        """Take a message off."""
        del self.messages[message.id], self._groups[message.group][message.id]
        del self._places[message.id]
        self._last_looked_at = None
        self._show(message)
        if not self._groups[message.group]:
            del self._groups[message.group]

    def hide(self, message: Stored, now: float, seconds: float) -> None:
        """Have a message come back in so many seconds."""
        message.visible_at = now + seconds
        if seconds <= 0:
            self._show(message)
            return
        if message.id not in self.hidden:
            self.hidden.add(message.id)
            self._locked[message.group] += 1
        entry = (message.visible_at, self._places[message.id], message.id)
        heapq.heappush(self._returns, entry)

    def look(self, now: float) -> None:
        """See what has come back."""
        while self._returns and (self._returns[0][0] <= now or not self._is_hidden_so()):
            was_hidden = self._is_hidden_so()
            _, _, name = heapq.heappop(self._returns)
            if was_hidden:
                self._show(self.messages[name])

    def first(self, most: int, looked_at: int) -> list[Stored]:
        """Return the first messages of groups of which none is hidden, of those looked at."""
        last, found = self._last_place(looked_at), list[Stored]()
        while self._free and len(found) < most and self._free[0][0] <= last:
            _, name = heapq.heappop(self._free)
            self._in_free.remove(name)
            message = self.messages.get(name)
            if message and message.group not in self._locked:
                found.append(message)
        return found

    def next_return(self, now: float) -> float:
        """Return when something comes back next."""
        self.look(now)
        return self._returns[0][0] if self._returns else float("inf")

    def _is_hidden_so(self) -> bool:
        """Tell whether the return that is due first is still the one of its message."""
        at, _, name = self._returns[0]
        return name in self.hidden and self.messages[name].visible_at == at

    def _show(self, message: Stored) -> None:
        if message.id not in self.hidden:
            return
        self.hidden.remove(message.id)
        self._locked[message.group] -= 1
        if not self._locked[message.group]:
            del self._locked[message.group]
            for each in self._groups[message.group].values():
                self._offer(each)

    def _offer(self, message: Stored) -> None:
        if message.id not in self._in_free:
            self._in_free.add(message.id)
            heapq.heappush(self._free, (self._places[message.id], message.id))

    def _last_place(self, looked_at: int) -> float:
        """Return the place of the last message that is looked at."""
        if len(self.messages) <= looked_at:
            return float("inf")
        if self._last_looked_at is None:
            name = next(itertools.islice(self.messages, looked_at - 1, None))
            self._last_looked_at = self._places[name]
        return self._last_looked_at


class Queues:
    """The profile queue and the dead-letter queue."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self._scheduler = scheduler
        self._faults = faults
        self._queues = {url: _Queue() for url in (PROFILES_URL, DEAD_LETTERS_URL)}
        self._numbers = itertools.count(1)
        self.most_in_flight = MOST_IN_FLIGHT
        self.on_sent: Callable[[str, Stored], object] = lambda _url, _message: None

    def create(self, url: str) -> None:
        """Have another lane's queue."""
        self._queues[url] = _Queue()

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
            self._take(request["QueueUrl"], entry)
            answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def _take(self, url: str, entry: Mapping[str, Any]) -> None:
        queue, now = self._queues[url], self._scheduler.now
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
        self._keep(url, message)

    def _keep(self, url: str, message: Stored) -> None:
        self._queues[url].add(message)
        self.on_sent(url, message)

    def get_queue_url(self, **request: Any) -> dict[str, Any]:
        """Return the URL of a queue by its name."""
        return {"QueueUrl": f"{PROFILES_URL.rpartition('/')[0]}/{request['QueueName']}"}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        """Count messages; here the counts are exact."""
        queue = self._queues[request["QueueUrl"]]
        queue.look(self._scheduler.now)
        hidden = len(queue.hidden)
        counts = {
            "ApproximateNumberOfMessages": str(len(queue.messages) - hidden),
            "ApproximateNumberOfMessagesNotVisible": str(hidden),
            "ApproximateNumberOfMessagesDelayed": "0",
        }
        return {"Attributes": counts}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Give out ten messages at most, in order, none of a group of which some are given out."""
        url = request["QueueUrl"]
        usual = _OF_DEAD_LETTERS if url == DEAD_LETTERS_URL else _VISIBILITY
        seconds = request.get("VisibilityTimeout", usual)
        found = self.give_out(url, seconds)
        return {"Messages": [_received(each) for each in found]} if found else {}

    def give_out(self, url: str, seconds: float = _VISIBILITY) -> list[Stored]:
        """Return the messages of one receive.

        As many messages as may be in flight are looked at:
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html
        """
        queue, now = self._queues[url], self._scheduler.now
        queue.look(now)
        if len(queue.hidden) >= self.most_in_flight:
            return []
        found: list[Stored] = []
        for each in queue.first(_BATCH, self.most_in_flight):
            if each.receives >= _MAX_RECEIVES and url != DEAD_LETTERS_URL:
                queue.remove(each)
                self._keep(DEAD_LETTERS_URL, each)
                continue
            queue.hide(each, now, seconds)
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
                queue = self._queues[request["QueueUrl"]]
                queue.hide(message, self._scheduler.now, entry["VisibilityTimeout"])
        return {}

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete messages that are given out."""
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in request["Entries"]:
            message = self._given_out(request["QueueUrl"], entry["ReceiptHandle"])
            if message:
                queue = self._queues[request["QueueUrl"]]
                queue.remove(message)
                del queue.given_out[message.receipt]
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
        return self._queues[url].next_return(self._scheduler.now)


def arn_of(url: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}"


def record_of(message: Stored, url: str) -> dict[str, Any]:
    """Return a message of a queue as Lambda gives it to a function."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": _system(message),
        "eventSourceARN": arn_of(url),
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
