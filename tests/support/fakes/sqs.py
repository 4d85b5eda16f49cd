"""Amazon SQS."""

import hashlib
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.fakes.base import Fake, Request, denied, timed_out

PROFILES_URL = "https://sqs.example.com/profiles.fifo"
DEAD_LETTERS_URL = "https://sqs.example.com/dead-letter.fifo"


def queue_url(name: str) -> str:
    return f"https://sqs.example.com/{name}"


# What an SQS message may hold:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_MESSAGE_BYTES = 1_048_576
_MESSAGE_ATTRIBUTES = 10

_REFUSED_BY_SQS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DEDUPLICATION_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True)
class Sent:
    """A message on a queue."""

    body: str
    group: str
    deduplication_id: str
    attributes: dict[str, str]
    message_id: str = field(default="", compare=False)
    sequence: str = field(default="", compare=False)
    sent_at: int = field(default=0, compare=False)  # epoch milliseconds


class Sqs(Fake):
    """FIFO queues with deduplication by group, and refusals of single entries.

    Of a group at most ten messages are given out, and no more until these are deleted or visible.
    """

    service = "sqs"

    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[str, list[Sent]] = {PROFILES_URL: [], DEAD_LETTERS_URL: []}
        self.down: set[str] = set()  # queues that take nothing
        self.refuse: Callable[[Sent], bool] = lambda _: False
        self.lost_answers = 0  # that many calls are carried out and then time out
        self.on_send: Callable[[], object] = lambda: None
        self.hidden: dict[str, int] = {}
        self.empty_answers = 0  # so many times nothing is given out although there is something
        self.keep: Callable[[Sent], bool] = lambda _: False  # what can't be deleted
        self._given_out: dict[str, tuple[str, Sent]] = {}  # with the queue, by receipt
        self._receives: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._seen: set[tuple[str, str, str]] = set()

    @property
    def profiles(self) -> list[Sent]:
        return self.queues[PROFILES_URL]

    @property
    def dead_letters(self) -> list[Sent]:
        return self.queues[DEAD_LETTERS_URL]

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self._called("SendMessageBatch", request)
        self.on_send()
        url, entries = request["QueueUrl"], request["Entries"]
        if url not in self.queues:
            raise denied("AWS.SimpleQueueService.NonExistentQueue", "SendMessageBatch")
        if url in self.down:
            raise denied("ServiceUnavailable", "SendMessageBatch")
        _check_batch(entries)
        with self._lock:
            answer: dict[str, Any] = {"Successful": [], "Failed": []}
            for entry in entries:
                self._take(url, entry, answer)
            if self.lost_answers:
                self.lost_answers -= 1
                raise timed_out()
        return {name: each for name, each in answer.items() if each}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        self._called("ChangeMessageVisibilityBatch", request)
        assert 1 <= len(request["Entries"]) <= 10
        for entry in request["Entries"]:
            assert 0 <= entry["VisibilityTimeout"] <= 43_200
            self.hidden[entry["ReceiptHandle"]] = entry["VisibilityTimeout"]
            if not entry["VisibilityTimeout"]:
                self._given_out.pop(entry["ReceiptHandle"], None)
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}

    def get_queue_url(self, **request: Any) -> dict[str, Any]:
        self._called("GetQueueUrl", request)
        url = queue_url(request["QueueName"])
        if url not in self.queues:
            raise denied("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl")
        return {"QueueUrl": url}

    def list_queues(self, **request: Any) -> dict[str, Any]:
        self._called("ListQueues", request)
        found = [
            url for url in self.queues if url.startswith(queue_url(request["QueueNamePrefix"]))
        ]
        return {"QueueUrls": found} if found else {}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        self._called("GetQueueAttributes", request)
        if request["QueueUrl"] not in self.queues:
            raise denied("AWS.SimpleQueueService.NonExistentQueue", "GetQueueAttributes")
        hidden = len(self._of(request["QueueUrl"]))
        counts = {
            "ApproximateNumberOfMessages": len(self.queues[request["QueueUrl"]]) - hidden,
            "ApproximateNumberOfMessagesNotVisible": hidden,
            "ApproximateNumberOfMessagesDelayed": 0,
        }
        return {"Attributes": {name: str(counts[name]) for name in request["AttributeNames"]}}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self._called("ReceiveMessage", request)
        self._use(request["MaxNumberOfMessages"] <= 10, "SQS gives out at most ten")
        self._use(request["WaitTimeSeconds"] <= 20, "SQS waits for at most 20 s")
        if self.empty_answers:
            self.empty_answers -= 1
            return {}
        url = request["QueueUrl"]
        with self._lock:
            busy = {sent.group for sent in self._of(url)}
            some = [each for each in self.queues[url] if each.group not in busy]
            found = [self._give_out(url, each) for each in some[: request["MaxNumberOfMessages"]]]
        return {"Messages": found} if found else {}

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteMessageBatch", request)
        self._use(1 <= len(request["Entries"]) <= 10, "SQS deletes at most ten at once")
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in request["Entries"]:
            url, sent = self._given_out.get(entry["ReceiptHandle"], ("", None))
            if sent is None or self.keep(sent):
                failed = {"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}
                answer["Failed"].append(failed)
                continue
            del self._given_out[entry["ReceiptHandle"]]
            self.queues[url].remove(sent)
            answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def let_time_pass(self) -> None:
        """Let five minutes pass: what is given out is visible again, what was sent forgotten."""
        self._given_out.clear()
        self._seen.clear()

    def number_from(self, first: int) -> None:
        """Let what is sent from now on have sequences from there on, as another queue counts."""
        self._numbers = itertools.count(first)

    @property
    def given_out(self) -> list[Sent]:
        return [sent for _, sent in self._given_out.values()]

    def _of(self, url: str) -> list[Sent]:
        return [sent for queue, sent in self._given_out.values() if queue == url]

    def _give_out(self, url: str, sent: Sent) -> dict[str, Any]:
        receipt = f"receipt-{next(self._numbers)}"
        self._given_out[receipt] = (url, sent)
        self._receives[sent.message_id] += 1
        return {
            "MessageId": sent.message_id,
            "ReceiptHandle": receipt,
            "Body": sent.body,
            "MD5OfBody": hashlib.md5(sent.body.encode(), usedforsecurity=False).hexdigest(),
            "Attributes": {
                "SentTimestamp": str(sent.sent_at),
                "ApproximateReceiveCount": str(self._receives[sent.message_id]),
                "SequenceNumber": sent.sequence,
                "MessageGroupId": sent.group,
                "MessageDeduplicationId": sent.deduplication_id,
            },
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": text}
                for name, text in sent.attributes.items()
            },
        }

    def _take(self, url: str, entry: Request, answer: dict[str, Any]) -> None:
        attributes = {
            name: value["StringValue"] for name, value in entry["MessageAttributes"].items()
        }
        sent = Sent(
            entry["MessageBody"],
            entry["MessageGroupId"],
            entry["MessageDeduplicationId"],
            attributes,
        )
        fault = _fault(sent)
        if fault or self.refuse(sent):
            failed = {"Id": entry["Id"], "SenderFault": bool(fault), "Code": fault or "Internal"}
            answer["Failed"].append(failed)
            return
        identity = (url, sent.group, sent.deduplication_id)
        if identity not in self._seen:
            self._seen.add(identity)
            number = next(self._numbers)
            numbered = replace(
                sent,
                message_id=f"message-{number}",
                sequence=f"{number:020}",
                sent_at=int(time.time() * 1000),
            )
            self.queues[url].append(numbered)
        answer["Successful"].append({"Id": entry["Id"]})


