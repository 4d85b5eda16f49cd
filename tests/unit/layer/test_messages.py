import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from attendee_sync.attendee import Version
from attendee_sync.aws.fifo_queue import Message, QueueUnavailableError
from attendee_sync.messaging import dead_letters, lanes, messages
from attendee_sync.observability import trace_id
from attendee_sync.outcome import Reason
from tests.support import fakes
from tests.support.stack import Aws, Clock


def message(n: int, person: str | None = None, body: str = "{}") -> Message:
    return Message(body, person or f"person-{n}", f"push-{n}", {"index": str(n)})


def record(**changes: Any) -> dict[str, Any]:
    """Return a record as Lambda gets it from a FIFO queue."""
    texts = {
        "destination": "default",
        "request_id": "push",
        "index": "3",
        "trace_parent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "accepted_at": "1790000000000",
    } | changes.pop("attributes", {})
    return {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "receipt",
        "body": '{"email": "ada@example.com"}',
        "attributes": {
            "ApproximateReceiveCount": "2",
            "SentTimestamp": "1790000000001",
            "SequenceNumber": "18849496460467696128",
            "MessageGroupId": "person",
            "MessageDeduplicationId": "push-3",
        },
        "messageAttributes": {
            name: {"stringValue": text, "dataType": "String"} for name, text in texts.items()
        },
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:attendee-sync-ProfileQueue-1.fifo",
    } | changes


@pytest.mark.parametrize(
    ("people", "calls"), [(1, 1), (9, 1), (10, 1), (11, 2), (100, 10), (101, 11), (1_000, 100)]
)
def test_ten_people_go_in_one_call(aws: Aws, people: int, calls: int) -> None:
    aws.profile_queue().send([message(n) for n in range(people)])
    assert aws.sqs.count("SendMessageBatch") == calls
    assert {sent.deduplication_id for sent in aws.sqs.profiles} == {
        f"push-{n}" for n in range(people)
    }


def test_calls_run_side_by_side(aws: Aws) -> None:
    aws.sqs.on_send = threading.Barrier(10, timeout=30).wait
    aws.profile_queue().send([message(n) for n in range(100)])
    assert len(aws.sqs.profiles) == 100


def test_a_call_holds_no_more_bytes_than_sqs_takes(aws: Aws) -> None:
    body = json.dumps({"note": "é" * 250_000}, ensure_ascii=False)
    aws.profile_queue().send([message(n, body=body) for n in range(5)])
    assert aws.sqs.count("SendMessageBatch") == 3
    assert [sent.body for sent in aws.sqs.profiles] == [body] * 5


@pytest.mark.parametrize("people", [1, 3, 7, 25])
def test_each_persons_messages_keep_their_order(aws: Aws, people: int) -> None:
    aws.profile_queue().send([message(n, f"person-{n % people}") for n in range(75)])
    assert aws.sqs.count("SendMessageBatch") == 8
    assert len(aws.sqs.profiles) == 75
    for person in range(people):
        assert sent_of(aws, f"person-{person}") == list(range(person, 75, people))


@pytest.mark.parametrize("refused", [{0}, {2}, {0, 3}, {1, 2, 5}, set(range(10))])
def test_refused_entries_are_sent_again_in_order(aws: Aws, refused: set[int]) -> None:
    once = {str(n) for n in refused}

    def refuse(sent: fakes.Sent) -> bool:
        if sent.attributes["index"] not in once:
            return False
        once.remove(sent.attributes["index"])
        return True

    aws.sqs.refuse = refuse
    aws.profile_queue().send([message(n, f"person-{n % 2}") for n in range(10)])
    for person in (0, 1):
        last_time = {n: at for at, n in enumerate(sent_of(aws, f"person-{person}"))}
        assert sorted(last_time, key=last_time.__getitem__) == list(range(person, 10, 2))


def test_other_people_are_not_sent_again(aws: Aws) -> None:
    aws.sqs.refuse = lambda sent: sent.group == "person-1" and aws.sqs.count("SendMessageBatch") < 2
    aws.profile_queue().send([message(n) for n in range(3)])
    entries = [len(request["Entries"]) for _, request in aws.sqs.calls]
    assert entries == [3, 1]
    assert sorted(sent.group for sent in aws.sqs.profiles) == ["person-0", "person-1", "person-2"]


