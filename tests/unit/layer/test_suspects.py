"""Invocations that die on a message: killed by Lambda, whatever for, so that nothing is caught."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import Any

import pytest

from attendee_sync.delivery import delivery
from attendee_sync.delivery.planner import Plan, Planner
from attendee_sync.messaging.messages import QueuedProfile
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, kinds, message
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


def invoke(bench: DeliveryHarness) -> list[str]:
    """Return the kinds of a batch's outcomes, or "killed"; then let the time pass for its return.

    That is what it is put back for, or else the queue's visibility timeout.
    """
    bench.waits.clear()
    try:
        return kinds(bench.invoke())
    except Killed:
        return ["killed"]
    finally:
        let_pass(max(bench.waits.values(), default=360))
        bench.aws.sqs.let_time_pass()


def emails(bench: DeliveryHarness) -> set[str]:
    return {email.partition("@")[0] for email in bench.emails}


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


def in_the_call(bench: DeliveryHarness, _: pytest.MonkeyPatch, dies: Callable[[str], bool]) -> None:
    def reply(call: fakes.Call) -> fakes.Reply:
        if dies(call.body):
            raise Killed
        return fakes.stored()

    bench.rainfocus.reply = reply


def in_noting(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, dies: Callable[[str], bool]
) -> None:
    sent: list[str] = []

    def reply(call: fakes.Call) -> fakes.Reply:
        sent.append(call.body)
        return fakes.stored()

    record = bench.delivery.ledger.record

    def recorded(entries: object) -> set[str]:
        bodies = [sent.pop() for _ in sent[:]]
        if any(map(dies, bodies)):
            raise Killed
        return record(entries)  # type: ignore[arg-type]

    bench.rainfocus.reply = reply
    monkeypatch.setattr(bench.delivery.ledger, "record", recorded)


WAYS = [in_planning, in_the_call, in_noting]
type Way = Callable[[DeliveryHarness, pytest.MonkeyPatch, Callable[[str], bool]], None]


def is_poison(body: str) -> bool:
    return "poison" in body


@pytest.mark.parametrize("way", WAYS)
def test_what_invocations_die_on_is_found_alone_and_buried(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    way(bench, monkeypatch, is_poison)
    poison = profile("poison", city="x" * 10_000)
    bench.push(*(profile(f"p{n}") for n in range(5)), poison, *map(profile, "abcd"))
    assert invoke(bench) == ["killed"]
    assert invoke(bench) == ["killed"]
    others = {f"p{n}" for n in range(5)} | set("abcd")
    assert emails(bench) - {"poison"} == others
    assert [sent.body for sent in bench.aws.sqs.profiles] == [json.dumps(poison)]
    assert [invoke(bench) for _ in range(4)] == [["killed"], ["killed"], ["rejected"], []]
    [letter] = bench.aws.sqs.dead_letters
    assert letter.body == json.dumps(poison)
    assert (letter.attributes["outcome"], letter.attributes["detail"]) == ("rejected", DIED)
    assert letter.attributes["attempts"] == "5"
    assert bench.aws.sqs.profiles == []
    assert len(bench.noted) == 9


@pytest.mark.parametrize("way", WAYS)
def test_a_small_killer_lets_its_batch_pass_with_the_third_receive(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    way(bench, monkeypatch, is_poison)
    bench.push(profile("poison"), *(profile(f"p{n}", city="x" * 99) for n in range(9)))
    assert [invoke(bench) for _ in range(2)] == [["killed"]] * 2
    assert invoke(bench) == ["killed"]
    assert len(bench.aws.sqs.profiles) == 1
    assert len(bench.noted) == 9
    assert [invoke(bench) for _ in range(3)] == [["killed"], ["rejected"], []]


def test_the_messages_of_a_killers_group_keep_their_order(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_planning(bench, monkeypatch, is_poison)
    cities = ["1", "poison", "3", "4"]
    bench.push(*(profile("ada", city=city) for city in cities), profile("bob"))
    seen = [invoke(bench) for _ in range(6)]
    assert seen[:4] == [["killed"]] * 4
    assert seen[4:] == [["rejected", "delivered", "delivered"], []]
    calls = [call.json for call in bench.rainfocus.calls]
    assert [call["city"] for call in calls if call["email"] == "ada@example.com"] == ["1", "3", "4"]
    [letter] = bench.aws.sqs.dead_letters
    assert json.loads(letter.body)["city"] == "poison"


def test_every_killer_of_a_batch_is_found(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_planning(bench, monkeypatch, is_poison)
    bench.push(profile("poison-1"), profile("ada"), profile("poison-2"), profile("bob"))
    invocations = 0
    while bench.aws.sqs.profiles:
        invoke(bench)
        invocations += 1
    assert invocations < 12
    assert [letter.attributes["detail"] for letter in bench.aws.sqs.dead_letters] == [DIED] * 2
    assert emails(bench) == {"ada", "bob"}
    assert len(bench.rainfocus.calls) == 2


def test_a_batch_that_an_innocent_death_took_along_is_delivered(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [Killed()]
    in_planning(bench, monkeypatch, lambda _: bool(left) and left.pop() is not None)
    bench.push(*(profile(f"p{n}") for n in range(10)))
    assert invoke(bench) == ["killed"]
    assert invoke(bench) == ["delivered"] * 10
    assert invoke(bench) == []
    assert bench.aws.sqs.dead_letters == []
    assert len(bench.rainfocus.calls) == 10


def test_what_is_delivered_before_a_death_is_measured(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, output: Callable[[], str]
) -> None:
    in_planning(bench, monkeypatch, is_poison)
    bench.push(profile("ada"), profile("poison"))
    invoke(bench)
    output()
    assert invoke(bench) == ["killed"]
    lines = [json.loads(line) for line in output().splitlines()]
    assert [line["Profiles"] for line in lines if "_aws" in line] == [[1.0]]
    assert [line["outcome"] for line in lines if line.get("message") == "profile settled"] == [
        "delivered"
    ]


def test_deaths_long_ago_do_not_count(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [Killed()] * 3
    in_planning(bench, monkeypatch, lambda _: bool(left) and left.pop() is not None)
    bench.push(profile("ada"))
    assert [invoke(bench) for _ in range(3)] == [["killed"]] * 3
    bench.rainfocus.reply = fakes.Reply(503)
    assert invoke(bench) == ["retry"]
    left += [Killed()]
    assert invoke(bench) == ["killed"]
    bench.rainfocus.reply = fakes.stored()
    assert invoke(bench) == ["delivered"]


# --- at no cost to others -----------------------------------------------------------------------


def begun(bench: DeliveryHarness) -> int:
    items = bench.aws.dynamodb.calls
    puts = [request["Item"]["key"]["S"] for name, request in items if name == "PutItem"]
    return sum(key.startswith("attempt#") for key in puts)


def test_what_comes_for_the_first_time_costs_no_call_more(bench: DeliveryHarness) -> None:
    bench.push(*(profile(f"p{n}") for n in range(10)))
    assert invoke(bench) == ["delivered"] * 10
    names = [name for name, _ in bench.aws.dynamodb.calls]
    assert names.count("BatchGetItem") == names.count("TransactWriteItems") == 1
    assert "BatchWriteItem" not in names
    assert begun(bench) == 0
    assert bench.aws.sqs.count("DeleteMessageBatch") == 1  # Lambda's own


def test_what_was_put_back_is_no_suspect(bench: DeliveryHarness) -> None:
    bench.rainfocus.reply = fakes.Reply(503)
    bench.push(*(profile(f"p{n}") for n in range(10)))
    assert [invoke(bench) for _ in range(3)] == [["retry"] * 10] * 3
    bench.rainfocus.reply = fakes.stored()
    assert invoke(bench) == ["delivered"] * 10
    assert begun(bench) == 0
    assert bench.aws.dynamodb.count("BatchWriteItem") == 3


def test_what_could_not_be_noted_as_put_back_is_delivered_all_the_same(
    bench: DeliveryHarness,
) -> None:
    bench.rainfocus.reply = fakes.Reply(503)
    bench.push(*(profile(f"p{n}") for n in range(10)))

    def refused(**_: object) -> None:
        raise fakes.denied("ProvisionedThroughputExceededException")

    bench.aws.dynamodb.batch_write_item = refused  # type: ignore[method-assign,assignment]
    assert invoke(bench) == ["retry"] * 10
    bench.rainfocus.reply = fakes.stored()
    assert invoke(bench) == ["delivered"] * 10


def test_without_the_ledger_what_comes_again_is_not_planned(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_planning(bench, monkeypatch, lambda _: True)
    bench.aws.dynamodb.always = fakes.denied("InternalServerError")
    [outcome] = bench.deliver(message(attempt=2))
    assert outcome.detail == "the ledger can't be read: InternalServerError"
    assert set(bench.waits) == {"receipt-0"}


def test_a_suspect_is_not_worked_on_without_a_note(bench: DeliveryHarness) -> None:
    put = bench.aws.dynamodb.put_item

    def refused(**_: object) -> None:
        raise fakes.denied("InternalServerError")

    bench.aws.dynamodb.put_item = refused  # type: ignore[method-assign,assignment]
    [outcome] = bench.deliver(message(attempt=2))
    assert outcome.detail == "the ledger can't be written: InternalServerError"
    assert bench.rainfocus.calls == []
    bench.aws.dynamodb.put_item = put  # type: ignore[method-assign]
    assert kinds(bench.deliver(message(attempt=3))) == ["delivered"]


def test_suspects_for_whom_no_time_is_left_are_put_back(bench: DeliveryHarness) -> None:
    bench.seconds_left = 15
    outcomes = bench.deliver(*(message(n, attempt=2) for n in range(10)))
    assert {outcome.detail for outcome in outcomes} == {"no time left in this invocation"}
    assert len(bench.waits) == 10
    assert begun(bench) == 0


def test_a_suspect_that_waits_holds_its_group_back(bench: DeliveryHarness) -> None:
    bench.rainfocus.reply = fakes.Reply(503)
    outcomes = bench.deliver(message(0, "ada", attempt=2), message(1, "ada"), message(2, "bob"))
    reasons = {outcome.detail for outcome in outcomes}
    assert "behind an earlier one of this attendee" in reasons
    assert len(bench.rainfocus.calls) == 2
    assert bench.waits["receipt-0"] == bench.waits["receipt-1"]


# --- surviving is not dying ---------------------------------------------------------------------


def busy(**request: Any) -> dict[str, Any]:
    return {"UnprocessedItems": request["RequestItems"]}


def suspects(bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Push some that an invocation dies with."""
    left = [Killed()]
    with monkeypatch.context() as patched:
        in_planning(bench, patched, lambda _: bool(left) and left.pop() is not None)
        bench.push(*(profile(f"p{n}") for n in range(count)))
        assert invoke(bench) == ["killed"]


