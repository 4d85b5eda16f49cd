"""What travels on the profile queues and the dead-letter queue, and how it gets there."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attendee_sync.attendee import Version
from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import lanes
from attendee_sync.outcome import Fault, Reason

MAX_PROFILE_BYTES = 1_000_000  # leaves room for a message's attributes
_TOO_LARGE = Fault(Reason.TOO_LARGE, f"larger than {MAX_PROFILE_BYTES} bytes")
_NO_SEQUENCE = "0"
_SEQUENCE_DIGITS = 40  # of 128 bits; with leading zeros texts compare as numbers do
# What SQS does not take: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_REFUSED_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def push_attributes(
    destination: str, request_id: str, trace_parent: str, sender: str
) -> dict[str, str]:
    """Return what all messages of one push carry; `accepted_at` is in epoch milliseconds."""
    return {
        "destination": destination,
        "request_id": request_id,
        "trace_parent": trace_parent,
        "sender": sender,
        "accepted_at": str(int(time.time() * 1000)),
    }


def escape_for_sqs(text: str) -> str:
    """Return the text with the characters that SQS refuses written as JSON escapes.

    Inside a JSON string that changes nothing, and nowhere else can JSON contain them.
    """
    return _REFUSED_CHARACTERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def size_fault(text: str) -> Fault | None:
    """Return why a profile's text can't be queued, or None."""
    is_large = len(text.encode()) > MAX_PROFILE_BYTES
    return _TOO_LARGE if is_large else None


@dataclass(frozen=True)
class QueuedProfile:
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
    lane: str = lanes.SHARED  # on whose queue it is now
    sender: str = ""  # whose token the push showed; empty if the stack's own

    @property
    def age(self) -> float:
        """Seconds since the profile was accepted."""
        return time.time() - self.version.accepted_at / 1000

    @property
    def waited(self) -> float:
        """Seconds since it was put on its queue, which a redrive does anew."""
        return time.time() - self.queued_at / 1000


def from_record(record: Mapping[str, Any]) -> QueuedProfile:
    """Read one record of an SQS event.

    Event format: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    system = record["attributes"]
    ours = {name: each.get("stringValue", "") for name, each in record["messageAttributes"].items()}
    lane = lanes.lane_of(record["eventSourceARN"])
    here = {"sequence": system["SequenceNumber"], "lane": lane}
    return QueuedProfile(
        message_id=record["messageId"],
        receipt=record["receiptHandle"],
        group=system["MessageGroupId"],
        body=record["body"],
        destination=ours.get("destination", ""),
        request_id=ours.get("request_id", ""),
        index=ours.get("index", ""),
        trace_parent=ours.get("trace_parent", ""),
        version=version_of(ours if "sequence" in ours else ours | here, system["SentTimestamp"]),
        attempt=int(system["ApproximateReceiveCount"]),
        queued_at=int(system["SentTimestamp"]),
        lane=lane,
        sender=ours.get("sender", ""),
    )


def requeue_message(message: QueuedProfile, group: str, deduplication_id: str) -> Message:
    """Return what puts a message on a profile queue once more; it keeps its version."""
    attributes = {
        "destination": message.destination,
        "request_id": message.request_id,
        "index": message.index,
        "trace_parent": message.trace_parent,
        "sender": message.sender,
        "accepted_at": str(message.version.accepted_at),
        "sequence": message.version.sequence or _NO_SEQUENCE,
        "lane": message.version.lane,
    }
    return Message(message.body, group, deduplication_id, attributes)


def version_of(known: Mapping[str, str], sent_at: str) -> Version:
    """Return the version that is known of a message, which was sent at that epoch millisecond.

    "0" is the sequence of what was never on a profile queue.
    """
    accepted_at, sequence = known.get("accepted_at", ""), known.get("sequence", "")
    return Version(
        int(accepted_at if accepted_at.isdecimal() else sent_at),
        sequence.zfill(_SEQUENCE_DIGITS) if sequence.strip(_NO_SEQUENCE) else "",
        known.get("lane", lanes.SHARED),
    )