@pytest.mark.parametrize("failure", [fakes.timed_out(), fakes.denied("ServiceUnavailable")])
def test_a_call_that_fails_is_made_again(aws: Aws, failure: Exception) -> None:
    aws.sqs.failures = [failure, failure]
    aws.profile_queue().send([message(n) for n in range(3)])
    assert aws.sqs.count("SendMessageBatch") == 3
    assert len(aws.sqs.profiles) == 3


def test_a_lost_answer_queues_nobody_twice(aws: Aws) -> None:
    aws.sqs.lost_answers = 1
    aws.profile_queue().send([message(n) for n in range(3)])
    assert [sent.deduplication_id for sent in aws.sqs.profiles] == ["push-0", "push-1", "push-2"]


@pytest.mark.parametrize("refused", [set(), {"0"}, {"1"}, {"0", "1"}])
def test_a_persons_last_state_is_last_even_if_it_is_not_known_what_was_taken(
    aws: Aws, refused: set[str]
) -> None:
    """SQS takes a part of a call, and the answer that says which part is lost."""
    aws.sqs.lost_answers = 1
    aws.sqs.refuse = lambda sent: (
        aws.sqs.count("SendMessageBatch") == 1 and sent.attributes["index"] in refused
    )
    aws.profile_queue().send([message(n, "person") for n in range(3)])
    last_time = {n: at for at, n in enumerate(sent_of(aws, "person"))}
    assert sorted(last_time, key=last_time.__getitem__) == [0, 1, 2]


def test_what_the_queue_never_takes_is_an_error(aws: Aws) -> None:
    aws.sqs.refuse = lambda sent: sent.group == "person-4"
    with pytest.raises(QueueUnavailableError, match="1 messages could not be queued"):
        aws.profile_queue().send([message(n) for n in range(30)])
    assert aws.sqs.count("SendMessageBatch") == 5
    assert len(aws.sqs.profiles) == 29


def test_a_queue_that_is_down_is_an_error(aws: Aws) -> None:
    aws.sqs.down = {fakes.PROFILES_URL}
    with pytest.raises(QueueUnavailableError, match="ServiceUnavailable"):
        aws.profile_queue().send([message(1)])
    assert aws.sqs.count("SendMessageBatch") == 3


def test_attributes_without_a_value_are_left_out(aws: Aws) -> None:
    aws.profile_queue().send([Message("{}", "person", "push-1", {"index": "1", "note": ""})])
    assert aws.sqs.profiles[0].attributes == {"index": "1"}


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        ('{"a": "é 😀 \\u0000 \t"}', '{"a": "é 😀 \\u0000 \t"}'),
        ('{"a": "\uffff"}', '{"a": "\\uffff"}'),
        ('{"a": "x\ufffey"}', '{"a": "x\\ufffey"}'),
        ("\x00\x1f", "\\u0000\\u001f"),
    ],
)
def test_what_sqs_refuses_is_escaped_and_nothing_else(text: str, legal: str) -> None:
    assert messages.escape_for_sqs(text) == legal


def test_an_escaped_text_means_the_same() -> None:
    text = '{"a": "\uffff\ufffe"}'
    assert json.loads(messages.escape_for_sqs(text)) == json.loads(text)


def test_a_record_is_read() -> None:
    assert messages.from_record(record()) == messages.QueuedProfile(
        message_id="059f36b4-87a3-44ab-83d2-661975830a7d",
        receipt="receipt",
        group="person",
        body='{"email": "ada@example.com"}',
        destination="default",
        request_id="push",
        index="3",
        trace_parent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        version=Version(1_790_000_000_000, "18849496460467696128".zfill(40)),
        attempt=2,
        queued_at=1_790_000_000_001,
    )


@pytest.mark.parametrize(
    ("given", "sequence"), [("18849496460467696000", "18849496460467696000".zfill(40)), ("0", "")]
)
def test_what_was_redriven_keeps_its_version(given: str, sequence: str) -> None:
    redriven = record(messageAttributes={"sequence": {"stringValue": given}})
    assert messages.from_record(redriven).version.sequence == sequence