def test_an_outage_with_a_busy_ledger_buries_nobody(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspects(bench, monkeypatch, 10)
    monkeypatch.setattr(bench.aws.dynamodb, "batch_write_item", busy)
    bench.rainfocus.reply = fakes.Reply(503)
    for _ in range(20):
        assert set(invoke(bench)) == {"retry"}
    bench.rainfocus.reply = fakes.stored()
    let_pass(900)
    assert invoke(bench) == ["delivered"] * 10
    assert bench.aws.sqs.dead_letters == []


def test_nobody_is_buried_where_surviving_cannot_be_noted_at_all(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspects(bench, monkeypatch, 10)
    put = bench.aws.dynamodb.put_item

    def refused(**request: Any) -> dict[str, Any]:
        if "put_back" in request["Item"]:
            raise fakes.denied("ProvisionedThroughputExceededException")
        return put(**request)

    monkeypatch.setattr(bench.aws.dynamodb, "batch_write_item", busy)
    monkeypatch.setattr(bench.aws.dynamodb, "put_item", refused)
    bench.rainfocus.reply = fakes.Reply(503, headers={"Retry-After": "800"})
    for _ in range(20):
        assert set(invoke(bench)) == {"retry"}
        assert max(bench.waits.values()) <= 60
    bench.rainfocus.reply = fakes.stored()
    assert invoke(bench) == ["delivered"] * 10
    assert bench.aws.sqs.dead_letters == []


# --- what never ends in its thread --------------------------------------------------------------


def test_what_never_ends_is_no_survivor_and_is_buried(
    bench: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = threading.Event()
    main = threading.current_thread()

    def reply(call: fakes.Call) -> fakes.Reply:
        if "poison" in call.body:
            until.wait(60)
        return fakes.stored()

    def seconds_left() -> float:
        return 16.0 if threading.current_thread() is main else 60.0

    bench.rainfocus.reply = reply
    bench.push(profile("poison"), profile("ada"), profile("poison", city="later"))
    bench.clock = seconds_left
    monkeypatch.setattr(delivery, "wait", lambda futures, _: wait(futures, 0.5))
    seen = []
    try:
        for _ in range(5):
            seen.append(sorted(invoke(bench)))
            assert bench.waits == {}  # it comes again as what died does
    finally:
        until.set()
    assert seen[:4] == [["delivered", "retry", "retry"], *[["retry", "retry"]] * 3]
    assert seen[4] == ["rejected", "retry"]
    letters = [letter.attributes["detail"] for letter in bench.aws.sqs.dead_letters]
    assert letters == [DIED]