def _check_batch(entries: Iterable[Request]) -> None:
    entries = list(entries)
    ids = [entry["Id"] for entry in entries]
    if not 1 <= len(entries) <= 10:
        raise denied("AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
    if len(set(ids)) < len(ids) or not all(map(_ID.fullmatch, ids)):
        raise denied("AWS.SimpleQueueService.InvalidBatchEntryId")
    if sum(_bytes(entry) for entry in entries) > _MESSAGE_BYTES:
        raise denied("AWS.SimpleQueueService.BatchRequestTooLong")


def _bytes(entry: Request) -> int:
    attributes = entry["MessageAttributes"].items()
    return len(entry["MessageBody"].encode()) + sum(
        len(f"{name}{value['DataType']}{value['StringValue']}".encode())
        for name, value in attributes
    )


def _fault(sent: Sent) -> str:
    texts = [sent.body, *sent.attributes.values()]
    if not all(texts) or any(map(_REFUSED_BY_SQS.search, texts)):
        return "InvalidMessageContents"
    if len(sent.attributes) > _MESSAGE_ATTRIBUTES:
        return "InvalidParameterValue"
    if not all(map(_DEDUPLICATION_ID.fullmatch, (sent.group, sent.deduplication_id))):
        return "InvalidParameterValue"
    return ""
