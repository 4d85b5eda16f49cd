"""The function of accounting, and the alarm for who vanished."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from attendee_sync import balance
from attendee_sync.aws import clients
from functions.accounting import app
from local.machine.alarms import TEMPLATE, CloudWatch, Point, alarms_of, of_log
from tests.support import fakes
from tests.support.accounted_stack import AccountedStack
from tests.support.functions import Context
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, STACK
from tests.support.template import resources

MINUTE, HOUR = 60.0, 3_600.0
UNAVAILABLE = fakes.Reply(503)

type Told = Callable[[], tuple[dict[str, Any], list[Point]]]


@pytest.fixture
def told(stack: AccountedStack, monkeypatch: pytest.MonkeyPatch) -> Told:
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
    stack: AccountedStack, told: Told
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


def test_the_alarm_ends_when_a_lost_profile_comes_to_its_end(
    stack: AccountedStack, told: Told
) -> None:
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


def test_where_it_is_not_known_there_is_a_reason_and_no_value(
    stack: AccountedStack, told: Told
) -> None:
    stack.sqs.always = fakes.denied("AccessDenied", "ListQueues")
    line, points = told()
    assert line["unknown"] == "SQS: AccessDenied"
    assert points == []


def test_of_a_crowd_that_is_missing_some_are_named_and_nobody_s_address(
    stack: AccountedStack, told: Told
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
