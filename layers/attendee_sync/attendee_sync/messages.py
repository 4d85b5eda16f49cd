"""What travels on the profile queue and the dead-letter queue, and how it gets there."""

import functools
import itertools
import json
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import aws, observability
from attendee_sync.attendee import Version
from attendee_sync.aws import Deadline

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_ENTRIES_PER_CALL = 10
_BYTES_PER_CALL = 1_048_576
MAX_PROFILE_BYTES = 1_000_000  # leaves room for a message's attributes

_ATTEMPTS = 3
_THREADS = 10
# Attribute values and group ids are short; this is what one entry may add to its body, in bytes.
_ATTRIBUTE_BYTES = 4_096
_MAX_ATTRIBUTE_LENGTH = 500
# What a dead letter keeps in one attribute of its message's own.
_ORIGIN = ("request_id", "index", "accepted_at", "sequence")
_REFUSED_BY = "mapping_version"  # there, too, if RainFocus refused the profile
GIVEN_UP = "received too often, and given up by SQS: see the function's log"
_NO_SEQUENCE = "0"
_SEQUENCE_DIGITS = 40  # of 128 bits; with leading zeros texts compare as numbers do
# What SQS does not take: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_REFUSED_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


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


class Queue:
    """One FIFO queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[Message], deadline: Deadline = aws.NO_DEADLINE) -> None:
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
            return dict.fromkeys(messages, aws.cause(error))
        return {int(each["Id"]): each["Code"] for each in answer.get("Failed", [])}


def envelope(destination: str, request_id: str, trace_parent: str) -> dict[str, str]:
    """Return what all messages of one push carry; `accepted_at` is in epoch milliseconds."""
    return {
        "destination": destination,
        "request_id": request_id,
        "trace_parent": trace_parent,
        "accepted_at": str(int(time.time() * 1000)),
    }


def legal(text: str) -> str:
    """Return the text with the characters that SQS refuses written as JSON escapes.

    Inside a JSON string that changes nothing, and nowhere else can JSON contain them.
    """
    return _REFUSED_CHARACTERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def fault(text: str) -> str:
    """Return why a profile's text can't be queued, or nothing."""
    is_large = len(text.encode()) > MAX_PROFILE_BYTES
    return f"larger than {MAX_PROFILE_BYTES} bytes" if is_large else ""


def _again(messages: Mapping[int, Message], failed: Collection[int]) -> dict[int, Message]:
    """Return the failed messages, each with the later ones of its group.

    Those that were taken are sent once more under a new deduplication id: otherwise an older
    state of the person would come after a newer one.
    """
    again: dict[int, Message] = {}
    late: set[str] = set()
    for n, message in messages.items():
        if n in failed:
            late.add(message.group)
            again[n] = message
        elif message.group in late:
            again[n] = replace(message, deduplication_id=f"{message.deduplication_id}-again")
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


@dataclass(frozen=True)
class Received:
    """A message as delivery gets it."""

    message_id: str
    receipt: str
    group: str
    body: str
    destination: str
    request_id: str
    index: str
    trace_parent: str
    version: Version
    attempt: int  # 1 is the first
    queued_at: int  # epoch milliseconds

    @property
    def age(self) -> float:
        """Seconds since the profile was accepted."""
        return time.time() - self.version.accepted_at / 1000

    @property
    def waited(self) -> float:
        """Seconds since it was put on its queue, which a redrive does anew."""
        return time.time() - self.queued_at / 1000


def received(record: Mapping[str, Any]) -> Received:
    """Read one record of an SQS event.

    Event format: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    system = record["attributes"]
    ours = {name: each.get("stringValue", "") for name, each in record["messageAttributes"].items()}
    sequence = ours.get("sequence") or system["SequenceNumber"]
    return Received(
        message_id=record["messageId"],
        receipt=record["receiptHandle"],
        group=system["MessageGroupId"],
        body=record["body"],
        destination=ours.get("destination", ""),
        request_id=ours.get("request_id", ""),
        index=ours.get("index", ""),
        trace_parent=ours.get("trace_parent", ""),
        version=_version(ours.get("accepted_at", ""), system["SentTimestamp"], sequence),
        attempt=int(system["ApproximateReceiveCount"]),
        queued_at=int(system["SentTimestamp"]),
    )


