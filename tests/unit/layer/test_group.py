"""What the deliveries of one attendee leave behind, beside what test_delivery.py tells of it."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from attendee_sync.delivery.ledger import AttemptNote
from attendee_sync.mapping.mapper import Decision, Mapper
from attendee_sync.outcome import OutcomeKind, Reason
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, kinds, message
from tests.support.stack import Clock

DAY = 86_400


def test_a_dead_letter_names_the_mapping_by_which_rainfocus_refused_it(
    harness: DeliveryHarness,
) -> None:
    harness.deliver(message(0, "ada"))
    [entry] = harness.noted.values()
    harness.rainfocus.reply = fakes.envelope("5", "zip is not known")
    harness.deliver(message(1, "ada"))
    [dead_letter] = harness.aws.sqs.dead_letters
    origin = json.loads(dead_letter.attributes["origin"])
    assert origin["mapping_version"] == entry["mapping_version"]["S"]


@pytest.mark.parametrize(
    ("body", "reason"), [("[]", "malformed"), ('{"zip": "1"}', "missing_email")]
)
def test_what_rainfocus_never_refused_is_buried_without_a_mapping_or_an_answer(
    harness: DeliveryHarness, body: str, reason: str
) -> None:
    harness.deliver(message(0, body=body))
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.attributes["reason"] == reason
    assert "mapping_version" not in json.loads(dead_letter.attributes["origin"])
    assert not {"status", "code", "message"} & dead_letter.attributes.keys()


def test_what_expired_is_buried_without_a_mapping(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    [outcome] = harness.deliver(message(0, age=DAY + 60))
    assert outcome.kind is OutcomeKind.EXPIRED
    [dead_letter] = harness.aws.sqs.dead_letters
    assert "mapping_version" not in json.loads(dead_letter.attributes["origin"])
    assert dead_letter.attributes["status"] == "503"


def test_an_update_that_went_with_a_later_one_says_so(harness: DeliveryHarness) -> None:
    begun = time.monotonic()
    first, last = harness.deliver(message(0, "ada"), message(1, "ada"))
    assert (first.reason, last.reason) == (Reason.MERGED, Reason.NONE)
    assert first.latency is None
    assert last.latency is not None
    assert 0 <= last.latency <= time.monotonic() - begun


def test_a_profile_that_ended_badly_after_an_earlier_attempt_has_the_next_one_sent(
    harness: DeliveryHarness,
) -> None:
    """The earlier attempt may have reached RainFocus."""
    harness.deliver(message(0, "ada"))
    harness.rainfocus.reply = fakes.envelope("5")
    same = message(0, "ada").body
    refused = replace(message(1, "ada"), attempt=2)
    again = message(2, "ada", body=same)
    assert [each.kind for each in harness.deliver(refused)] == [OutcomeKind.REJECTED]
    harness.rainfocus.reply = fakes.stored()
    assert [each.kind for each in harness.deliver(again)] == [OutcomeKind.DELIVERED]


def test_what_was_delivered_already_makes_no_call_for_having_been_tried_before(
    harness: DeliveryHarness,
) -> None:
    same = message(0, "ada").body
    harness.deliver(message(0, "ada"))
    harness.delivery.ledger.note_put_back({"message-1": AttemptNote(1)}, "")
    again = [message(1, "ada", same, attempt=2), message(2, "ada", same)]
    assert kinds(harness.deliver(*again)) == ["unchanged", "unchanged"]


@pytest.mark.parametrize(
    ("later", "outcome", "calls"), [("same", "delivered", 2), ("unwanted", "filtered", 1)]
)
def test_behind_a_profile_that_broke_nothing_is_taken_for_what_rainfocus_has(
    harness: DeliveryHarness,
    monkeypatch: pytest.MonkeyPatch,
    later: str,
    outcome: str,
    calls: int,
) -> None:
    decide = Mapper.decide

    def decided(self: Mapper, document: dict[str, Any], foreign_state: str = "") -> Decision:
        if document["city"] == "broken":
            raise ZeroDivisionError
        return decide(self, document, foreign_state)

    monkeypatch.setattr(Mapper, "decide", decided)
    harness.aws.set_destination("default", event_code="summit2027", filter="city != 'unwanted'")
    cities = ("same", "broken", later)
    first, broken, last = ({"email": "ada@example.com", "city": each} for each in cities)
    harness.push(first)
    harness.work()
    harness.push(broken, last)
    for _ in range(6):
        outcomes = kinds(harness.invoke())
        harness.aws.sqs.let_time_pass()
        if "rejected" in outcomes:
            break
    assert outcomes == ["rejected", outcome]
    assert len(harness.rainfocus.calls) == calls
    [entry] = harness.noted.values()
    assert (entry["mapping_version"]["S"] == "") == (outcome == "filtered")


def test_of_two_who_meet_a_fault_each_is_counted_for_itself(
    harness: DeliveryHarness, wall: Clock
) -> None:
    denied = fakes.envelope("124", "Access to API endpoint denied.")
    harness.rainfocus.reply = lambda call: (
        denied if call.json["email"].startswith("bad") else fakes.stored()
    )
    for attempt in range(1, 4):
        for n, person in enumerate(("bad1", "bad2")):
            wall.now += 1
            assert kinds(harness.deliver(message(n, person, attempt=attempt, age=60))) == ["retry"]
            wall.now += 1
            harness.deliver(message(10 * attempt + n, "good"))


def test_remarks_on_a_profile_are_none_on_what_waits_behind_it(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    body = json.dumps({"email": "ada@example.com", "city": "x" * 10_000})
    first, behind = harness.deliver(message(0, "ada", body), message(1, "ada"))
    assert first.remarks
    assert (behind.reason, behind.remarks) == (Reason.BEHIND, ())


def test_what_is_older_than_a_filtered_one_of_its_batch_waits_until_the_ledger_knows(
    harness: DeliveryHarness,
) -> None:
    harness.aws.set_destination("default", event_code="summit2027", filter="city != 'unwanted'")
    unwanted = json.dumps({"email": "ada@example.com", "city": "unwanted"})
    older = message(1, "ada", age=60)
    batch = [message(2, "ada", unwanted), older]
    assert kinds(harness.deliver(*batch)) == ["filtered", "retry"]
    assert harness.rainfocus.calls == []


@pytest.mark.parametrize(
    ("reply", "outcomes", "calls"),
    [(fakes.stored(), ["delivered"] * 2, 2), (fakes.Reply(503), ["retry"] * 2, 1)],
)
def test_two_attendees_of_one_group_are_two_calls_in_order(
    harness: DeliveryHarness, reply: fakes.Reply, outcomes: list[str], calls: int
) -> None:
    """As where an address was changed in a destination's rules while messages waited."""
    harness.rainfocus.reply = reply
    batch = [message(n, person, group="one") for n, person in enumerate(("ada", "bob"))]
    assert kinds(harness.deliver(*batch)) == outcomes
    assert len(harness.rainfocus.calls) == calls


def test_of_two_that_rainfocus_refuses_together_each_is_sent_by_itself(
    harness: DeliveryHarness,
) -> None:
    harness.rainfocus.reply = lambda call: (
        fakes.envelope("5") if call.json["zip"] == "1" else fakes.stored()
    )
    assert kinds(harness.deliver(message(0, "ada"), message(1, "ada"))) == ["delivered", "rejected"]
