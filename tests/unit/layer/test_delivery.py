import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
import requests

from attendee_sync import attendee, http_client
from attendee_sync.attendee import Version
from attendee_sync.delivery import delivery as module
from attendee_sync.delivery.blocks import Blocks
from attendee_sync.delivery.group import ACCOUNTING_SECONDS, GroupDelivery
from attendee_sync.delivery.pauses import Pause
from attendee_sync.mapping.mapper import Decision, Mapper
from attendee_sync.messaging.messages import QueuedProfile
from attendee_sync.outcome import Outcome, OutcomeKind, Reason, Retry
from attendee_sync.rainfocus.circuit_breaker import (
    FAILURES_TO_PAUSE,
    FIRST_PROBE_SECONDS,
    LONGEST_PROBE_SECONDS,
)
from attendee_sync.rainfocus.token_refresh import TokenRefresh, TokenState
from tests.support import fakes
from tests.support.delivery_harness import (
    TRACE,
    DeliveryHarness,
    delivery_harness,
    join_threads_since,
    kinds,
    message,
)
from tests.support.stack import (
    CONNECTION,
    CREDENTIALS,
    HASH_KEY,
    STACK,
    Aws,
    Clock,
    changed,
    token,
)

BUSY = fakes.Reply(503)
REFUSED = fakes.Reply(401)
DAY = 86_400
NOT_VALID = "the settings of connection default are not valid"


@pytest.fixture
def harness(aws: Aws) -> Iterator[DeliveryHarness]:
    with delivery_harness(aws) as made:
        yield made


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendee_sync.delivery.retry.random.uniform", lambda _, longest: longest)


def by_email(replies: dict[str, fakes.Reply]) -> Callable[[fakes.Call], fakes.Reply]:
    return lambda call: replies.get(call.json["email"].partition("@")[0], fakes.stored())


def entry_key(person: str) -> str:
    email_hash = attendee.sha256_of(f"{person}@example.com")
    return f"attendee#{attendee.key(HASH_KEY, 'default', email_hash)}"


def in_turn(*replies: fakes.Reply) -> Callable[[fakes.Call], fakes.Reply]:
    left = iter(replies)
    return lambda _: next(left)


# --- the main path ------------------------------------------------------------------------------


def test_a_profile_is_stored_as_an_attendee(harness: DeliveryHarness) -> None:
    body = (
        '{"personalEmail": {"address": "Ada@Example.com"}, "person": {"name": {"firstName":"A"}}}'
    )
    [outcome] = harness.deliver(message(body=body))
    assert outcome.kind is OutcomeKind.DELIVERED
    assert outcome.answer
    assert (outcome.answer.status, outcome.answer.code) == (200, "0")
    [call] = harness.rainfocus.calls
    assert call.url == "https://events.rainfocus.com/api/acme/v3/attendee/store"
    assert call.json == {"event": "summit2027", "email": "ada@example.com", "firstname": "A"}
    assert call.headers["Authorization"] == f"Bearer {token().value}"
    assert call.headers["traceparent"] == TRACE
    assert harness.waits == {}
    assert harness.aws.sqs.dead_letters == []


def test_the_ledger_notes_a_delivery_without_personal_data(harness: DeliveryHarness) -> None:
    harness.deliver(message(7, "ada"))
    [(key, item)] = harness.noted.items()
    assert key == entry_key("ada")
    assert item["destination"] == {"S": "default"}
    assert item["outcome"] == {"S": "delivered"}
    assert item["sequence"] == {"S": f"{8:040}"}
    assert (item["status"], item["code"]) == ({"N": "200"}, {"S": "0"})
    assert item["attendee_id"] == {"S": "1700000000000001abcd"}
    assert json.loads(item["fields"]["S"]).keys() == {"email", "zip"}
    assert "example.com" not in json.dumps(harness.aws.dynamodb.items)


def test_two_peoples_equal_values_do_not_show_as_equal(harness: DeliveryHarness) -> None:
    for n, person in enumerate(("ada", "bob")):
        harness.deliver(message(n, person, json.dumps({"email": f"{person}@x.org", "zip": "1"})))
    digests = [json.loads(item["fields"]["S"])["zip"] for item in harness.noted.values()]
    assert len(set(digests)) == 2


def test_a_batch_is_read_and_noted_in_one_call_each(harness: DeliveryHarness) -> None:
    harness.deliver(*(message(n, f"p{n % 5}") for n in range(10)))
    assert harness.aws.dynamodb.count("BatchGetItem") == 1
    assert harness.aws.dynamodb.count("BatchExecuteStatement") == 1
    assert set(harness.noted) == {entry_key(f"p{n}") for n in range(5)}
    assert harness.noted[entry_key("p2")]["sequence"] == {"S": f"{8:040}"}


def test_without_the_ledger_nothing_is_sent(harness: DeliveryHarness) -> None:
    harness.aws.dynamodb.always = fakes.denied("InternalServerError")
    outcomes = harness.deliver(message(0), message(1, body="hello"), message(2, "p0"))
    assert kinds(outcomes) == ["retry", "rejected", "retry"]
    assert outcomes[0].detail == "the ledger can't be read: InternalServerError"
    assert set(harness.waits) == {"receipt-0", "receipt-2"}
    assert harness.rainfocus.calls == []