def queued_again(message: Received, group: str, deduplication_id: str) -> Message:
    """Return what puts a message on the profile queue once more; it keeps its version."""
    attributes = {
        "destination": message.destination,
        "request_id": message.request_id,
        "index": message.index,
        "trace_parent": message.trace_parent,
        "accepted_at": str(message.version.accepted_at),
        "sequence": message.version.sequence or _NO_SEQUENCE,
    }
    return Message(message.body, group, deduplication_id, attributes)


def refused_by(message: Message, mapping_version: str) -> Message:
    """Return a message whose dead letter keeps by which mapping RainFocus was sent it."""
    return replace(message, attributes={**message.attributes, _REFUSED_BY: mapping_version})


def dead_letter(message: Message, why: Mapping[str, str], attempts: int = 0) -> Message:
    """Return the dead letter of a message: its body as it is, and why it can't be delivered.

    SQS takes ten attributes a message: at most five say why, four whose it is, how often it was
    tried and when that ended, and one holds as JSON what a redrive needs.
    """
    given = message.attributes
    attributes = {
        "destination": given.get("destination", ""),
        "attempts": str(attempts),
        "trace_id": observability.trace_id(given.get("trace_parent", "")),
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "origin": json.dumps(
            {name: given.get(name, "") for name in _ORIGIN}
            | {name: given[name] for name in (_REFUSED_BY,) if name in given}
        ),
    }
    attributes |= {name: legal(text)[:_MAX_ATTRIBUTE_LENGTH] for name, text in why.items()}
    return replace(message, attributes=attributes)


@dataclass(frozen=True)
class Letter:
    """A dead letter, and the message that it was."""

    message: Received  # its receipt is the letter's
    outcome: str  # rejected or expired; empty if SQS itself gave the message up
    reason: str
    status: str
    code: str
    answer: str  # RainFocus's own words
    died_at: str  # ISO 8601, UTC
    # planning.mapping_version by which RainFocus was sent what it refused; empty if none is known.
    mapping_version: str = ""

    @property
    def id(self) -> str:
        """The request id and the index, as the push was answered and as logs have it."""
        parts = (self.message.request_id, self.message.index)
        return "-".join(parts) if all(parts) else self.message.message_id


def letter(found: Mapping[str, Any]) -> Letter:
    """Read a message of the dead-letter queue, as ReceiveMessage returns it.

    It must have been asked for with all its attributes.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """
    system = found["Attributes"]
    ours = {
        name: str(each.get("StringValue", ""))
        for name, each in found.get("MessageAttributes", {}).items()
    }
    origin = {**ours, **_origin(ours.get("origin", ""))}
    queued_at = int(system["SentTimestamp"])
    died = datetime.fromtimestamp(queued_at / 1000, UTC)
    message = Received(
        message_id=found["MessageId"],
        receipt=found["ReceiptHandle"],
        group=system["MessageGroupId"],
        body=found["Body"],
        destination=ours.get("destination", ""),
        request_id=origin.get("request_id", ""),
        index=origin.get("index", ""),
        trace_parent=ours.get("trace_parent") or observability.child_of(ours.get("trace_id", "")),
        version=_version(
            origin.get("accepted_at", ""), system["SentTimestamp"], origin.get("sequence", "")
        ),
        attempt=int(ours["attempts"]) if ours.get("attempts", "").isdecimal() else 0,
        queued_at=queued_at,
    )
    return Letter(
        message,
        outcome=ours.get("outcome", ""),
        reason=ours.get("reason") or GIVEN_UP,
        status=ours.get("status", ""),
        code=ours.get("code", ""),
        answer=ours.get("message", ""),
        died_at=ours.get("time") or died.isoformat(timespec="milliseconds"),
        mapping_version=origin.get(_REFUSED_BY, ""),
    )


def _origin(text: str) -> dict[str, str]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return {name: str(each) for name, each in value.items()} if isinstance(value, dict) else {}


def _version(accepted_at: str, sent_at: str, sequence: str) -> Version:
    """Return a version; "0" is the sequence of what was never on the profile queue."""
    return Version(
        int(accepted_at if accepted_at.isdecimal() else sent_at),
        sequence.zfill(_SEQUENCE_DIGITS) if sequence.strip(_NO_SEQUENCE) else "",
    )
