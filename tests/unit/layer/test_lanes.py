"""Lanes: how a destination's own queue is found, and that nothing is lost between two queues."""

import itertools
import json
import time
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from attendee_sync.delivery.ledger import Ledger
from attendee_sync.messaging import lanes
from attendee_sync.outcome import OutcomeKind
from attendee_sync.rainfocus.connection import Limits
from attendee_sync.rainfocus.connection_state import ConnectionStates
from attendee_sync.rainfocus.guards import Guards
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, kinds, prove
from tests.support.stack import STACK, Aws, Clock, changed

OWN_URL = fakes.queue_url(f"{STACK}_lane_summit.fifo")


def give_lane(aws: Aws, state: str = "own") -> None:
    aws.set_destination("summit", event_code="summit2028", lane=state)
    aws.sqs.queues.setdefault(OWN_URL, [])


def profile(zip_code: str = "1", **more: str) -> dict[str, str]:
    return {"email": "ada@example.com", "zip": zip_code, **more}


# --- names ---


@pytest.mark.parametrize("stack", ["a", "attendee-sync", "s" * 50])
@pytest.mark.parametrize("destination", ["s", "summit", "d" * 64, "d" * 63 + "e"])
def test_a_lane_s_queue_has_a_name_that_sqs_takes(stack: str, destination: str) -> None:
    lane = lanes.own_lane(stack, destination)
    name = lanes.queue_name(stack, lane)
    assert len(name) <= 80
    assert name.endswith(".fifo")
    assert lanes.lane_of(f"arn:aws:sqs:eu-west-1:123456789012:{name}") == lane


def test_no_two_destinations_have_the_same_lane() -> None:
    names = ["d" * n + ending for n in (1, 40, 62) for ending in ("a", "b", "-a")]
    assert len({lanes.own_lane("s" * 50, name) for name in names}) == len(names)
    assert lanes.own_lane("s" * 50, "summit") == "summit"


def test_no_stack_s_lanes_are_another_s() -> None:
    """Nor do they fit the pattern of names that another stack's roles permit."""
    stacks = ["a", "a-lane", "a-lane-b", "a-lane-b-lane", "a-b"]
    destinations = ["b", "lane", "b-lane-c", "c", "lane-c"]
    pairs = list(itertools.product(stacks, destinations))
    names = {pair: lanes.queue_name(pair[0], lanes.own_lane(*pair)) for pair in pairs}
    assert len(set(names.values())) == len(pairs)
    for stack, (owner, _), name in (
        (stack, pair, name) for stack in stacks for pair, name in names.items()
    ):
        assert fnmatchcase(name, lanes.queue_name(stack, "*")) == (stack == owner)


def test_the_template_s_queue_is_the_shared_lane() -> None:
    arn = "arn:aws:sqs:eu-west-1:123456789012:attendee-sync-ProfileQueue-1A2B3C.fifo"
    assert lanes.lane_of(arn) == lanes.SHARED


@pytest.mark.parametrize("text", ["", "[]", "{", '{"lane": "shared"}', "{}", "[" * 100_000])
def test_settings_without_a_lane_are_of_the_shared_one(text: str) -> None:
    assert not lanes.has_own(text)
    assert not lanes.takes_pushes(text)


# --- ingest and delivery ---


def test_a_push_is_queued_in_the_destination_s_lane(harness: DeliveryHarness) -> None:
    give_lane(harness.aws)
    harness.push(profile(), destination="summit")
    harness.push(profile())
    assert len(harness.aws.sqs.queues[OWN_URL]) == len(harness.aws.sqs.profiles) == 1


@pytest.mark.parametrize(("lane_from", "is_own"), [(None, False), (1_001, False), (1_000, True)])
def test_a_moving_destination_s_pushes_go_to_its_lane_from_a_time_on(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, lane_from: int | None, is_own: bool
) -> None:
    settings = {"lane": "moving", "lane_from": lane_from}
    harness.aws.set_destination("summit", event_code="summit2028", **settings)
    harness.aws.sqs.queues[OWN_URL] = []
    monkeypatch.setattr(time, "time", lambda: 1_000.0)
    harness.push(profile(), destination="summit")
    assert (len(harness.aws.sqs.queues[OWN_URL]), len(harness.aws.sqs.profiles)) == (
        (1, 0) if is_own else (0, 1)
    )


def test_a_push_whose_lane_is_missing_is_put_off(harness: DeliveryHarness) -> None:
    give_lane(harness.aws)
    del harness.aws.sqs.queues[OWN_URL]
    with pytest.raises(AssertionError):  # it is no 202
        harness.push(profile(), destination="summit")
    assert harness.aws.sqs.profiles == []