def test_what_cannot_be_noted_is_delivered_once_more(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = breaking_the_ledger(harness, fakes.stored())
    outcomes = harness.deliver(message(0), message(1, "p0"))
    assert kinds(outcomes) == ["retry", "retry"]
    assert outcomes[0].detail == "the ledger can't be written: InternalServerError"
    harness.aws.dynamodb.always = None
    harness.rainfocus.reply = fakes.stored()
    outcomes = harness.deliver(message(0, attempt=2), message(1, "p0", attempt=2))
    assert kinds(outcomes) == ["delivered"] * 2
    first, *_, last = harness.rainfocus.calls
    assert first.json == last.json


def breaking_the_ledger(
    harness: DeliveryHarness, answer: fakes.Reply
) -> Callable[[fakes.Call], fakes.Reply]:
    def reply(_: fakes.Call) -> fakes.Reply:
        harness.aws.dynamodb.always = fakes.denied("InternalServerError")
        return answer

    return reply


def test_people_are_delivered_side_by_side(harness: DeliveryHarness) -> None:
    harness.aws.set_connection("default", changed(limits={"first_concurrency": 10}))
    ready = threading.Barrier(10, timeout=30)

    def reply(_: fakes.Call) -> fakes.Reply:
        ready.wait()
        return fakes.stored()

    harness.rainfocus.reply = reply
    outcomes = harness.deliver(*(message(n) for n in range(10)))
    assert kinds(outcomes) == ["delivered"] * 10


def test_one_persons_updates_are_delivered_in_order(harness: DeliveryHarness) -> None:
    for n in range(10):
        assert kinds(harness.deliver(message(n, f"p{n % 3}"))) == ["delivered"]
    for person in range(3):
        zips = [
            call.json["zip"]
            for call in harness.rainfocus.calls
            if call.json["email"] == f"p{person}@example.com"
        ]
        assert zips == [str(n) for n in range(person, 10, 3)]


def test_an_empty_batch_is_fine(harness: DeliveryHarness) -> None:
    assert harness.deliver() == []
    assert harness.aws.sqs.calls == []


# --- nothing needless, nothing stale ------------------------------------------------------------


def zip_of(text: str, **more: str) -> str:
    return json.dumps({"email": "ada@example.com", "zip": text, **more})


def zips(harness: DeliveryHarness) -> list[str]:
    return [call.json["zip"] for call in harness.rainfocus.calls]


def test_the_same_again_makes_no_call(harness: DeliveryHarness) -> None:
    bodies = [zip_of("1"), zip_of("1"), '{"zip": "1", "email": "ADA@example.com"}']
    outcomes = [harness.deliver(message(n, "ada", text)) for n, text in enumerate(bodies)]
    assert outcomes[1:] == [[Outcome(OutcomeKind.UNCHANGED)]] * 2
    assert zips(harness) == ["1"]
    assert harness.noted[entry_key("ada")]["sequence"] == {"S": f"{3:040}"}
    assert harness.noted[entry_key("ada")]["outcome"] == {"S": "unchanged"}


def test_back_to_what_it_was_is_delivered(harness: DeliveryHarness) -> None:
    for n, text in enumerate("ABA"):
        assert kinds(harness.deliver(message(n, "ada", zip_of(text)))) == ["delivered"]
    assert zips(harness) == ["A", "B", "A"]


def test_there_and_back_in_one_batch_is_no_change(harness: DeliveryHarness) -> None:
    harness.deliver(message(0, "ada", zip_of("A")))
    batch = (message(n, "ada", zip_of(text)) for n, text in enumerate("BABA", start=1))
    assert kinds(harness.deliver(*batch)) == ["unchanged"] * 4
    assert zips(harness) == ["A"]


def test_a_part_of_what_was_delivered_makes_no_call(harness: DeliveryHarness) -> None:
    harness.deliver(message(0, "ada", zip_of("1", city="Boston")))
    assert kinds(harness.deliver(message(1, "ada", zip_of("1")))) == ["unchanged"]
    assert kinds(harness.deliver(message(2, "ada", zip_of("2")))) == ["delivered"]
    assert kinds(harness.deliver(message(3, "ada", zip_of("2", city="Boston")))) == ["unchanged"]
    assert kinds(harness.deliver(message(4, "ada", zip_of("2", phone="1")))) == ["delivered"]


def test_updates_of_one_person_in_a_batch_are_one_call(harness: DeliveryHarness) -> None:
    bodies = [zip_of("1", city="Boston"), zip_of("2"), zip_of("3", firstName="Ada")]
    outcomes = harness.deliver(*(message(n, "ada", text) for n, text in enumerate(bodies)))
    assert kinds(outcomes) == ["delivered"] * 3
    assert [each.detail for each in outcomes] == [
        "in one call with a later one of this attendee",
        "in one call with a later one of this attendee",
        "",
    ]
    assert [each.latency is None for each in outcomes] == [True, True, False]
    [call] = harness.rainfocus.calls
    assert call.json == {
        "event": "summit2027",
        "email": "ada@example.com",
        "zip": "3",
        "city": "Boston",
        "firstname": "Ada",
    }
    assert kinds(harness.deliver(message(3, "ada", zip_of("3", city="Boston")))) == ["unchanged"]


def test_if_rainfocus_refuses_them_together_each_is_sent_by_itself(
    harness: DeliveryHarness,
) -> None:
    refused = fakes.envelope("7", status=400)
    harness.rainfocus.reply = lambda call: refused if call.json["zip"] == "bad" else fakes.stored()
    bodies = [zip_of("1", city="Boston"), zip_of("2"), zip_of("bad"), zip_of("bad", city="Rome")]
    outcomes = harness.deliver(*(message(n, "ada", text) for n, text in enumerate(bodies)))
    assert kinds(outcomes) == ["delivered", "delivered", "rejected", "rejected"]
    assert zips(harness) == ["bad", "1", "2", "bad", "bad"]
    assert [dead_letter.body for dead_letter in harness.aws.sqs.dead_letters] == bodies[2:]
    assert kinds(harness.deliver(message(9, "ada", zip_of("2", city="Boston")))) == ["unchanged"]


def test_one_by_one_ends_at_the_first_that_must_wait(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = in_turn(fakes.envelope("7", status=400), fakes.stored(), BUSY)
    outcomes = harness.deliver(*(message(n, "ada", zip_of(str(n))) for n in range(4)))
    assert kinds(outcomes) == ["delivered", "retry", "retry", "retry"]
    assert harness.noted[entry_key("ada")]["sequence"] == {"S": f"{1:040}"}
    assert harness.aws.sqs.dead_letters == []


def test_who_comes_and_leaves_in_one_batch_is_one_call(harness: DeliveryHarness) -> None:
    exits = {"action": "set", "fields": {"status": "left"}}
    harness.aws.set_destination("default", event_code="summit2027", exits=exits)
    leaving = body(ADDRESS, LEFT)
    outcomes = harness.deliver(
        message(0, "ada", leaving), message(1, "ada", zip_of("1")), message(2, "ada", leaving)
    )
    assert kinds(outcomes) == ["filtered", "delivered", "delivered"]
    [call] = harness.rainfocus.calls
    assert call.json == {"event": "summit2027", **ADDRESS, "zip": "1", "status": "left"}


@pytest.mark.parametrize(
    "changed_to",
    [
        {"mapping": {"zip": "zip", "city": "city"}},
        {"event_code": "other"},
        {"mapping": {"zip": "postcode"}},
        {"not_normalised": ["zip"]},
    ],
)
def test_another_mapping_makes_everything_due(
    harness: DeliveryHarness, changed_to: dict[str, Any]
) -> None:
    settings = {"event_code": "summit2027", "mapping": {"zip": "zip"}}
    harness.aws.set_destination("default", **settings)
    assert kinds(harness.deliver(message(0, "ada", zip_of("1")))) == ["delivered"]
    harness.aws.set_destination("default", **(settings | changed_to))
    harness.aws.clock.now += 3_600
    assert kinds(harness.deliver(message(1, "ada", zip_of("1")))) == ["delivered"]
    assert kinds(harness.deliver(message(2, "ada", zip_of("1")))) == ["unchanged"]


def test_another_organisation_makes_everything_due(harness: DeliveryHarness) -> None:
    harness.deliver(message(0, "ada", zip_of("1")))
    harness.aws.set_connection("default", CONNECTION.model_copy(update={"org_id": "other"}))
    harness.aws.set_token(token(audience="https://events.rainfocus.com/other"))
    harness.aws.clock.now += 3_600
    assert kinds(harness.deliver(message(1, "ada", zip_of("1")))) == ["delivered"]


def test_another_name_or_limit_makes_nothing_due(harness: DeliveryHarness) -> None:
    harness.deliver(message(0, "ada", zip_of("1")))
    named = {"event_code": "summit2027", "name": "New", "description": "Another"}
    harness.aws.ssm.parameters[f"/{STACK}/destinations/default"] = json.dumps(named)
    harness.aws.set_connection("default", changed(limits={"concurrency": 3}))
    harness.aws.clock.now += 3_600
    assert kinds(harness.deliver(message(1, "ada", zip_of("1")))) == ["unchanged"]


def late(n: int, person: str, text: str, accepted_before: float = 60) -> QueuedProfile:
    """Return a message that was redriven: it comes late, with the version it had."""
    return message(n, person, text, age=accepted_before, message_id=f"late-{n}")


@pytest.mark.parametrize("newest", ["delivered", "unchanged", "filtered"])
def test_what_is_older_than_what_was_settled_is_stale(
    harness: DeliveryHarness, newest: str
) -> None:
    harness.aws.set_destination("default", event_code="summit2027", filter="zip != 'none'")
    harness.deliver(message(0, "ada", zip_of("A")))
    texts = {"delivered": "C", "unchanged": "A", "filtered": "none"}
    assert kinds(harness.deliver(message(2, "ada", zip_of(texts[newest])))) == [newest]
    [outcome] = harness.deliver(late(1, "ada", zip_of("B")))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.STALE, Reason.OVERTAKEN)
    assert "B" not in zips(harness)
    assert harness.aws.sqs.dead_letters == []
    assert harness.noted[entry_key("ada")]["sequence"] == {"S": f"{3:040}"}


def test_what_was_rejected_makes_nothing_stale(harness: DeliveryHarness) -> None:
    refused = fakes.envelope("7", status=400)
    harness.rainfocus.reply = lambda call: refused if call.json["zip"] == "C" else fakes.stored()
    for n, text in enumerate("AC"):
        harness.deliver(message(2 * n, "ada", zip_of(text)))
    assert kinds(harness.deliver(late(1, "ada", zip_of("B")))) == ["delivered"]


def test_what_was_redriven_is_still_before_what_came_later(harness: DeliveryHarness) -> None:
    """Ada's old profile got in behind her new one: the new one decides once it has ended."""
    outcomes = harness.deliver(message(2, "ada", zip_of("C")), late(1, "ada", zip_of("B")))
    assert kinds(outcomes) == ["delivered", "retry"]
    assert zips(harness) == ["C"]
    assert kinds(harness.deliver(late(1, "ada", zip_of("B")))) == ["stale"]


def test_what_never_was_queued_goes_by_the_time_it_was_accepted(harness: DeliveryHarness) -> None:
    def unqueued(n: int, age: float) -> QueuedProfile:
        accepted_at = int((time.time() - age) * 1_000)
        return message(n, "ada", zip_of(str(n)), version=Version(accepted_at))

    harness.deliver(message(0, "ada", zip_of("0"), age=60))
    assert kinds(harness.deliver(unqueued(1, age=120))) == ["stale"]
    assert kinds(harness.deliver(unqueued(2, age=30))) == ["delivered"]
    assert kinds(harness.deliver(message(3, "ada", zip_of("3"), age=20))) == ["delivered"]


def test_a_message_that_comes_twice_is_delivered_once(harness: DeliveryHarness) -> None:
    for _ in range(2):
        harness.deliver(message(1, "ada", zip_of("B")))
    assert zips(harness) == ["B"]


def test_one_that_was_overtaken_while_it_was_sent_is_stale_and_the_newer_one_due(
    harness: DeliveryHarness,
) -> None:
    newer = message(2, "ada", zip_of("C"))

    def reply(_: fakes.Call) -> fakes.Reply:
        harness.rainfocus.reply = fakes.stored()
        assert kinds(harness.deliver(newer)) == ["delivered"]  # by another function, meanwhile
        return fakes.stored()

    harness.rainfocus.reply = reply
    [outcome] = harness.deliver(message(1, "ada", zip_of("B"), age=1))
    assert outcome.kind is OutcomeKind.STALE
    again = message(3, "ada", zip_of("C"))
    assert kinds(harness.deliver(again)) == ["delivered"]
    assert zips(harness)[-1] == "C"


@pytest.mark.parametrize("age", [0, 2 * DAY])
def test_what_may_have_got_through_before_it_ended_badly_is_not_relied_upon(
    harness: DeliveryHarness, age: float
) -> None:
    """B is stored, but the answer is lost; then B ends, and A must be sent again."""
    harness.deliver(message(0, "ada", zip_of("A"), age=age))
    harness.rainfocus.reply = fakes.Reply(error=requests.ReadTimeout())
    assert kinds(harness.deliver(message(1, "ada", zip_of("B")))) == ["retry"]
    harness.rainfocus.reply = BUSY if age else fakes.envelope("7", status=400)
    ended = harness.deliver(message(1, "ada", zip_of("B"), age=age, attempt=2))
    assert kinds(ended) == ["expired" if age else "rejected"]
    harness.rainfocus.reply = fakes.stored()
    assert kinds(harness.deliver(message(2, "ada", zip_of("A")))) == ["delivered"]


def test_what_may_have_got_through_is_not_relied_upon_once_a_later_update_goes_back_on_it(
    harness: DeliveryHarness,
) -> None:
    """A is delivered; B is stored, but the answer is lost; with it comes A again."""
    harness.deliver(message(0, "ada", zip_of("A")))
    harness.rainfocus.reply = fakes.Reply(error=requests.ReadTimeout())
    assert kinds(harness.deliver(message(1, "ada", zip_of("B")))) == ["retry"]
    harness.rainfocus.reply = fakes.stored()
    both = [message(1, "ada", zip_of("B"), attempt=2), message(2, "ada", zip_of("A"))]
    assert kinds(harness.deliver(*both)) == ["delivered", "delivered"]
    assert zips(harness)[-2:] == ["B", "A"]


def test_a_first_delivery_is_noted_although_a_later_update_ends_badly(
    harness: DeliveryHarness,
) -> None:
    harness.rainfocus.reply = lambda call: (
        fakes.envelope("7") if call.json["zip"] == "bad" else fakes.stored()
    )
    batch = [message(n, "ada", zip_of(text), attempt=2) for n, text in enumerate(("A", "bad"))]
    assert kinds(harness.deliver(*batch)) == ["delivered", "rejected"]
    assert harness.noted[entry_key("ada")]["sequence"] == {"S": f"{1:040}"}
    assert kinds(harness.deliver(message(2, "ada", zip_of("A")))) == ["delivered"]


def test_nobody_is_buried_before_the_ledger_knows(harness: DeliveryHarness) -> None:
    harness.deliver(message(0, "ada", zip_of("A")))
    harness.rainfocus.reply = breaking_the_ledger(harness, fakes.envelope("7"))
    [outcome] = harness.deliver(message(1, "ada", zip_of("B"), attempt=2))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, Reason.LEDGER_UNAVAILABLE)
    assert harness.aws.sqs.dead_letters == []


