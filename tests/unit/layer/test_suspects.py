"""Invocations that die on a message: killed by Lambda, whatever for, so that nothing is caught."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import Any

import pytest

from attendee_sync.delivery import delivery
from attendee_sync.delivery.ledger import Recorded
from attendee_sync.delivery.planner import Plan, Planner
from attendee_sync.messaging.messages import QueuedProfile
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, join_threads_since, kinds, message
from tests.support.stack import Clock

DIED = "an invocation died on it 3 times"


class Killed(BaseException):
    """The function's process is gone."""


@pytest.fixture(autouse=True)
def clock(wall: Clock) -> Clock:
    """The time of day, which passes between invocations alone."""
    return wall


def let_pass(seconds: float) -> None:
    clock = time.time
    assert isinstance(clock, Clock)
    clock.now += seconds


def invoke(harness: DeliveryHarness) -> list[str]:
    """Return the kinds of a batch's outcomes, or "killed"; then let the time pass for its return.

    That is what it is put back for, or else the queue's visibility timeout.
    """
    harness.waits.clear()
    try:
        return kinds(harness.invoke())
    except Killed:
        return ["killed"]
    finally:
        let_pass(max(harness.waits.values(), default=360))
        harness.aws.sqs.let_time_pass()


def emails(harness: DeliveryHarness) -> set[str]:
    return {email.partition("@")[0] for email in harness.emails}


def profile(person: str, **more: str) -> dict[str, str]:
    return {"email": f"{person}@example.com", **more}


def in_planning(
    _: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, dies: Callable[[str], bool]
) -> None:
    plan = Planner.plan

    def planned(self: Planner, message: QueuedProfile) -> Plan:
        if dies(message.body):
            raise Killed
        return plan(self, message)

    monkeypatch.setattr(Planner, "plan", planned)


def in_the_call(
    harness: DeliveryHarness, _: pytest.MonkeyPatch, dies: Callable[[str], bool]
) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if dies(call.body):
            raise Killed
        return fakes.stored()

    harness.rainfocus.reply = reply


def in_noting(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, dies: Callable[[str], bool]
) -> None:
    sent: list[str] = []

    def reply(call: fakes.Call) -> fakes.Reply:
        sent.append(call.body)
        return fakes.stored()

    record = harness.delivery.ledger.record

    def recorded(*given: Any) -> Recorded:
        bodies = [sent.pop() for _ in sent[:]]
        if any(map(dies, bodies)):
            raise Killed
        return record(*given)

    harness.rainfocus.reply = reply
    monkeypatch.setattr(harness.delivery.ledger, "record", recorded)


WAYS = [in_planning, in_the_call, in_noting]
type Way = Callable[[DeliveryHarness, pytest.MonkeyPatch, Callable[[str], bool]], None]


def is_poison(body: str) -> bool:
    return "poison" in body


