"""Accounting, by what the functions really log: who vanished is found, and nobody else."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from attendee_sync import balance
from attendee_sync.aws import clients
from attendee_sync.balance import Balance, UnknownError
from attendee_sync.messaging import lanes
from functions.accounting import app
from local.machine.alarms import TEMPLATE, CloudWatch, Point, alarms_of, of_log
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness
from tests.support.functions import Context
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, STACK, Clock
from tests.support.template import resources

MINUTE, HOUR = 60.0, 3_600.0
UNAVAILABLE = fakes.Reply(503)
REFUSED = fakes.envelope("105", "zip is not known", status=400)
SUMMIT_LANE = fakes.queue_url(lanes.queue_name(STACK, "summit"))


class Stack:
    """A stack whose clock is moved, and whose functions' lines are in its log groups."""

    def __init__(self, harness: DeliveryHarness, wall: Clock, output: Callable[[], str]) -> None:
        self.harness, self.wall, self.output = harness, wall, output
        self.sqs, self.logs = harness.aws.sqs, harness.aws.logs
        self.late: list[str] = []  # lines that are to come with the next minute

    def push(self, *people: str) -> str:
        profiles = [{"email": f"{each}@example.com"} if each else {} for each in people]
        request_id = self.harness.push(*profiles)
        self.logs.write(INGEST_LOG, self.output(), self.wall.now)
        return request_id

    def work(self) -> None:
        self.harness.work()
        self.logs.write(DELIVERY_LOG, self.output(), self.wall.now)

    def work_and_log_late(self) -> None:
        self.harness.work()
        self.late.append(self.output())

    def sleep(self, seconds: float) -> None:
        while self.late:
            self.logs.write(DELIVERY_LOG, self.late.pop(), self.wall.now)
        self.wall.now += seconds

    def vanish(self, count: int = 1) -> None:
        """Delete the first of the shared lane."""
        found = self.sqs.receive_message(
            QueueUrl=fakes.PROFILES_URL, MaxNumberOfMessages=count, WaitTimeSeconds=0
        )["Messages"]
        entries = [
            {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(found)
        ]
        self.sqs.delete_message_batch(QueueUrl=fakes.PROFILES_URL, Entries=entries)

    def look(self) -> Balance:
        return balance.strike(self.harness.aws.lanes(), self.logs, [INGEST_LOG, DELIVERY_LOG])


@pytest.fixture
def stack(
    harness: DeliveryHarness,
    wall: Clock,
    output: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Stack:
    made = Stack(harness, wall, output)
    monkeypatch.setattr(time, "sleep", made.sleep)
    return made


def test_what_is_delivered_refused_or_left_out_is_accounted_for(stack: Stack) -> None:
    stack.harness.rainfocus.reply = lambda call: (
        REFUSED if call.json["email"][0] == "b" else fakes.stored()
    )
    stack.push("ada", "ben", "", "ada")
    stack.work()
    stack.wall.now += HOUR
    found = stack.look()
    assert (found.without_end, found.in_lanes, found.missing) == ({}, 0, 0)
    assert stack.wall.now - 26 * HOUR >= found.since


def test_who_vanished_is_named(stack: Stack) -> None:
    stack.push("ada", "ben")
    stack.work()
    request_id = stack.push("chris", "dan", "eve")
    stack.vanish()
    stack.work()
    stack.wall.now += HOUR
    found = stack.look()
    assert found.missing == 1
    assert found.without_end == {request_id: ["0"]}


def test_younger_than_a_quarter_of_an_hour_nobody_is_missed(stack: Stack) -> None:
    stack.push("ada")
    stack.vanish()
    stack.wall.now += 14 * MINUTE
    assert stack.look().missing == 0
    stack.wall.now += 2 * MINUTE
    assert stack.look().missing == 1


def test_who_waits_is_not_missing_and_hides_as_many_until_delivered(stack: Stack) -> None:
    stack.harness.rainfocus.reply = UNAVAILABLE
    stack.push("ada", "ben")
    stack.work()
    stack.wall.now += 20 * MINUTE
    found = stack.look()
    assert (found.without_end_count, found.in_lanes, found.missing) == (2, 2, 0)
    stack.push("gone")
    stack.sqs.queues[fakes.PROFILES_URL].pop()
    stack.wall.now += 20 * MINUTE
    assert stack.look().missing == 1  # three have no end, and two are in the lane
    stack.push("dan")
    assert stack.look().missing == 0  # who is younger than a quarter of an hour, and hides one


@pytest.mark.parametrize("has_lane", [True, False])
def test_who_is_in_a_lane_of_its_own_is_counted(stack: Stack, has_lane: bool) -> None:
    stack.push("ada")
    [waiting] = stack.sqs.profiles
    stack.sqs.profiles.clear()
    if has_lane:
        stack.sqs.queues[SUMMIT_LANE] = [waiting]
    stack.sqs.queues[fakes.queue_url(f"{STACK}-two_lane_summit.fifo")] = [
        waiting
    ]  # another stack's
    stack.wall.now += HOUR
    assert stack.look().missing == (not has_lane)


def test_a_second_end_hides_nobody(stack: Stack) -> None:
    """Lambda may run a batch again, and a person may put a dead letter back."""
    request_id = stack.push("ada", "ben")
    stack.vanish()
    stack.work()
    [line] = [
        each["message"]
        for each in stack.logs.groups[DELIVERY_LOG]
        if "profile settled" in each["message"]
    ]
    stack.logs.write(DELIVERY_LOG, f"{line}\n{line}", stack.wall.now + MINUTE)
    stack.wall.now += HOUR
    assert stack.look().without_end == {request_id: ["0"]}


def test_a_line_that_comes_late_raises_no_alarm(stack: Stack) -> None:
    stack.push("ada")
    stack.wall.now += HOUR
    stack.work_and_log_late()
    found = stack.look()
    assert (found.without_end, found.missing) == ({}, 0)


def test_a_count_that_is_off_for_a_moment_raises_no_alarm(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.push("ada")
    stack.wall.now += HOUR
    waiting = stack.sqs.profiles.pop()

    def sleep(_: float) -> None:
        stack.sqs.profiles.append(waiting)

    monkeypatch.setattr(time, "sleep", sleep)
    found = stack.look()
    assert (found.in_lanes, found.missing) == (1, 0)


def test_an_end_may_come_a_day_after_its_push(stack: Stack) -> None:
    stack.push("ada")
    stack.wall.now += 25 * HOUR
    assert stack.look().without_end_count == 1
    stack.work()
    stack.wall.now += MINUTE
    assert stack.look().without_end_count == 0


def test_what_waits_for_longer_than_is_looked_at_is_not_called_missing(stack: Stack) -> None:
    stack.push("ada")
    stack.wall.now += 72 * HOUR
    found = stack.look()
    assert (found.without_end_count, found.in_lanes, found.missing) == (0, 1, 0)


def test_in_an_outage_nothing_is_said_and_no_log_is_read(stack: Stack) -> None:
    stack.push("ada")
    [waiting] = stack.sqs.profiles
    stack.sqs.queues[SUMMIT_LANE] = [waiting] * 100_000
    stack.sqs.profiles.clear()
    stack.wall.now += HOUR
    with pytest.raises(UnknownError, match="more than 1000 profiles are in the lanes"):
        stack.look()
    assert stack.logs.calls == []


def test_a_log_that_is_too_long_is_read_as_far_back_as_it_can_be(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = stack.push("old")
    stack.vanish()
    stack.wall.now += 5 * HOUR
    new = stack.push("new")
    stack.vanish()
    stack.wall.now += 20 * MINUTE
    assert stack.look().without_end == {old: ["0"], new: ["0"]}
    monkeypatch.setattr(balance, "_MOST_ANSWERS", 5)  # two of a slice
    found = stack.look()
    assert found.without_end == {new: ["0"]}
    assert stack.wall.now - found.since == pytest.approx(2 * 80 * MINUTE + MINUTE)
    monkeypatch.setattr(balance, "_MOST_ANSWERS", 1)
    with pytest.raises(UnknownError, match="the log is too long"):
        stack.look()


def test_between_two_looks_each_push_is_looked_at_however_long_the_log(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance, "_MOST_ANSWERS", 3)  # one slice
    began = stack.wall.now
    for minute in range(0, 121, 5):
        stack.wall.now = began + minute * MINUTE
        stack.push(f"p{minute}")
        stack.vanish()
    found: set[str] = set()
    pushed = {
        json.loads(each["message"])["request_id"]
        for each in stack.logs.groups[INGEST_LOG]
        if "push accepted" in each["message"]
    }
    for hour in (1, 2, 3):
        stack.wall.now = began + hour * HOUR
        found |= stack.look().without_end.keys()
    assert found == pushed


def test_a_call_that_fails_is_made_again(stack: Stack) -> None:
    stack.push("ada")
    stack.vanish()
    stack.wall.now += HOUR
    busy = fakes.denied("ThrottlingException", "FilterLogEvents")
    stack.logs.failures = [busy, None, fakes.timed_out()]
    assert stack.look().missing == 1


def test_why_nothing_is_known_is_told_in_aws_s_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.push("ada")
    stack.wall.now += HOUR
    monkeypatch.setattr(balance, "LOOK_SECONDS", 3.0)
    stack.logs.always = fakes.denied("AccessDeniedException", "FilterLogEvents")
    monkeypatch.setattr(time, "monotonic", lambda: stack.wall.now)
    with pytest.raises(UnknownError, match="CloudWatch: AccessDeniedException"):
        stack.look()
    stack.sqs.always = fakes.denied("AccessDenied", "ListQueues")
    with pytest.raises(UnknownError, match="SQS: AccessDenied"):
        stack.look()


# --- the function and the alarm -----------------------------------------------------------------

type Told = Callable[[], tuple[dict[str, Any], list[Point]]]


@pytest.fixture
def told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Run the function; return its line, and its metric as CloudWatch has it."""
    monkeypatch.setattr(clients, "client", stack.harness.aws.client)
    monkeypatch.setenv("QUEUE_URL", fakes.PROFILES_URL)
    monkeypatch.setenv("INGEST_LOG_GROUP", INGEST_LOG)
    monkeypatch.setenv("DELIVERY_LOG_GROUP", DELIVERY_LOG)

    def run() -> tuple[dict[str, Any], list[Point]]:
        stack.output()
        app.lambda_handler({}, Context())  # type: ignore[arg-type]
        written = stack.output().splitlines()
        [line] = [each for each in map(json.loads, written) if "_aws" not in each]
        points = [replace(each, at=stack.wall.now) for each in of_log(written)]
        return line, [each for each in points if each.dimensions == {"stack": STACK}]

    return run


def test_the_alarm_fires_for_who_vanished_and_ends_when_it_is_out_of_sight(
    stack: Stack, told: Told
) -> None:
    cloudwatch = CloudWatch(
        {"MissingAlarm": alarms_of(TEMPLATE, {"AWS::StackName": STACK})["MissingAlarm"]}
    )
    known: list[Point] = []
    changes: list[tuple[int, bool]] = []

    def watch(hour: int) -> dict[str, Any]:
        line, points = told()
        known.extend(points)
        for minute in (1, 30):
            now = stack.wall.now + minute * MINUTE
            changes.extend((hour, each.is_alarm) for each in cloudwatch.evaluate(known, now))
        return line

    stack.push("ada", "ben")
    stack.work()
    began = stack.wall.now
    for hour in range(1, 33):
        stack.wall.now = began + hour * HOUR
        if hour == 3:
            request_id = stack.push("chris")
            stack.vanish()
        line = watch(hour)
        if hour == 4:
            assert (line["message"], line["missing"]) == ("profiles accounted for", 1)
            assert line["pushes"] == {request_id: ["0"]}
        if hour == 10:
            stack.harness.rainfocus.reply = UNAVAILABLE
            for some in ("a", "b"):
                stack.push(*(f"{some}{n}" for n in range(501)))
            assert "unknown" in watch(10)  # which ends no alarm
            stack.harness.rainfocus.reply = fakes.stored()
            stack.work()
    assert [hour for hour, is_alarm in changes if is_alarm] == [4]
    [ended] = [hour for hour, is_alarm in changes if not is_alarm]
    assert 29 <= ended <= 31


def test_the_alarm_ends_when_a_lost_profile_comes_to_its_end(stack: Stack, told: Told) -> None:
    stack.push("ada")
    [lost] = stack.sqs.profiles
    stack.sqs.profiles.clear()
    stack.wall.now += HOUR
    line, [point] = told()
    assert (point.name, point.value, line["missing"]) == ("Missing", 1.0, 1)
    stack.sqs.profiles.append(lost)
    stack.work()
    stack.wall.now += HOUR
    line, [point] = told()
    assert (point.value, line["missing"]) == (0.0, 0)
    assert "pushes" not in line


def test_where_it_is_not_known_there_is_a_reason_and_no_value(stack: Stack, told: Told) -> None:
    stack.sqs.always = fakes.denied("AccessDenied", "ListQueues")
    line, points = told()
    assert line["unknown"] == "SQS: AccessDenied"
    assert points == []


def test_of_a_crowd_that_is_missing_some_are_named_and_nobody_s_address(
    stack: Stack, told: Told
) -> None:
    for n in range(25):
        stack.push(*(f"p{n}x{m}" for m in range(25)))
    stack.sqs.profiles.clear()
    stack.wall.now += HOUR
    line, [point] = told()
    assert (point.value, line["missing"]) == (625.0, 625)
    assert [len(each) for each in line["pushes"].values()] == [20] * 20
    assert "example.com" not in json.dumps(line)


def test_two_looks_and_the_time_between_fit_into_the_function_s() -> None:
    timeout = resources("AWS::Serverless::Function")["AccountingFunction"]["Timeout"]
    longest = balance.LOOK_SECONDS + clients.LASTING.total
    assert 2 * longest + balance.LATE_SECONDS < timeout - 60