def test_a_filtered_profile_waits_behind_one_that_is_put_back(harness: DeliveryHarness) -> None:
    harness.aws.set_destination("default", event_code="summit2027", filter="zip != 'none'")
    harness.rainfocus.reply = BUSY
    batch = [message(0, "ada", zip_of("A")), message(1, "ada", zip_of("none"))]
    assert kinds(harness.deliver(*batch)) == ["retry", "retry"]
    harness.rainfocus.reply = fakes.stored()
    assert kinds(harness.deliver(*batch)) == ["delivered", "filtered"]


# --- what can't be delivered --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": "hello"}, "malformed"),
        ({"body": "[]"}, "malformed"),
        ({"body": '{"a":' * 100_000}, "malformed"),
        ({"body": '{"a": ' + "9" * 5_000 + "}"}, "malformed"),
        ({"body": '{"firstName": "Ada"}'}, "missing_email"),
        ({"destination": "nowhere"}, "unknown_destination"),
        ({"destination": ""}, "unknown_destination"),
    ],
)
def test_a_profile_that_cannot_be_used_goes_to_the_dead_letters(
    harness: DeliveryHarness, changes: dict[str, Any], reason: str
) -> None:
    bad = message(**changes)
    [outcome] = harness.deliver(bad)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.REJECTED, reason)
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.body == bad.body
    assert dead_letter.group == bad.group
    assert dead_letter.deduplication_id == bad.message_id
    assert dead_letter.attributes.items() >= {"outcome": "rejected", "reason": reason}.items()
    assert harness.rainfocus.calls == []
    assert harness.waits == {}


@pytest.mark.parametrize(
    ("reply", "status", "code", "said"),
    [
        (
            fakes.envelope("103", "A zip is required.", status=400),
            "400",
            "103",
            "A zip is required.",
        ),
        (fakes.envelope("5", "p0@example.com is blocked"), "200", "5", "*** is blocked"),
    ],
)
def test_what_rainfocus_refuses_goes_to_the_dead_letters_with_its_answer(
    harness: DeliveryHarness, reply: fakes.Reply, status: str, code: str | None, said: str
) -> None:
    harness.rainfocus.reply = reply
    [outcome] = harness.deliver(message())
    assert outcome.kind is OutcomeKind.REJECTED
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.attributes["reason"] == "refused"
    assert dead_letter.attributes["detail"] == "RainFocus does not take this profile"
    assert dead_letter.attributes["status"] == status
    assert dead_letter.attributes.get("code") == code
    assert dead_letter.attributes["message"].replace("***@***", "***") == said
    assert dead_letter.attributes["destination"] == "default"
    assert dead_letter.attributes["attempts"] == "1"
    assert json.loads(dead_letter.attributes["origin"])["trace_id"] == TRACE.split("-")[1]
    origin = json.loads(dead_letter.attributes["origin"])
    assert (origin["request_id"], origin["index"]) == ("push", "0")
    assert harness.noted == {}


def test_a_bad_profile_does_not_block_its_group(harness: DeliveryHarness) -> None:
    outcomes = harness.deliver(message(0, "ada"), message(1, "ada", "hello"), message(2, "ada"))
    assert kinds(outcomes) == ["delivered", "rejected", "delivered"]
    assert [call.json["zip"] for call in harness.rainfocus.calls] == ["2"]


def test_a_profile_stays_while_the_dead_letter_queue_takes_nothing(
    harness: DeliveryHarness,
) -> None:
    harness.aws.sqs.down = {fakes.DEAD_LETTERS_URL}
    outcomes = harness.deliver(message(0, "ada", "hello"), message(1, "ada"))
    assert kinds(outcomes) == ["retry", "retry"]
    assert outcomes[0].detail == "the dead-letter queue does not take it"
    assert set(harness.waits) == {"receipt-0", "receipt-1"}


# --- what may succeed later ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (BUSY, "RainFocus is out of order or can't be reached"),
        (fakes.Reply(429), "RainFocus asks for fewer calls"),
        (fakes.Reply(420), "RainFocus asks for fewer calls"),
        (fakes.Reply(430), "RainFocus asks for fewer calls"),
        (
            fakes.Reply(error=requests.ReadTimeout()),
            "RainFocus is out of order or can't be reached",
        ),
        (fakes.Reply(403), "RainFocus does not take any call of this connection"),
        (fakes.envelope("124"), "RainFocus does not take any call of this connection"),
        (REFUSED, "RainFocus does not take the access token"),
    ],
)
def test_no_profile_is_lost_to_what_is_not_its_fault(
    harness: DeliveryHarness, reply: fakes.Reply, reason: str
) -> None:
    harness.rainfocus.reply = reply
    [outcome] = harness.deliver(message())
    assert (outcome.kind, outcome.detail) == (OutcomeKind.RETRY, reason)
    assert set(harness.waits) == {"receipt-0"}
    assert harness.aws.sqs.dead_letters == []
    assert harness.noted == {}


def test_behind_a_profile_that_is_put_back_its_group_waits(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = in_turn(fakes.stored(), BUSY)
    assert kinds(harness.deliver(message(0, "ada"))) == ["delivered"]
    outcomes = harness.deliver(*(message(n, "ada") for n in range(1, 4)))
    assert kinds(outcomes) == ["retry", "retry", "retry"]
    assert outcomes[2].detail == "behind an earlier one of this attendee"
    assert len(harness.rainfocus.calls) == 2
    assert set(harness.waits) == {"receipt-1", "receipt-2", "receipt-3"}
    assert len(set(harness.waits.values())) == 1


def test_other_people_do_not_wait(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = by_email({"ada": BUSY})
    outcomes = harness.deliver(message(0, "ada"), message(1, "bob"), message(2, "ada"))
    assert kinds(outcomes) == ["retry", "delivered", "retry"]
    assert set(harness.waits) == {"receipt-0", "receipt-2"}
    assert harness.emails.count("ada@example.com") == 1


@pytest.mark.usefixtures("no_jitter")
@pytest.mark.parametrize(
    ("attempt", "header", "wait"),
    [
        (1, None, 4),
        (2, None, 8),
        (3, None, 16),
        (5, None, 30),
        (1_000_000, None, 30),
        (1, "0", 4),
        (1, "30", 34),
        (1, "100000", 900),
        (1, "rubbish", 4),
    ],
)
def test_waits_double_and_respect_what_rainfocus_asks_for(
    harness: DeliveryHarness, attempt: int, header: str | None, wait: int
) -> None:
    harness.rainfocus.reply = fakes.Reply(429, headers={"Retry-After": header} if header else {})
    harness.deliver(message(attempt=attempt))
    assert harness.waits == {"receipt-0": wait}


@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 31), (0.4, 31), (2.9, 32), (4.0, 34)])
def test_waits_are_spread_and_never_end_too_early(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, drawn: float, wait: int
) -> None:
    monkeypatch.setattr("attendee_sync.delivery.retry.random.uniform", lambda *_: drawn)
    harness.rainfocus.reply = fakes.Reply(429, headers={"Retry-After": "30"})
    harness.deliver(message())
    assert harness.waits == {"receipt-0": wait}