def test_what_must_be_retried_is_put_back_on_its_own_queue(harness: DeliveryHarness) -> None:
    give_lane(harness.aws)
    harness.rainfocus.reply = fakes.Reply(503)
    harness.push(profile(), destination="summit")
    assert kinds(harness.invoke(OWN_URL)) == ["retry"]
    [(_, request)] = [
        each for each in harness.aws.sqs.calls if each[0] == "ChangeMessageVisibilityBatch"
    ]
    assert request["QueueUrl"] == OWN_URL


def test_the_lane_does_not_decide_what_is_stored(harness: DeliveryHarness) -> None:
    """So that nobody is sent again for having been moved."""
    harness.aws.set_destination("summit", event_code="summit2028")
    harness.push(profile(), destination="summit")
    assert kinds(harness.invoke()) == ["delivered"]
    give_lane(harness.aws)
    harness.push(profile(), destination="summit")
    harness.aws.clock.now += 61.0  # delivery reads the settings anew
    assert kinds(harness.invoke(OWN_URL)) == ["unchanged"]


def test_a_connection_s_pace_is_shared_among_the_lanes_that_call_over_it(
    harness: DeliveryHarness,
) -> None:
    limits = Limits(requests_per_second=4)
    harness.aws.set_connection("default", changed(limits=limits))
    prove(harness.aws, changed(limits=limits))
    give_lane(harness.aws)
    clock = harness.aws.clock
    guards = Guards(ConnectionStates(harness.aws.dynamodb, fakes.TABLE), 1, clock)
    client = replace(harness.delivery.client, guards=guards)
    harness.delivery = replace(harness.delivery, client=client)

    def delivered(some: str) -> int:
        harness.push(*({"email": f"{some}{n}@example.com"} for n in range(10)))
        return kinds(harness.invoke()).count("delivered")

    assert delivered("first") == 4
    harness.push(profile(), destination="summit")
    assert kinds(harness.invoke(OWN_URL)) == ["retry"]
    clock.now += 1
    assert delivered("second") == 2
    clock.now += 301
    assert delivered("third") == 4


# --- two queues' sequences cannot be compared ---


def test_the_first_of_a_new_lane_is_newer_though_its_sequence_is_lower(
    harness: DeliveryHarness,
) -> None:
    harness.aws.set_destination("summit", event_code="summit2028")
    harness.aws.sqs.number_from(1_000_000)
    harness.push(profile("1"), destination="summit")
    assert kinds(harness.invoke()) == ["delivered"]
    give_lane(harness.aws)
    harness.aws.sqs.number_from(1)
    harness.push(profile("2"), destination="summit")
    assert kinds(harness.invoke(OWN_URL)) == ["delivered"]
    assert [call.json["zip"] for call in harness.rainfocus.calls] == ["1", "2"]
    [entry] = Ledger(harness.aws.dynamodb, fakes.TABLE).read(_keys(harness)).entries.values()
    assert entry.version.lane == "summit"


@pytest.mark.parametrize(("old", "new"), [(1_000_000, 1), (1, 1_000_000)])
def test_what_was_left_in_the_shared_lane_does_not_replace_what_is_newer(
    harness: DeliveryHarness, old: int, new: int, wall: Clock
) -> None:
    harness.aws.set_destination("summit", event_code="summit2028")
    harness.aws.sqs.number_from(old)
    harness.push(profile("1"), destination="summit")
    wall.now += 1.0
    give_lane(harness.aws)
    harness.aws.sqs.number_from(new)
    harness.push(profile("2"), destination="summit")
    assert kinds(harness.invoke(OWN_URL)) == ["delivered"]
    assert kinds(harness.invoke()) == ["stale"]
    assert [call.json["zip"] for call in harness.rainfocus.calls] == ["2"]


def test_a_dead_letter_keeps_the_lane_of_its_sequence(harness: DeliveryHarness) -> None:
    give_lane(harness.aws)
    harness.rainfocus.reply = fakes.envelope("7", status=400)
    harness.push(profile(), destination="summit")
    [outcome] = harness.invoke(OWN_URL)
    assert outcome.kind is OutcomeKind.REJECTED
    [dead] = harness.aws.sqs.dead_letters
    assert json.loads(dead.attributes["origin"])["lane"] == "summit"


def _keys(harness: DeliveryHarness) -> list[str]:
    return [key.removeprefix("attendee#") for key in harness.noted]
