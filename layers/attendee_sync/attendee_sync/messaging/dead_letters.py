"""Dead letters: profiles that ended badly, whole, each with its reason."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from attendee_sync import observability
from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging.messages import QueuedProfile, escape_for_sqs, version_of
from attendee_sync.outcome import Reason

_MAX_ATTRIBUTE_LENGTH = 500
# What a dead letter keeps in one attribute of its message's own.
_ORIGIN = ("request_id", "index", "accepted_at", "sequence")
# There, too, if there is one: the lane that gave the sequence if it is not shared, the sender with
# a token of its own, and what RainFocus refused by.
_LANE, _SENDER, _REFUSED_BY = "lane", "sender", "mapping_version"
GIVEN_UP = "received too often, and given up by SQS: see the function's log"


def refused_by(message: Message, mapping_version: str) -> Message:
    """Return a message whose dead letter keeps by which mapping RainFocus was sent it."""
    return replace(message, attributes={**message.attributes, _REFUSED_BY: mapping_version})


def dead_letter_of(message: Message, why: Mapping[str, str], attempts: int = 0) -> Message:
    """Return the dead letter of a message: its body as it is, and why it can't be delivered.

    SQS takes ten attributes a message: at most six say why, three whose it is, how often it was
    tried and when that ended, and one holds as JSON what a redrive needs.
    """
    given = message.attributes
    attributes = {
        "destination": given.get("destination", ""),
        "attempts": str(attempts),
        "time": _time(time.time()),
        "origin": json.dumps(
            {"trace_id": observability.trace_id(given.get("trace_parent", ""))}
            | {name: given.get(name, "") for name in _ORIGIN}
            | {name: given[name] for name in (_LANE, _SENDER, _REFUSED_BY) if given.get(name)}
        ),
    }
    attributes |= {name: escape_for_sqs(text)[:_MAX_ATTRIBUTE_LENGTH] for name, text in why.items()}
    return replace(message, attributes=attributes)


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter, and the message that it was."""

    message: QueuedProfile  # its receipt is the dead letter's
    outcome: str  # rejected or expired; empty if SQS itself gave the message up
    reason: str  # an outcome.Reason; empty if an earlier version buried it, in words alone
    detail: str  # the reason in words
    status: str
    code: str
    answer: str  # RainFocus's own words
    failed_at: str  # ISO 8601, UTC
    # planning.mapping_version by which RainFocus was sent what it refused; empty if none is known.
    mapping_version: str = ""

    @property
    def id(self) -> str:
        """The request id and the index, as the push was answered and as logs have it."""
        parts = (self.message.request_id, self.message.index)
        return "-".join(parts) if all(parts) else self.message.message_id


def from_sqs(found: Mapping[str, Any]) -> DeadLetter:
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
    message = QueuedProfile(
        message_id=found["MessageId"],
        receipt=found["ReceiptHandle"],
        group=system["MessageGroupId"],
        body=found["Body"],
        destination=ours.get("destination", ""),
        request_id=origin.get("request_id", ""),
        index=origin.get("index", ""),
        trace_parent=ours.get("trace_parent") or observability.child_of(origin.get("trace_id", "")),
        version=version_of(origin, system["SentTimestamp"]),
        attempt=int(ours["attempts"]) if ours.get("attempts", "").isdecimal() else 0,
        queued_at=queued_at,
        sender=origin.get(_SENDER, ""),
    )
    reason, detail = _why(ours)
    return DeadLetter(
        message,
        outcome=ours.get("outcome", ""),
        reason=reason,
        detail=detail,
        status=ours.get("status", ""),
        code=ours.get("code", ""),
        answer=ours.get("message", ""),
        failed_at=ours.get("time") or _time(queued_at / 1000),
        mapping_version=origin.get(_REFUSED_BY, ""),
    )


def _why(ours: Mapping[str, str]) -> tuple[str, str]:
    """Return a reason and its words. Until version 0.1 the words alone stood in its place."""
    reason, detail = ours.get("reason", ""), ours.get("detail", "")
    if not reason:
        return Reason.GIVEN_UP, GIVEN_UP
    return (reason, detail) if reason in Reason else ("", reason)


def _time(seconds: float) -> str:
    """Return a time in epoch seconds as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _origin(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return {name: str(each) for name, each in value.items()} if isinstance(value, dict) else {}