def test_people_of_one_batch_come_again_at_different_times(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter((2.0, 3.0))
    monkeypatch.setattr("attendee_sync.delivery.retry.random.uniform", lambda *_: next(drawn))
    harness.rainfocus.reply = BUSY
    harness.deliver(message(0), message(1))
    assert sorted(harness.waits.values()) == [2, 3]


def test_a_failure_to_put_back_loses_nothing(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = BUSY
    harness.aws.sqs.always = fakes.unreachable()
    assert kinds(harness.deliver(message())) == ["retry"]


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (CONNECTION.limits.longest_call, OutcomeKind.RETRY),
        (CONNECTION.limits.longest_call + 10, OutcomeKind.DELIVERED),
    ],
)
def test_no_call_starts_that_could_outlast_the_invocation(
    harness: DeliveryHarness, left: float, kind: OutcomeKind
) -> None:
    harness.seconds_left = left
    assert [outcome.kind for outcome in harness.deliver(message())] == [kind]
    assert len(harness.rainfocus.calls) == (kind is OutcomeKind.DELIVERED)


def test_a_second_try_needs_time_as_well(harness: DeliveryHarness) -> None:
    harness.deliver(message(0))
    harness.aws.set_token(token("newer"))
    harness.aws.clock.now += 1

    def reply(_: fakes.Call) -> fakes.Reply:
        harness.seconds_left = 5
        return REFUSED

    harness.rainfocus.reply = reply
    [outcome] = harness.deliver(message(1))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, Reason.NO_TIME)
    assert len(harness.rainfocus.calls) == 2


def test_an_invocation_out_of_time_calls_nobody_else(harness: DeliveryHarness) -> None:
    harness.seconds_left = 0
    outcomes = harness.deliver(*(message(n) for n in range(10)))
    assert {outcome.detail for outcome in outcomes} == {"no time left in this invocation"}
    assert harness.rainfocus.calls == []


@pytest.fixture
def hanging(harness: DeliveryHarness) -> Iterator[threading.Event]:
    """What a call that hangs waits for; it ends with its test, and disturbs no other's loggers."""
    before = set(threading.enumerate())
    made = threading.Event()
    yield made
    made.set()
    harness.delivery.threads.leave()
    join_threads_since(before)


def hang(harness: DeliveryHarness, person: str, until: threading.Event) -> None:
    """Let a call hang, and let the invocation end soon for all that do not call."""

    def reply(call: fakes.Call) -> fakes.Reply:
        if call.json["email"].startswith(person):
            until.wait(60)
        return fakes.envelope("5", status=400) if until.is_set() else fakes.stored()

    harness.rainfocus.reply = reply
    waits_for_all = threading.current_thread()
    soon = ACCOUNTING_SECONDS + 0.5

    def seconds_left() -> float:
        if until.is_set():
            return 0
        return soon if threading.current_thread() is waits_for_all else 60

    harness.clock = seconds_left


def test_of_ten_calls_one_hangs_and_nine_are_noted(
    harness: DeliveryHarness, output: Callable[[], str], hanging: threading.Event
) -> None:
    hang(harness, "p3", hanging)
    outcomes = harness.deliver(*(message(n) for n in range(10)))
    assert kinds(outcomes) == ["retry" if n == 3 else "delivered" for n in range(10)]
    assert outcomes[3].reason is Reason.UNFINISHED
    assert set(harness.noted) == {entry_key(f"p{n}") for n in range(10) if n != 3}
    assert harness.waits == {}  # it is a suspect when it comes again
    lines = [json.loads(line) for line in output().splitlines()]
    counts = {line["outcome"]: line["Profiles"] for line in lines if "Profiles" in line}
    assert counts == {"delivered": [9.0], "retry": [1.0]}


@pytest.mark.parametrize(("left", "waits"), [(60.0, 60.0 - ACCOUNTING_SECONDS), (5.0, 0.0)])
def test_calls_are_waited_for_until_there_is_time_for_the_accounts_alone(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, left: float, waits: float
) -> None:
    harness.seconds_left = left
    waited: list[float] = []

    def noting(calls: Any, seconds: float) -> Any:
        waited.append(seconds)
        return wait(calls)

    monkeypatch.setattr(module, "wait", noting)
    harness.deliver(message())
    assert waited == [waits]


def test_what_no_thread_began_in_time_is_put_back_and_no_suspect(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, hanging: threading.Event
) -> None:
    monkeypatch.setattr(module, "THREADS", 1)
    hang(harness, "p0", hanging)
    first, second = harness.deliver(message(0), message(1))
    assert (first.reason, second.reason) == (Reason.UNFINISHED, Reason.NO_TIME)
    assert set(harness.waits) == {"receipt-1"}


def test_a_call_that_hangs_holds_up_no_later_batch(
    harness: DeliveryHarness, hanging: threading.Event
) -> None:
    harness.aws.set_connection("default", changed(limits={"first_concurrency": 10}))
    hang(harness, "p", hanging)
    assert kinds(harness.deliver(*(message(n) for n in range(9)))) == ["retry"] * 9
    harness.clock = lambda: 60
    harness.rainfocus.reply = fakes.stored()
    outcomes = harness.deliver(*(message(n, f"q{n}") for n in range(10, 20)))
    assert kinds(outcomes) == ["delivered"] * 10


def test_batches_share_their_threads(harness: DeliveryHarness) -> None:
    harness.aws.set_connection("default", changed(limits={"first_concurrency": 10}))
    at_once = threading.Barrier(10)
    used: list[set[str]] = [set()]

    def reply(_: fakes.Call) -> fakes.Reply:
        at_once.wait(10)
        used[-1].add(threading.current_thread().name)
        return fakes.stored()

    harness.rainfocus.reply = reply
    assert kinds(harness.deliver(*(message(n) for n in range(10)))) == ["delivered"] * 10
    used.append(set())
    harness.deliver(*(message(n, f"q{n}") for n in range(10)))
    assert used[-1] == used[-2]
    assert len(used[-1]) == 10


def test_what_ends_after_its_invocation_has_no_effect(
    harness: DeliveryHarness, hanging: threading.Event
) -> None:
    hang(harness, "p0", hanging)
    before = set(threading.enumerate())
    assert kinds(harness.deliver(message(0))) == ["retry"]
    hanging.set()
    join_threads_since(before)
    assert harness.aws.sqs.dead_letters == []
    assert harness.noted == {}