@pytest.mark.parametrize("way", WAYS)
def test_what_invocations_die_on_is_found_alone_and_buried(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    way(harness, monkeypatch, is_poison)
    poison = profile("poison", city="x" * 10_000)
    harness.push(*(profile(f"p{n}") for n in range(5)), poison, *map(profile, "abcd"))
    assert invoke(harness) == ["killed"]
    assert invoke(harness) == ["killed"]
    others = {f"p{n}" for n in range(5)} | set("abcd")
    assert emails(harness) - {"poison"} == others
    assert [sent.body for sent in harness.aws.sqs.profiles] == [json.dumps(poison)]
    assert [invoke(harness) for _ in range(4)] == [["killed"], ["killed"], ["rejected"], []]
    [dead_letter] = harness.aws.sqs.dead_letters
    assert dead_letter.body == json.dumps(poison)
    assert (dead_letter.attributes["outcome"], dead_letter.attributes["detail"]) == (
        "rejected",
        DIED,
    )
    assert dead_letter.attributes["attempts"] == "5"
    assert harness.aws.sqs.profiles == []
    assert len(harness.noted) == 9


@pytest.mark.parametrize("way", WAYS)
def test_a_small_killer_lets_its_batch_pass_with_the_third_receive(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    way(harness, monkeypatch, is_poison)
    harness.push(profile("poison"), *(profile(f"p{n}", city="x" * 99) for n in range(9)))
    assert [invoke(harness) for _ in range(2)] == [["killed"]] * 2
    assert invoke(harness) == ["killed"]
    assert len(harness.aws.sqs.profiles) == 1
    assert len(harness.noted) == 9
    assert [invoke(harness) for _ in range(3)] == [["killed"], ["rejected"], []]


def test_the_messages_of_a_killers_group_keep_their_order(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_planning(harness, monkeypatch, is_poison)
    cities = ["1", "poison", "3", "4"]
    harness.push(*(profile("ada", city=city) for city in cities), profile("bob"))
    seen = [invoke(harness) for _ in range(6)]
    assert seen[:4] == [["killed"]] * 4
    assert seen[4:] == [["rejected", "delivered", "delivered"], []]
    calls = [call.json for call in harness.rainfocus.calls]
    assert [call["city"] for call in calls if call["email"] == "ada@example.com"] == ["1", "3", "4"]
    [dead_letter] = harness.aws.sqs.dead_letters
    assert json.loads(dead_letter.body)["city"] == "poison"


def test_every_killer_of_a_batch_is_found(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_planning(harness, monkeypatch, is_poison)
    harness.push(profile("poison-1"), profile("ada"), profile("poison-2"), profile("bob"))
    invocations = 0
    while harness.aws.sqs.profiles:
        invoke(harness)
        invocations += 1
    assert invocations < 12
    assert [dead_letter.attributes["detail"] for dead_letter in harness.aws.sqs.dead_letters] == [
        DIED
    ] * 2
    assert emails(harness) == {"ada", "bob"}
    assert len(harness.rainfocus.calls) == 2


def test_a_batch_that_an_innocent_death_took_along_is_delivered(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [Killed()]
    in_planning(harness, monkeypatch, lambda _: bool(left) and left.pop() is not None)
    harness.push(*(profile(f"p{n}") for n in range(10)))
    assert invoke(harness) == ["killed"]
    assert invoke(harness) == ["delivered"] * 10
    assert invoke(harness) == []
    assert harness.aws.sqs.dead_letters == []
    assert len(harness.rainfocus.calls) == 10


def test_what_is_delivered_before_a_death_is_measured(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, output: Callable[[], str]
) -> None:
    in_planning(harness, monkeypatch, is_poison)
    harness.push(profile("ada"), profile("poison"))
    invoke(harness)
    output()
    assert invoke(harness) == ["killed"]
    lines = [json.loads(line) for line in output().splitlines()]
    assert [line["Profiles"] for line in lines if "Profiles" in line] == [[1.0]]
    assert [line["outcome"] for line in lines if line.get("message") == "profile settled"] == [
        "delivered"
    ]


def test_deaths_long_ago_do_not_count(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [Killed()] * 3
    in_planning(harness, monkeypatch, lambda _: bool(left) and left.pop() is not None)
    harness.push(profile("ada"))
    assert [invoke(harness) for _ in range(3)] == [["killed"]] * 3
    harness.rainfocus.reply = fakes.Reply(503)
    assert invoke(harness) == ["retry"]
    left += [Killed()]
    assert invoke(harness) == ["killed"]
    harness.rainfocus.reply = fakes.stored()
    assert invoke(harness) == ["delivered"]


# --- at no cost to others -----------------------------------------------------------------------


def begun(harness: DeliveryHarness) -> int:
    items = harness.aws.dynamodb.calls
    puts = [request["Item"]["key"]["S"] for name, request in items if name == "PutItem"]
    return sum(key.startswith("attempt#") for key in puts)


def test_what_comes_for_the_first_time_costs_no_call_more(harness: DeliveryHarness) -> None:
    harness.push(*(profile(f"p{n}") for n in range(10)))
    assert invoke(harness) == ["delivered"] * 10
    names = [name for name, _ in harness.aws.dynamodb.calls]
    assert names.count("BatchGetItem") == names.count("BatchExecuteStatement") == 1
    assert "BatchWriteItem" not in names
    assert begun(harness) == 0
    assert harness.aws.sqs.count("DeleteMessageBatch") == 1  # Lambda's own


def test_what_was_put_back_is_no_suspect(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    harness.push(*(profile(f"p{n}") for n in range(10)))
    assert [invoke(harness) for _ in range(3)] == [["retry"] * 10] * 3
    harness.rainfocus.reply = fakes.stored()
    assert invoke(harness) == ["delivered"] * 10
    assert begun(harness) == 0
    assert harness.aws.dynamodb.count("BatchWriteItem") == 3


def test_what_could_not_be_noted_as_put_back_is_delivered_all_the_same(
    harness: DeliveryHarness,
) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    harness.push(*(profile(f"p{n}") for n in range(10)))

    def refused(**_: object) -> None:
        raise fakes.denied("ProvisionedThroughputExceededException")

    harness.aws.dynamodb.batch_write_item = refused  # type: ignore[method-assign,assignment]
    assert invoke(harness) == ["retry"] * 10
    harness.rainfocus.reply = fakes.stored()
    assert invoke(harness) == ["delivered"] * 10


def test_without_the_ledger_what_comes_again_is_not_planned(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_planning(harness, monkeypatch, lambda _: True)
    harness.aws.dynamodb.always = fakes.denied("InternalServerError")
    [outcome] = harness.deliver(message(attempt=2))
    assert outcome.detail == "the ledger can't be read: InternalServerError"
    assert set(harness.waits) == {"receipt-0"}


def test_without_the_ledger_what_comes_for_the_first_time_is_planned_all_the_same(
    harness: DeliveryHarness,
) -> None:
    harness.aws.dynamodb.always = fakes.denied("InternalServerError")
    outcomes = harness.deliver(message(0, attempt=2), message(1, body="hello"))
    assert kinds(outcomes) == ["retry", "rejected"]


def test_a_suspect_is_not_worked_on_without_a_note(harness: DeliveryHarness) -> None:
    put = harness.aws.dynamodb.put_item

    def refused(**_: object) -> None:
        raise fakes.denied("InternalServerError")

    harness.aws.dynamodb.put_item = refused  # type: ignore[method-assign,assignment]
    [outcome] = harness.deliver(message(attempt=2))
    assert outcome.detail == "the ledger can't be written: InternalServerError"
    assert harness.rainfocus.calls == []
    harness.aws.dynamodb.put_item = put  # type: ignore[method-assign]
    assert kinds(harness.deliver(message(attempt=3))) == ["delivered"]


def test_suspects_for_whom_no_time_is_left_are_put_back(harness: DeliveryHarness) -> None:
    harness.seconds_left = 15
    outcomes = harness.deliver(*(message(n, attempt=2) for n in range(10)))
    assert {outcome.detail for outcome in outcomes} == {"no time left in this invocation"}
    assert len(harness.waits) == 10
    assert begun(harness) == 0


def test_a_suspect_that_waits_holds_its_group_back(harness: DeliveryHarness) -> None:
    harness.rainfocus.reply = fakes.Reply(503)
    outcomes = harness.deliver(message(0, "ada", attempt=2), message(1, "ada"), message(2, "bob"))
    reasons = {outcome.detail for outcome in outcomes}
    assert "behind an earlier one of this attendee" in reasons
    assert len(harness.rainfocus.calls) == 2
    assert harness.waits["receipt-0"] == harness.waits["receipt-1"]


# --- surviving is not dying ---------------------------------------------------------------------


def busy(**request: Any) -> dict[str, Any]:
    return {"UnprocessedItems": request["RequestItems"]}


def suspects(harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Push some that an invocation dies with."""
    left = [Killed()]
    with monkeypatch.context() as patched:
        in_planning(harness, patched, lambda _: bool(left) and left.pop() is not None)
        harness.push(*(profile(f"p{n}") for n in range(count)))
        assert invoke(harness) == ["killed"]


def test_an_outage_with_a_busy_ledger_buries_nobody(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspects(harness, monkeypatch, 10)
    monkeypatch.setattr(harness.aws.dynamodb, "batch_write_item", busy)
    harness.rainfocus.reply = fakes.Reply(503)
    for _ in range(20):
        assert set(invoke(harness)) == {"retry"}
    harness.rainfocus.reply = fakes.stored()
    let_pass(900)
    assert invoke(harness) == ["delivered"] * 10
    assert harness.aws.sqs.dead_letters == []


def test_nobody_is_buried_where_surviving_cannot_be_noted_at_all(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, wall: Clock
) -> None:
    suspects(harness, monkeypatch, 10)
    put = harness.aws.dynamodb.put_item

    def refused(**request: Any) -> dict[str, Any]:
        if "put_back" in request["Item"]:
            raise fakes.denied("ProvisionedThroughputExceededException")
        return put(**request)

    monkeypatch.setattr(harness.aws.dynamodb, "batch_write_item", busy)
    monkeypatch.setattr(harness.aws.dynamodb, "put_item", refused)
    harness.rainfocus.reply = fakes.Reply(503, headers={"Retry-After": "800"})
    for _ in range(20):
        assert set(invoke(harness)) == {"retry"}
        assert max(harness.waits.values()) <= 60
    wall.now += 60
    harness.rainfocus.reply = fakes.stored()
    assert invoke(harness) == ["delivered"] * 10
    assert harness.aws.sqs.dead_letters == []


# --- what never ends in its thread --------------------------------------------------------------


def test_what_never_ends_is_no_survivor_and_is_buried(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = threading.Event()
    main = threading.current_thread()

    def reply(call: fakes.Call) -> fakes.Reply:
        if "poison" in call.body:
            until.wait(60)
        return fakes.stored()

    def seconds_left() -> float:
        return 19.0 if threading.current_thread() is main else 60.0

    harness.rainfocus.reply = reply
    harness.push(profile("poison"), profile("ada"), profile("poison", city="later"))
    harness.clock = seconds_left
    monkeypatch.setattr(delivery, "wait", lambda futures, _: wait(futures, 0.5))
    seen = []
    before = set(threading.enumerate())
    try:
        for _ in range(5):
            seen.append(sorted(invoke(harness)))
            assert harness.waits == {}  # it comes again as what died does
    finally:
        until.set()
        join_threads_since(before)
    assert seen[:4] == [["delivered", "retry", "retry"], *[["retry", "retry"]] * 3]
    assert seen[4] == ["rejected", "retry"]
    dead_letters = [
        dead_letter.attributes["detail"] for dead_letter in harness.aws.sqs.dead_letters
    ]
    assert dead_letters == [DIED]