def test_a_message_that_is_queued_again_is_read_as_it_was(aws: Aws) -> None:
    before = messages.from_record(record())
    aws.profile_queue().send([messages.requeue_message(before, "other", "again")])
    [sent] = aws.sqs.profiles
    attributes = {name: {"stringValue": text} for name, text in sent.attributes.items()}
    after = messages.from_record(record(messageAttributes=attributes, body=sent.body))
    assert (sent.group, sent.deduplication_id) == ("other", "again")
    assert after == before


@pytest.mark.parametrize(
    "changes", [{"messageAttributes": {}}, {"attributes": {"accepted_at": "today"}}]
)
def test_a_record_without_our_attributes_is_as_old_as_its_message(
    changes: dict[str, Any],
) -> None:
    system = record()["attributes"]
    whole = record(**changes)
    whole["attributes"] = system
    assert messages.from_record(whole).version.accepted_at == 1_790_000_000_001


def test_a_dead_letter_holds_the_profile_as_it_is_and_all_there_is_to_say(aws: Aws) -> None:
    why = {
        "outcome": "rejected",
        "reason": "refused",
        "detail": "RainFocus does not take this profile",
        "status": "400",
        "code": "103",
        "message": "zip is \x00 wrong",
    }
    was = messages.requeue_message(messages.from_record(record()), "person", "message-id")
    aws.dead_letter_queue().send([dead_letters.dead_letter_of(was, why, attempts=7)])
    [sent] = aws.sqs.dead_letters
    assert sent.body == '{"email": "ada@example.com"}'
    assert sent.group == "person"
    assert sent.deduplication_id == "message-id"
    assert sent.attributes["destination"] == "default"
    assert sent.attributes["attempts"] == "7"
    assert datetime.fromisoformat(sent.attributes["time"]).tzinfo
    assert json.loads(sent.attributes["origin"]) == {
        "request_id": "push",
        "index": "3",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "accepted_at": "1790000000000",
        "sequence": "18849496460467696128".zfill(40),
    }
    assert sent.attributes.items() >= (why | {"message": "zip is \\u0000 wrong"}).items()
    assert len(sent.attributes) == 10


def test_a_long_reason_is_cut() -> None:
    was = messages.requeue_message(messages.from_record(record()), "person", "message-id")
    dead_letter = dead_letters.dead_letter_of(was, {"detail": "x" * 10_000})
    assert dead_letter.attributes["detail"] == "x" * 500


