"""What a dead letter keeps of its message, and what is read of one that says little."""

import json
import re
from typing import Any

import pytest

from attendee_sync.attendee import Version
from attendee_sync.aws.fifo_queue import Message
from attendee_sync.messaging import dead_letters
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync.messaging.messages import QueuedProfile

QUEUED = Message("{}", "person", "message-id", {"lane": "summit", "sender": "cdp"})


def found(message: Message) -> dict[str, Any]:
    """Return a dead letter as ReceiveMessage does."""
    return {
        "MessageId": "id-of-the-letter",
        "ReceiptHandle": "receipt",
        "Body": message.body,
        "Attributes": {"MessageGroupId": message.group, "SentTimestamp": "1790000005000"},
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": text}
            for name, text in message.attributes.items()
        },
    }


def test_a_letter_keeps_by_what_rainfocus_refused_it_its_lane_and_its_sender() -> None:
    sent = dead_letters.refused_by(QUEUED, "432380eaf3b4")
    letter = dead_letters.from_sqs(found(dead_letters.dead_letter_of(sent, {})))
    assert letter.mapping_version == "432380eaf3b4"
    assert (letter.message.version.lane, letter.message.sender) == ("summit", "cdp")
    assert (letter.message.body, letter.message.group) == ("{}", "person")


def test_a_letter_that_rainfocus_never_refused_has_no_mapping_to_name() -> None:
    kept = dead_letters.dead_letter_of(QUEUED, {})
    assert "mapping_version" not in json.loads(kept.attributes["origin"])
    assert dead_letters.from_sqs(found(kept)).mapping_version == ""


@pytest.mark.usefixtures("wall")
def test_a_letter_tells_when_it_failed_and_not_when_it_was_put_there() -> None:
    kept = dead_letters.dead_letter_of(QUEUED, {})
    assert kept.attributes["time"] == "2027-01-15T08:00:00.000+00:00"
    assert dead_letters.from_sqs(found(kept)).failed_at == "2027-01-15T08:00:00.000+00:00"


@pytest.mark.usefixtures("wall")
def test_a_message_that_carries_nothing_becomes_a_letter_with_empty_texts() -> None:
    kept = dict(dead_letters.dead_letter_of(Message("{}", "person", "id", {}), {}).attributes)
    names = ("trace_id", "request_id", "index", "accepted_at", "sequence")
    assert json.loads(kept.pop("origin")) == dict.fromkeys(names, "")
    assert kept == {"destination": "", "attempts": "0", "time": "2027-01-15T08:00:00.000+00:00"}


@pytest.mark.parametrize("given", [{}, {"note": {"DataType": "Binary", "BinaryValue": b"\x00"}}])
def test_a_letter_of_which_nothing_is_known_is_one_that_sqs_gave_up(given: dict[str, Any]) -> None:
    bare = found(Message("{}", "person", "id", {}))
    if given:
        bare["MessageAttributes"] = given
    else:
        del bare["MessageAttributes"]
    letter = dead_letters.from_sqs(bare)
    began = letter.message.trace_parent
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", began)
    assert letter == DeadLetter(
        QueuedProfile(
            message_id="id-of-the-letter",
            receipt="receipt",
            group="person",
            body="{}",
            destination="",
            request_id="",
            index="",
            trace_parent=began,
            version=Version(1_790_000_005_000),
            attempt=0,
            queued_at=1_790_000_005_000,
        ),
        outcome="",
        reason="given_up",
        detail=dead_letters.GIVEN_UP,
        status="",
        code="",
        answer="",
        failed_at="2026-09-21T14:13:25.000+00:00",
        mapping_version="",
    )


def test_a_text_that_is_no_text_counts_as_an_empty_one() -> None:
    bare = found(Message("{}", "person", "id", {}))
    bare["MessageAttributes"] = {"destination": {"DataType": "Binary", "BinaryValue": b"\x00"}}
    assert dead_letters.from_sqs(bare).message.destination == ""


def test_a_reason_without_words_has_none() -> None:
    letter = dead_letters.from_sqs(
        found(dead_letters.dead_letter_of(QUEUED, {"reason": "refused"}))
    )
    assert (letter.reason, letter.detail) == ("refused", "")