def test_a_fault_of_ours_in_one_group_stops_no_other(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = GroupDelivery._send

    def failing(self: GroupDelivery, plans: list[Any], *more: Any) -> Any:
        if plans[0].fields["email"] == "p3@example.com":
            raise KeyError
        return send(self, plans, *more)

    monkeypatch.setattr(GroupDelivery, "_send", failing)
    outcomes = harness.deliver(*(message(n) for n in range(10)))
    assert kinds(outcomes) == ["retry" if n == 3 else "delivered" for n in range(10)]
    assert outcomes[3].detail == "internal error: KeyError"


@pytest.mark.parametrize(
    ("reply", "age", "kind"),
    [
        (BUSY, DAY - 60, OutcomeKind.RETRY),
        (BUSY, DAY + 60, OutcomeKind.EXPIRED),
        (REFUSED, DAY + 60, OutcomeKind.RETRY),  # what is wrong with the connection ends no profile
        (fakes.envelope("124"), 3 * DAY - 60, OutcomeKind.RETRY),
        (REFUSED, 3 * DAY + 60, OutcomeKind.EXPIRED),  # SQS would give it up soon after
        (fakes.stored(), 10 * DAY, OutcomeKind.DELIVERED),
        (fakes.envelope("5"), 10 * DAY, OutcomeKind.REJECTED),
    ],
)
def test_what_fails_for_a_day_expires(
    harness: DeliveryHarness, reply: fakes.Reply, age: float, kind: OutcomeKind
) -> None:
    harness.rainfocus.reply = reply
    [outcome] = harness.deliver(message(age=age))
    assert outcome.kind is kind
    dead_letters = [
        dead_letter.attributes["outcome"] for dead_letter in harness.aws.sqs.dead_letters
    ]
    assert dead_letters == (
        [kind.value] if kind in (OutcomeKind.EXPIRED, OutcomeKind.REJECTED) else []
    )


def test_a_redriven_profile_is_tried_for_a_day_anew(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = BUSY
    queued_at = int(time.time() * 1000)
    [outcome] = harness.deliver(message(age=10 * DAY, queued_at=queued_at))
    assert outcome.kind is OutcomeKind.RETRY


@pytest.mark.parametrize(
    ("pause", "kind"),
    [
        (
            Pause(-DAY // 2, oldest_at=-DAY // 2),
            OutcomeKind.RETRY,
        ),  # nobody has said when it goes on
        (Pause(-5 * DAY, oldest_at=-8 * DAY, resumes_at=-DAY // 2), OutcomeKind.RETRY),
        (Pause(-5 * DAY, oldest_at=-8 * DAY, resumes_at=DAY), OutcomeKind.RETRY),  # still given out
        (Pause(-5 * DAY, oldest_at=-8 * DAY, resumes_at=-2 * DAY), OutcomeKind.EXPIRED),
        (Pause(-9 * DAY, oldest_at=-9 * DAY, resumes_at=-8 * DAY), OutcomeKind.EXPIRED),
    ],
)
def test_nothing_expires_for_a_time_in_which_a_person_had_it_wait(
    harness: DeliveryHarness, pause: Pause, kind: OutcomeKind
) -> None:
    now = int(time.time())
    since = {name: now + seconds for name, seconds in vars(pause).items() if seconds}
    harness.delivery.pauses.put("default", replace(pause, **since))
    harness.rainfocus.reply = BUSY
    [outcome] = harness.deliver(message(age=5.2 * DAY))
    assert outcome.kind is kind


@pytest.mark.parametrize(
    ("hours_before", "kind"), [(0.5, OutcomeKind.EXPIRED), (2, OutcomeKind.RETRY)]
)
def test_what_sqs_is_about_to_delete_after_a_pause_is_a_dead_letter_before(
    harness: DeliveryHarness, hours_before: float, kind: OutcomeKind
) -> None:
    now = int(time.time())
    pause = Pause(now - 10 * DAY, oldest_at=now - 13 * DAY, resumes_at=now - 3_600)
    harness.delivery.pauses.put("default", pause)
    harness.rainfocus.reply = BUSY
    [outcome] = harness.deliver(message(age=14 * DAY - hours_before * 3_600))
    assert outcome.kind is kind
    assert len(harness.aws.sqs.dead_letters) == (kind is OutcomeKind.EXPIRED)


def test_a_pause_of_another_destination_changes_nothing(harness: DeliveryHarness) -> None:
    harness.delivery.pauses.put("summit", Pause(int(time.time()), 0))
    harness.rainfocus.reply = BUSY
    assert kinds(harness.deliver(message(age=2 * DAY))) == ["expired"]


def test_what_may_have_waited_for_a_person_does_not_expire_until_that_is_known(
    harness: DeliveryHarness,
) -> None:
    harness.rainfocus.reply = BUSY
    pauses = Mock(get=Mock(side_effect=fakes.unreachable()))
    harness.delivery = replace(harness.delivery, pauses=pauses)
    [outcome] = harness.deliver(message(age=2 * DAY))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, Reason.UNAVAILABLE)


@pytest.mark.parametrize(
    ("age", "kind"),
    [(3 * DAY - 60, OutcomeKind.RETRY), (3 * DAY + 60, OutcomeKind.EXPIRED)],
)
def test_who_may_be_erased_is_no_dead_letter_while_that_is_not_known(
    harness: DeliveryHarness, age: float, kind: OutcomeKind
) -> None:
    harness.aws.dynamodb.always = fakes.denied("InternalServerError")
    pauses = Mock(get=Mock(return_value=None))
    harness.delivery = replace(harness.delivery, pauses=pauses)
    [outcome] = harness.deliver(message(age=age))
    assert (outcome.kind, outcome.reason) == (kind, Reason.LEDGER_UNAVAILABLE)
    assert len(harness.aws.sqs.dead_letters) == (kind is OutcomeKind.EXPIRED)


def test_pauses_are_looked_up_only_before_something_expires(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = BUSY
    harness.deliver(message(age=DAY - 60))
    keys = [
        request["Key"]["key"]["S"]
        for name, request in harness.aws.dynamodb.calls
        if name == "GetItem"
    ]
    assert not [key for key in keys if key.startswith("pause#")]


def test_an_expired_profile_says_what_it_failed_on(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = fakes.envelope("9", "Down for maintenance", status=503)
    harness.deliver(message(age=2 * DAY))
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.attributes["detail"] == "RainFocus is out of order or can't be reached"
    assert dead_letter.attributes["status"] == "503"
    assert dead_letter.attributes["code"] == "9"
    assert dead_letter.attributes["message"] == "Down for maintenance"


def test_behind_an_expired_profile_its_group_goes_on(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = in_turn(BUSY, fakes.stored())
    outcomes = harness.deliver(message(0, "ada", age=2 * DAY), message(1, "ada"))
    assert kinds(outcomes) == ["expired", "retry"]
    assert outcomes[1].detail == "RainFocus is out of order or can't be reached"
    assert kinds(harness.deliver(message(1, "ada", attempt=2))) == ["delivered"]


# --- erased persons ---------------------------------------------------------------------------


def block(harness: DeliveryHarness, email: str) -> None:
    key = attendee.person_key(HASH_KEY, attendee.sha256_of(email))
    Blocks(harness.aws.dynamodb, fakes.TABLE).put(key)


def reasons(outcomes: list[Outcome]) -> list[str]:
    return [f"{outcome.kind} {outcome.reason}".strip() for outcome in outcomes]


def test_nothing_of_an_erased_person_is_sent_however_much_is_in_a_batch(
    harness: DeliveryHarness,
) -> None:
    block(harness, "ada@example.com")
    batch = [message(0, "ada"), message(1, "ben"), message(2, "ada"), message(3, "ada")]
    outcomes = harness.deliver(*batch)
    assert reasons(outcomes) == [
        "filtered erased",
        "delivered",
        "filtered erased",
        "filtered erased",
    ]
    assert harness.emails == ["ben@example.com"]
    assert list(harness.noted) == [entry_key("ben")]  # of the other nothing is noted
    assert harness.aws.sqs.dead_letters == []


@pytest.mark.parametrize("destination", ["default", "summit"])
@pytest.mark.parametrize("field", ["email", "email_lc_sha256"])
def test_an_erased_person_is_known_by_address_or_hash_at_every_destination(
    harness: DeliveryHarness, destination: str, field: str
) -> None:
    hashes = {"only": "send"}
    harness.aws.set_destination("default", event_code="summit2027", hashes=hashes)
    harness.aws.set_destination("summit", event_code="summit2028", hashes=hashes)
    block(harness, "ada@example.com")
    known = {"email": " ADA@Example.com", "email_lc_sha256": attendee.sha256_of("ada@example.com")}
    profile = {field: known[field], "firstname": "Ada"}
    harness.push(profile, destination=destination)
    assert reasons(harness.work()) == ["filtered erased"]
    assert harness.rainfocus.calls == []


def test_a_block_that_comes_between_two_tries_counts(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = BUSY
    assert kinds(harness.deliver(message(0, "ada"))) == ["retry"]
    block(harness, "ada@example.com")
    harness.rainfocus.reply = fakes.stored()
    assert reasons(harness.deliver(message(0, "ada", attempt=2))) == ["filtered erased"]
    assert len(harness.rainfocus.calls) == 1


def test_what_of_an_erased_person_would_be_rejected_is_no_dead_letter(
    harness: DeliveryHarness,
) -> None:
    block(harness, "ada@example.com")
    hashed = json.dumps({"email_lc_sha256": attendee.sha256_of("ada@example.com")})
    assert reasons(harness.deliver(message(0, body=hashed))) == ["filtered erased"]
    assert harness.aws.sqs.dead_letters == []


def test_an_older_one_of_an_erased_person_is_erased_and_not_stale(
    harness: DeliveryHarness,
) -> None:
    harness.deliver(message(5, "ada"))
    block(harness, "ada@example.com")
    assert reasons(harness.deliver(message(1, "ada", age=60))) == ["filtered erased"]


def test_while_the_ledger_can_t_be_read_nobody_is_taken_for_not_erased(
    harness: DeliveryHarness,
) -> None:
    block(harness, "ada@example.com")
    harness.aws.dynamodb.unprocessed = 100
    assert kinds(harness.deliver(message(0, "ada"))) == ["retry"]
    assert harness.rainfocus.calls == []


def test_who_is_erased_costs_a_read_and_no_call_more(harness: DeliveryHarness) -> None:
    harness.deliver(*(message(n) for n in range(10)))
    assert harness.aws.dynamodb.count("BatchGetItem") == 1
    [request] = [each for name, each in harness.aws.dynamodb.calls if name == "BatchGetItem"]
    assert len(request["RequestItems"][fakes.TABLE]["Keys"]) == 20


# --- access tokens ------------------------------------------------------------------------------


def only_takes(value: str) -> Callable[[fakes.Call], fakes.Reply]:
    wanted = f"Bearer {value}"
    return lambda call: fakes.stored() if call.headers["Authorization"] == wanted else REFUSED


def test_a_newer_token_is_used_at_once(harness: DeliveryHarness) -> None:
    harness.deliver(message(0))
    harness.aws.set_token(token("newer"))
    harness.aws.clock.now += 1
    harness.rainfocus.reply = only_takes("newer")
    assert kinds(harness.deliver(message(1))) == ["delivered"]
    assert harness.aws.functions.payloads == []
    assert harness.waits == {}


def test_a_refused_token_is_asked_to_be_renewed_exactly_once(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = REFUSED
    assert kinds(harness.deliver(*(message(n) for n in range(10)))) == ["retry"] * 10
    assert kinds(harness.deliver(*(message(n) for n in range(10)))) == ["retry"] * 10
    assert harness.aws.functions.payloads == [{"connection": "default", "refused": token().digest}]
    assert len(harness.rainfocus.calls) == 20


def test_a_newer_token_that_is_refused_too_is_asked_to_be_renewed(harness: DeliveryHarness) -> None:
    harness.deliver(message(0))
    harness.aws.set_token(token("newer"))
    harness.aws.clock.now += 1
    harness.rainfocus.reply = REFUSED
    assert kinds(harness.deliver(message(1))) == ["retry"]
    assert harness.aws.functions.payloads == [
        {"connection": "default", "refused": token("newer").digest}
    ]


@pytest.mark.parametrize("text", ["{}", "", "broken"])
def test_without_a_token_one_is_asked_for(harness: DeliveryHarness, text: str) -> None:
    harness.aws.set_token_text(text)
    [outcome] = harness.deliver(message())
    assert outcome == Outcome(
        OutcomeKind.RETRY,
        Reason.NO_TOKEN,
        "no access token",
        retry=Retry(is_fault_of_settings=True),
    )
    assert harness.aws.functions.payloads == [{"connection": "default", "refused": ""}]
    assert harness.rainfocus.calls == []


def test_an_upgrade_from_tokens_in_secrets_costs_one_fetch(harness: DeliveryHarness) -> None:
    aws = harness.aws
    aws.remove_token()
    del aws.secrets.versions[f"{STACK}/api-profile/default"]
    aws.secrets.versions[f"{STACK}/access-token/default"] = ['{"value": "of before"}']
    endpoint = fakes.Http(fakes.Reply(200, b'{"access_token": "granted", "expires_in": 3600}'))
    settings = aws.settings()
    refresh = TokenRefresh(settings, aws.token_store(settings), endpoint.session(), interval=120)

    assert kinds(harness.deliver(message(), message(1))) == ["retry", "retry"]
    [asked] = aws.functions.payloads
    [result] = refresh.run(asked["connection"], asked["refused"])
    assert result.state is TokenState.REFRESHED
    aws.clock.now += 6

    assert kinds(harness.deliver(message(), message(1))) == ["delivered", "delivered"]
    assert len(endpoint.calls) == 1
    [call, _] = harness.rainfocus.calls
    assert call.headers["Authorization"] == "Bearer granted"
    assert call.headers["apiProfile"] == CREDENTIALS.client_id


@pytest.mark.parametrize("left", [-3_600, 0, 4])
def test_a_token_that_is_about_to_end_is_not_tried(harness: DeliveryHarness, left: int) -> None:
    harness.aws.set_token(token(expires_at=int(time.time()) + left))
    assert kinds(harness.deliver(message())) == ["retry"]
    assert harness.rainfocus.calls == []
    assert len(harness.aws.functions.payloads) == 1


def test_a_token_of_another_environment_is_not_tried(harness: DeliveryHarness) -> None:
    harness.aws.set_token(token(audience="https://events-stg.rainfocus.com/acme"))
    assert kinds(harness.deliver(message())) == ["retry"]
    assert harness.rainfocus.calls == []
    assert len(harness.aws.functions.payloads) == 1


def test_a_token_that_ran_out_in_the_cache_is_read_again(harness: DeliveryHarness) -> None:
    harness.aws.set_token(token(expires_at=1_000_000_000))
    harness.deliver(message(0))
    harness.aws.set_token(token("newer"))
    harness.aws.clock.now += 6
    harness.rainfocus.reply = only_takes("newer")
    assert kinds(harness.deliver(message(1))) == ["delivered"]


def test_a_failure_to_ask_for_a_token_loses_nothing(harness: DeliveryHarness) -> None:
    harness.aws.functions.always = fakes.denied("TooManyRequestsException")
    harness.rainfocus.reply = REFUSED
    [outcome] = harness.deliver(message())
    assert outcome == Outcome(
        OutcomeKind.RETRY, Reason.AWS_UNAVAILABLE, "AWS: TooManyRequestsException"
    )


# --- a connection that is paused ----------------------------------------------------------------

DENIED = fakes.envelope("124", "Access to API endpoint denied.")
PAUSED = Reason.PAUSED


def pause(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = DENIED
    while harness.deliver(message(900))[0].reason is not PAUSED:
        assert len(harness.rainfocus.calls) <= FAILURES_TO_PAUSE
    harness.rainfocus.calls.clear()
    harness.waits.clear()


@pytest.mark.usefixtures("wall")
@pytest.mark.parametrize("attempt", [1, 5, 9])
def test_what_meets_a_pause_is_back_soon(harness: DeliveryHarness, attempt: int) -> None:
    pause(harness)
    outcomes = harness.deliver(*(message(n, attempt=attempt) for n in range(10)))
    assert {(each.kind, each.reason) for each in outcomes} == {(OutcomeKind.RETRY, PAUSED)}
    assert len(harness.waits) == 10
    assert all(1 <= wait <= FIRST_PROBE_SECONDS + 2 for wait in harness.waits.values())
    assert harness.rainfocus.calls == []
    assert harness.aws.sqs.dead_letters == []


def reads_of(harness: DeliveryHarness, *batch: QueuedProfile) -> int:
    before = harness.aws.dynamodb.count("BatchGetItem")
    harness.deliver(*batch)
    return harness.aws.dynamodb.count("BatchGetItem") - before


@pytest.mark.usefixtures("wall")
def test_what_meets_the_same_pause_again_costs_no_look_at_what_was_delivered(
    harness: DeliveryHarness,
) -> None:
    pause(harness)
    assert reads_of(harness, *(message(n) for n in range(10))) == 1
    assert reads_of(harness, *(message(n, attempt=2) for n in range(10))) == 1  # the notes alone
    mixed = [message(10), *(message(n, attempt=3) for n in range(9))]
    assert reads_of(harness, *mixed) == 2


@pytest.mark.usefixtures("wall")
def test_what_expires_while_its_connection_is_paused_makes_its_attendee_due(
    harness: DeliveryHarness,
) -> None:
    harness.rainfocus.reply = fakes.stored()
    harness.deliver(message(0))
    harness.rainfocus.calls.clear()
    pause(harness)
    harness.deliver(message(1, person="p0"))
    harness.deliver(message(1, person="p0", attempt=2))
    late = replace(
        message(1, person="p0", attempt=3), queued_at=int((time.time() - 3 * DAY - 60) * 1_000)
    )
    assert kinds(harness.deliver(late)) == ["expired"]
    [entry] = harness.noted.values()
    assert entry["mapping_version"] == {"S": ""}


@pytest.mark.usefixtures("wall")
@pytest.mark.parametrize(
    ("age", "kind"), [(3 * DAY - 60, OutcomeKind.RETRY), (3 * DAY + 60, OutcomeKind.EXPIRED)]
)
def test_a_pause_ends_no_profile_before_the_queue_would(
    harness: DeliveryHarness, age: float, kind: OutcomeKind
) -> None:
    pause(harness)
    assert [each.kind for each in harness.deliver(message(age=age))] == [kind]


def test_a_batch_resumes_a_connection_with_one_probe(harness: DeliveryHarness, wall: Clock) -> None:
    pause(harness)
    wall.now += FIRST_PROBE_SECONDS
    outcomes = harness.deliver(*(message(n) for n in range(10)))
    assert kinds(outcomes).count("retry") == 10
    assert len(harness.rainfocus.calls) == 1
    harness.rainfocus.reply = fakes.stored()
    wall.now += 2 * FIRST_PROBE_SECONDS
    harness.deliver(message(10))
    assert kinds(harness.deliver(*(message(n) for n in range(10)))) == ["delivered"] * 10
    assert harness.aws.sqs.dead_letters == []


def test_nothing_is_lost_to_a_connection_that_is_at_fault_as_a_whole(
    harness: DeliveryHarness, wall: Clock
) -> None:
    harness.deliver(message(900))
    harness.rainfocus.reply = DENIED
    for attempt in range(1, 20):
        wall.now += LONGEST_PROBE_SECONDS
        outcomes = harness.deliver(*(message(n, attempt=attempt) for n in range(10)))
        assert kinds(outcomes) == ["retry"] * 10
    harness.rainfocus.reply = fakes.stored()
    wall.now += LONGEST_PROBE_SECONDS
    harness.deliver(message(0))
    assert kinds(harness.deliver(*(message(n) for n in range(1, 10)))) == ["delivered"] * 9
    assert harness.aws.sqs.dead_letters == []


def test_a_profile_that_alone_meets_a_fault_is_rejected_after_a_few_attempts_and_a_minute(
    harness: DeliveryHarness, wall: Clock
) -> None:
    harness.rainfocus.reply = by_email({"bad": DENIED})
    seen = []
    queued_at = int(wall.now * 1_000)
    for attempt in range(1, 8):
        wall.now += 9
        bad = message(0, "bad", attempt=attempt, queued_at=queued_at)
        seen += kinds(harness.deliver(bad))
        wall.now += 1
        assert kinds(harness.deliver(message(attempt, "good"))) == ["delivered"]
    assert seen == [*["retry"] * 6, "rejected"]
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.attributes["detail"] == (
        "RainFocus takes others of this connection, but not this profile"
    )
    assert dead_letter.attributes["code"] == "124"
    assert dead_letter.attributes["message"] == "Access to API endpoint denied."
    wall.now += 1
    assert kinds(harness.deliver(message(8, "bad", "hello"), message(9, "good")))[1] == "delivered"


def test_four_attempts_suffice_after_a_minute(harness: DeliveryHarness, wall: Clock) -> None:
    harness.rainfocus.reply = by_email({"bad": DENIED})
    seen = []
    for attempt in range(1, 5):
        wall.now += 1
        seen += kinds(harness.deliver(message(0, "bad", attempt=attempt, age=60)))
        wall.now += 1
        harness.deliver(message(attempt, "good"))
    assert seen == ["retry", "retry", "retry", "rejected"]


def test_a_profile_alone_in_the_batches_of_others_pauses_nothing(
    harness: DeliveryHarness, wall: Clock
) -> None:
    harness.rainfocus.reply = by_email({"bad": DENIED})
    for attempt in range(1, 5):
        wall.now += 1
        outcomes = harness.deliver(
            *(message(n + 10 * attempt, f"p{n}") for n in range(4)),
            message(4, "bad", attempt=attempt),
            *(message(n + 10 * attempt, f"p{n}") for n in range(5, 10)),
        )
        assert kinds(outcomes).count("delivered") == 9


@pytest.mark.usefixtures("no_jitter")
def test_what_is_too_fast_comes_back_soon(harness: DeliveryHarness) -> None:
    harness.aws.set_connection("default", changed(limits={"requests_per_second": 0.5}))
    outcomes = harness.deliver(message(0), message(1, attempt=9))
    [late] = [each for each in outcomes if each.kind is OutcomeKind.RETRY]
    assert late.detail == "held to the connection's requests per second"
    assert all(3 <= wait <= 6 + 2 * 9 for wait in harness.waits.values())
    assert harness.aws.sqs.dead_letters == []


# --- when settings or AWS fail ------------------------------------------------------------------


@pytest.mark.parametrize("service", ["ssm", "secretsmanager", "dynamodb"])
def test_a_failure_of_aws_loses_nothing(harness: DeliveryHarness, service: str) -> None:
    harness.aws.client(service).always = fakes.denied("InternalFailure")
    [outcome] = harness.deliver(message())
    assert outcome.kind is OutcomeKind.RETRY
    assert "InternalFailure" in outcome.detail
    assert set(harness.waits) == {"receipt-0"}


@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
def test_a_failure_for_a_moment_is_not_noticed(harness: DeliveryHarness, service: str) -> None:
    harness.aws.client(service).failures = [fakes.unreachable()]
    assert kinds(harness.deliver(message())) == ["delivered"]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("destinations", "broken", "the settings of the destination are not valid"),
        ("destinations", '{"event": "x"}', "the settings of the destination are not valid"),
        (
            "destinations",
            '{"event_code": "x", "connection": "gone"}',
            "there is no connection gone",
        ),
        ("connections", "broken", f"{NOT_VALID}: no JSON object"),
        ("connections", '{"org_id": "/"}', f"{NOT_VALID}: org_id"),
        ("connections", '{"org_id": "a", "hunter2": 1}', f"{NOT_VALID}: an unknown setting"),
        # Stored by an earlier version, which took it.
        (
            "connections",
            '{"org_id": "a", "base_url": "http://rf.example.com"}',
            f"{NOT_VALID}: base_url must be https://, since http:// shows the secrets to all on "
            "its way",
        ),
    ],
)
def test_wrong_settings_lose_no_profile(
    harness: DeliveryHarness, name: str, text: str, reason: str
) -> None:
    harness.aws.ssm.parameters[f"/{STACK}/{name}/default"] = text
    [outcome] = harness.deliver(message())
    assert (outcome.kind, outcome.detail) == (OutcomeKind.RETRY, reason)
    assert outcome.reason in (Reason.SETTINGS_INVALID, Reason.UNKNOWN_CONNECTION)
    assert outcome.retry.is_fault_of_settings
    assert harness.aws.sqs.dead_letters == []


def test_an_unexpected_error_does_not_stop_the_batch(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Mapper.decide

    def decide(rules: Mapper, document: dict[str, Any], foreign_state: str) -> Decision:
        if document["email"] == "p1@example.com":
            raise ZeroDivisionError(str(document))
        return whole(rules, document, foreign_state)

    monkeypatch.setattr(Mapper, "decide", decide)
    outcomes = harness.deliver(*(message(n) for n in range(3)))
    assert kinds(outcomes) == ["delivered", "retry", "delivered"]
    assert outcomes[1].detail == "internal error: ZeroDivisionError"


# --- what is written down -----------------------------------------------------------------------

PRIVATE = {
    "email": "ada.private@example.com",
    "firstname": "Augusta",
    "lastname": "Lovelace-King",
    "phone": "+1 555 0100",
    "address1": "12 St James Square",
    "zip": "SW1Y 4JH",
}


@pytest.mark.parametrize(
    "reply",
    [
        fakes.stored(),
        fakes.envelope("5", f"refused: {' '.join(PRIVATE.values())}", status=400),
        fakes.envelope("5", f"refused: {PRIVATE}", status=503),
        fakes.envelope(PRIVATE["email"], PRIVATE["lastname"].upper(), status=403),
        fakes.envelope("0", attendeeId=PRIVATE["email"]),
        fakes.Reply(400, json.dumps(PRIVATE).encode()),
        fakes.Reply(error=requests.ConnectionError(str(PRIVATE))),
        fakes.Reply(error=RuntimeError(str(PRIVATE))),
        REFUSED,
    ],
)
@pytest.mark.parametrize("age", [0, 2 * DAY])
def test_nothing_pushed_is_written_to_log_ledger_or_reasons(
    harness: DeliveryHarness, output: Callable[[], str], reply: fakes.Reply, age: float
) -> None:
    harness.rainfocus.reply = reply
    harness.deliver(message(0, "ada", json.dumps(PRIVATE), age=age))
    written = [output(), json.dumps(harness.aws.dynamodb.items)]
    written += [str(dead_letter.attributes) for dead_letter in harness.aws.sqs.dead_letters]
    for value in (*PRIVATE.values(), token().value, "not-a-real-client"):
        assert value.lower() not in "\n".join(written).lower()


@pytest.mark.parametrize(
    ("reply", "said", "outcome"),
    [
        (fakes.stored(), "profile settled", "delivered"),
        (fakes.envelope("5", status=400), "profile settled", "rejected"),
        (BUSY, "profile put back", "retry"),
        (fakes.Reply(error=requests.ReadTimeout()), "profile put back", "retry"),
    ],
)
def test_the_log_says_what_became_of_a_profile(
    harness: DeliveryHarness, output: Callable[[], str], reply: fakes.Reply, said: str, outcome: str
) -> None:
    harness.rainfocus.reply = reply
    harness.deliver(message(3, "ada", attempt=2, age=60))
    line = json.loads(output().splitlines()[0])
    assert line["message"] == said
    assert line["outcome"] == outcome
    assert line.get("status") == (None if reply.error else reply.status)
    assert line["destination"] == "default"
    assert f"attendee#{line['attendee']}" == entry_key("ada")
    assert (line["request_id"], line["index"]) == ("push", "3")
    assert re.fullmatch("[0-9a-f]{12}", line["mapping_version"])
    assert line["attempt"] == 2
    assert line["trace_id"] == TRACE.split("-")[1]
    assert 60_000 <= line["age_ms"] < 10_000_000
    assert line["latency_ms"] >= 0


def test_a_session_serves_each_thread_with_a_connection_of_its_own() -> None:
    with http_client.session(module.THREADS) as session:
        adapter = session.get_adapter(CONNECTION.base)
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        pool = adapter.poolmanager.connection_pool_kw
        assert pool["maxsize"] == module.THREADS
        assert adapter.max_retries.total == 0


# --- what the destination wants -----------------------------------------------------------------

LEFT = {"segmentMembership": {"ups": {"audience-1": {"status": "exited"}}}}
ADDRESS = {"email": "ada@example.com"}


def body(*parts: dict[str, Any]) -> str:
    return json.dumps({name: value for part in parts for name, value in part.items()})


def test_a_filter_that_cannot_be_evaluated_waits_for_its_settings(harness: DeliveryHarness) -> None:
    harness.aws.set_destination("default", event_code="summit2027", filter="length(age) > `1`")
    [outcome] = harness.deliver(message(body=body(ADDRESS, {"age": 5})))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, Reason.FILTER_FAILED)
    assert outcome.retry.is_fault_of_settings
    assert harness.rainfocus.calls == []
    assert harness.aws.sqs.dead_letters == []


@pytest.mark.parametrize(
    ("destination", "pushed", "reason"),
    [
        ({}, [ADDRESS, LEFT], "left_audience"),
        ({"filter": "country == 'US'"}, [ADDRESS], "filter"),
        (
            {"exits": {"action": "set", "fields": {"status": "left"}}},
            [ADDRESS, LEFT],
            "left_audience",
        ),
    ],
)
def test_what_is_filtered_is_settled_and_no_dead_letter(
    harness: DeliveryHarness, destination: dict[str, Any], pushed: list[dict[str, Any]], reason: str
) -> None:
    harness.aws.set_destination("default", event_code="summit2027", **destination)
    [outcome] = harness.deliver(message(body=body(*pushed)))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FILTERED, reason)
    assert harness.rainfocus.calls == []
    assert harness.aws.sqs.calls == []
    [item] = harness.noted.values()
    assert item["outcome"] == {"S": "filtered"}
    assert "delivered_at" not in item


def test_who_leaves_is_marked_once_the_ledger_knows_them(harness: DeliveryHarness) -> None:
    exits = {"action": "set", "fields": {"custom.status": "left"}}
    harness.aws.set_destination("default", event_code="summit2027", exits=exits)
    leaving = body(ADDRESS, LEFT, {"firstName": "Ada"})
    outcomes = [
        harness.deliver(message(0, "ada", leaving)),
        harness.deliver(message(1, "ada", body(ADDRESS, {"firstName": "Ada"}))),
        harness.deliver(message(2, "ada", leaving)),
        harness.deliver(message(3, "ben", leaving.replace("ada", "ben"))),
    ]
    assert [kinds(each) for each in outcomes] == [
        ["filtered"],
        ["delivered"],
        ["delivered"],
        ["filtered"],
    ]
    assert [call.json for call in harness.rainfocus.calls] == [
        {"event": "summit2027", **ADDRESS, "firstname": "Ada"},
        {"event": "summit2027", **ADDRESS, "custom.status": "left"},
    ]
    assert "delivered_at" in harness.noted[entry_key("ada")]
    assert "delivered_at" not in harness.noted[entry_key("ben")]


def test_a_person_known_to_one_destination_is_not_known_to_another(
    harness: DeliveryHarness,
) -> None:
    exits = {"action": "set", "fields": {"status": "left"}}
    for name in ("default", "partners"):
        harness.aws.set_destination(name, event_code="summit2027", exits=exits)
    assert kinds(harness.deliver(message(0, "ada"))) == ["delivered"]
    leaving = message(1, "ada", body(ADDRESS, LEFT), destination="partners")
    assert kinds(harness.deliver(leaving)) == ["filtered"]


def test_a_ledger_that_cannot_be_read_lets_nobody_leave_yet(harness: DeliveryHarness) -> None:
    exits = {"action": "set", "fields": {"status": "left"}}
    harness.aws.set_destination("default", event_code="summit2027", exits=exits)
    harness.aws.dynamodb.always = fakes.denied("InternalServerError")
    assert kinds(harness.deliver(message(body=body(ADDRESS, LEFT)))) == ["retry"]
    assert harness.rainfocus.calls == []


def test_a_bad_optional_field_is_left_out_and_noted(
    harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    [outcome] = harness.deliver(message(body=body(ADDRESS, {"country": "Ruritania", "zip": "1"})))
    assert outcome.kind is OutcomeKind.DELIVERED
    reason = "left out: not a country of ISO 3166-1, by code or name"
    assert outcome.remarks == (("countryid", reason),)
    assert json.loads(output().splitlines()[0])["remarks"] == [f"countryid: {reason}"]
    [call] = harness.rainfocus.calls
    assert call.json == {"event": "summit2027", **ADDRESS, "zip": "1"}


def test_a_state_goes_where_the_connection_says(harness: DeliveryHarness) -> None:
    pushed = message(body=body(ADDRESS, {"country": "DE", "state": "Bavaria"}))
    harness.deliver(pushed)
    harness.aws.set_connection("default", changed(fields={"foreign_state": "foreignstate"}))
    harness.aws.clock.now += 3_600
    harness.deliver(pushed)
    expected = {"event": "summit2027", **ADDRESS, "countryid": "DE"}
    assert [call.json for call in harness.rainfocus.calls] == [
        expected,
        expected | {"foreignstate": "Bavaria"},
    ]


def test_where_only_a_hash_is_known_the_destination_says_what_happens(
    harness: DeliveryHarness,
) -> None:
    email_hash = attendee.sha256_of("ada@example.com")
    pushed = message(body=body({"email": email_hash, "zip": "1"}))
    [outcome] = harness.deliver(pushed)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.REJECTED, Reason.ONLY_HASH)
    hashes = {"only": "send", "field": "hashedEmail"}
    harness.aws.set_destination("default", event_code="summit2027", hashes=hashes)
    harness.aws.clock.now += 3_600
    assert kinds(harness.deliver(pushed)) == ["delivered"]
    [call] = harness.rainfocus.calls
    assert call.json == {"event": "summit2027", "hashedEmail": email_hash, "zip": "1"}
    assert harness.noted.keys() == {entry_key("ada")}


def test_a_message_that_breaks_its_planning_is_buried_and_its_persons_later_ones_go_on(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = Mapper.decide

    def decided(self: Mapper, document: dict[str, Any], foreign_state: str = "") -> Decision:
        if document.get("city") == "broken":
            raise ZeroDivisionError("ada@example.com")
        return decide(self, document, foreign_state)

    monkeypatch.setattr(Mapper, "decide", decided)
    harness.push({"email": "ada@example.com", "city": "broken"}, {"email": "ada@example.com"})
    for _ in range(6):
        harness.invoke()
        harness.aws.sqs.let_time_pass()
    assert harness.aws.sqs.profiles == []
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.attributes["outcome"] == "rejected"
    assert dead_letter.attributes["detail"] == "internal error: ZeroDivisionError"
    assert dead_letter.attributes["attempts"] == "5"
    assert harness.emails == ["ada@example.com"]


DAMAGES: list[dict[str, Any]] = [
    {"outcome": {"S": "postponed"}},
    {"outcome": {"N": "1"}},
    {"fields": {"S": "{"}},
    {"fields": {"S": "[1]"}},
    {"fields": {"S": '{"zip": 1}'}},
    {"fields": {"S": "[" * 100_000}},
    {"delivered_at": {"N": "1.5"}},
    {"settled_at": {"S": "yesterday"}},
    {"accepted_at": {"S": "yesterday"}},
    {"accepted_at": {"NULL": True}},
    {"sequence": {"M": {}}},
    {"status": {"L": []}},
]


@pytest.mark.parametrize("damage", DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_entry_counts_as_no_knowledge_of_its_attendee_alone(
    harness: DeliveryHarness, damage: dict[str, Any], output: Callable[[], str]
) -> None:
    harness.push({"email": "ada@example.com"}, {"email": "bob@example.com"})
    assert kinds(harness.work()) == ["delivered"] * 2
    damaged, whole = harness.noted
    before = dict(harness.aws.dynamodb.items[damaged])
    harness.aws.dynamodb.items[damaged] |= damage
    output()
    harness.push({"email": "ada@example.com"}, {"email": "bob@example.com"})
    assert sorted(kinds(harness.work())) == ["delivered", "unchanged"]
    lines = [json.loads(line) for line in output().splitlines()]
    told = [
        line["attendee"] for line in lines if line.get("message") == "ledger entry not readable"
    ]
    assert told == [damaged.removeprefix("attendee#")]
    assert harness.noted[damaged].keys() == before.keys()
    harness.push({"email": "ada@example.com"}, {"email": "bob@example.com"})
    assert kinds(harness.work()) == ["unchanged"] * 2
    assert whole in harness.noted


@pytest.mark.parametrize("value", [{"S": "x"}, {"N": "1.5"}, {"NULL": True}])
def test_damaged_notes_of_attempts_and_of_trouble_count_as_none(
    harness: DeliveryHarness, value: dict[str, Any]
) -> None:
    names = ("put_back", "deaths", "at", "alone", "begun_at", "begun")
    for key in ("attempt#message-0", "trouble#message-0", "stored#default"):
        harness.aws.dynamodb.items[key] = {"key": {"S": key}, **dict.fromkeys(names, value)}
    harness.rainfocus.reply = fakes.Reply(403)
    assert kinds(harness.deliver(message(attempt=2), message(1))) == ["retry"] * 2
    harness.rainfocus.reply = fakes.stored()


# --- what waits is told once --------------------------------------------------------------------


def told(written: str, message_id: str = "0") -> list[str]:
    """Return why a profile waited or how it ended, by its lines of the log."""
    lines = [json.loads(line) for line in written.splitlines()]
    mine = [line for line in lines if line.get("index") == message_id]
    return [line.get("reason") or line["outcome"] for line in mine]


def test_a_profile_that_waits_is_told_of_once_for_each_reason(
    harness: DeliveryHarness, wall: Clock, output: Callable[[], str]
) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    for attempt in range(1, FAILURES_TO_PAUSE + 20):
        wall.now += 1
        harness.deliver(message(0, attempt=attempt))
        harness.deliver(message(1, attempt=attempt))
    harness.rainfocus.reply = fakes.stored()
    wall.now += LONGEST_PROBE_SECONDS
    harness.deliver(message(0, attempt=attempt + 1))
    written = output()
    reasons = told(written)
    assert reasons[:2] == ["unavailable", "paused"]
    assert reasons[-1] == "delivered"
    assert all(one != other for one, other in itertools.pairwise(reasons))
    assert written.count('"Profiles":') == written.count('"profile ')  # metrics likewise


def test_what_waits_for_long_is_told_of_again_within_the_hour(
    harness: DeliveryHarness, wall: Clock, output: Callable[[], str]
) -> None:
    harness.rainfocus.reply = fakes.Reply(401)
    for attempt in range(1, 13):
        harness.deliver(message(attempt=attempt))
        wall.now += 600
    assert 2 <= len(told(output())) <= 4


def test_where_the_ledger_can_not_tell_each_try_is_told(
    harness: DeliveryHarness, output: Callable[[], str]
) -> None:
    harness.aws.dynamodb.always = fakes.denied("InternalServerError")
    for attempt in range(1, 4):
        harness.deliver(message(attempt=attempt))
    assert told(output()) == ["ledger_unavailable"] * 3