def found(attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return a message as ReceiveMessage does."""
    return {
        "MessageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "ReceiptHandle": "receipt",
        "Body": '{"email": "ada@example.com"}',
        "Attributes": {"MessageGroupId": "person", "SentTimestamp": "1790000005000"},
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
        },
    }


def test_a_dead_letter_tells_the_message_that_it_was() -> None:
    before = messages.from_record(record())
    why = {"outcome": "rejected", "reason": "refused", "detail": "no"}
    why |= {"status": "400", "code": "5", "message": "bad"}
    was = messages.requeue_message(before, "person", "message-id")
    dead_letter = dead_letters.from_sqs(
        found(dead_letters.dead_letter_of(was, why, before.attempt).attributes)
    )
    assert (dead_letter.outcome, dead_letter.reason, dead_letter.detail) == (
        "rejected",
        "refused",
        "no",
    )
    assert dead_letter.status == "400"
    assert (dead_letter.code, dead_letter.answer, dead_letter.id) == ("5", "bad", "push-3")
    after = dead_letter.message
    assert after.queued_at == 1_790_000_005_000
    assert replace(after, trace_parent=before.trace_parent, queued_at=before.queued_at) == before
    assert trace_id(after.trace_parent) == trace_id(before.trace_parent)


def test_a_dead_letter_of_an_earlier_version_tells_the_same() -> None:
    before = messages.from_record(record())
    ours = {
        "destination": "default",
        "attempts": "2",
        "trace_id": trace_id(before.trace_parent),
        "outcome": "rejected",
        "reason": "RainFocus does not take this profile",
        "origin": '{"request_id": "push", "index": "3", "accepted_at": "1790000000000"}',
    }
    dead_letter = dead_letters.from_sqs(found(ours))
    assert (dead_letter.reason, dead_letter.detail) == ("", "RainFocus does not take this profile")
    assert dead_letter.id == "push-3"
    assert trace_id(dead_letter.message.trace_parent) == trace_id(before.trace_parent)


def test_a_message_that_sqs_gave_up_is_a_letter_too() -> None:
    before = messages.from_record(record())
    ours = {"destination": "default", "request_id": "push", "index": "3"}
    ours |= {"accepted_at": "1790000000000", "trace_parent": before.trace_parent}
    dead_letter = dead_letters.from_sqs(found(ours))
    assert (dead_letter.reason, dead_letter.detail) == ("given_up", dead_letters.GIVEN_UP)
    assert dead_letter.id == "push-3"
    assert dead_letter.message.version == Version(1_790_000_000_000)
    assert dead_letter.message.trace_parent == before.trace_parent


@pytest.mark.parametrize("origin", ["", "broken", "[]", "{}"])
def test_a_letter_of_somebody_else_is_read_as_far_as_it_goes(origin: str) -> None:
    dead_letter = dead_letters.from_sqs(
        found({"origin": origin, "attempts": "many"} if origin else {})
    )
    assert dead_letter.id == "059f36b4-87a3-44ab-83d2-661975830a7d"
    assert dead_letter.message.version == Version(1_790_000_005_000)
    assert dead_letter.failed_at == "2026-09-21T14:13:25.000+00:00"


@pytest.mark.parametrize("count", [1, 10, 11])
def test_messages_are_put_back_ten_a_call(aws: Aws, count: int) -> None:
    receipts = {f"receipt-{n}": n for n in range(count)}
    aws.profile_queue().put_back(receipts)
    assert aws.sqs.hidden == receipts
    assert aws.sqs.count("ChangeMessageVisibilityBatch") == -(-count // 10)


def test_a_failure_to_put_back_stops_nothing(aws: Aws) -> None:
    aws.sqs.always = fakes.denied("ReceiptHandleIsInvalid")
    aws.profile_queue().put_back({"receipt": 3})
    assert aws.sqs.hidden == {}


def sent_of(aws: Aws, person: str) -> list[int]:
    return [int(sent.attributes["index"]) for sent in aws.sqs.profiles if sent.group == person]


def test_what_a_push_says_of_its_messages_is_read_again(wall: Clock) -> None:
    wall.now = 1_790_000_000.5
    carried = messages.push_attributes("summit", "push-7", "00-trace-span-01", "cdp")
    attributes = {name: {"stringValue": text} for name, text in carried.items()}
    read = messages.from_record(record(messageAttributes=attributes))
    assert (read.destination, read.request_id, read.index) == ("summit", "push-7", "")
    assert (read.trace_parent, read.sender) == ("00-trace-span-01", "cdp")
    assert read.version.accepted_at == 1_790_000_000_500


@pytest.mark.parametrize("attributes", [{}, {"destination": {"dataType": "Binary"}}])
def test_a_record_without_texts_of_ours_has_empty_ones(attributes: dict[str, Any]) -> None:
    read = messages.from_record(record(messageAttributes=attributes))
    assert (read.destination, read.request_id, read.index, read.trace_parent) == ("", "", "", "")
    assert read.sender == ""


def test_a_message_that_is_queued_on_another_lane_keeps_its_version() -> None:
    lane = "arn:aws:sqs:us-east-1:123456789012:attendee-sync_lane_summit.fifo"
    first = messages.from_record(record(eventSourceARN=lane))
    assert (first.lane, first.version.lane) == ("summit", "summit")
    again = messages.requeue_message(first, "person", "again").attributes
    attributes = {name: {"stringValue": text} for name, text in again.items()}
    moved = messages.from_record(record(messageAttributes=attributes))
    assert (moved.lane, moved.version) == (lanes.SHARED, first.version)


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_profile_may_have_a_million_bytes(letter: str) -> None:
    most = letter * (1_000_000 // len(letter.encode()))
    assert messages.size_fault(most) is None
    fault = messages.size_fault(most + "x")
    assert fault
    assert fault.reason is Reason.TOO_LARGE
