"""What the deliveries of one attendee leave behind, beside what test_delivery.py tells of it."""

import json
from dataclasses import replace

from attendee_sync.outcome import OutcomeKind, Reason
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, message

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


def test_what_rainfocus_never_refused_is_buried_without_a_mapping_or_an_answer(
    harness: DeliveryHarness,
) -> None:
    harness.deliver(message(0, body="[]"))
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.attributes["reason"] == "malformed"
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
    first, last = harness.deliver(message(0, "ada"), message(1, "ada"))
    assert (first.reason, last.reason) == (Reason.MERGED, Reason.NONE)
    assert first.latency is None
    assert last.latency is not None


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
