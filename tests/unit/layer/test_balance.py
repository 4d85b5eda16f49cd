"""Accounting, by what the functions really log: who vanished is found, and nobody else."""

import itertools
import json
import time

import pytest

from attendee_sync import balance
from attendee_sync.balance import UnknownError
from attendee_sync.messaging import lanes
from tests.support import fakes
from tests.support.accounted_stack import AccountedStack
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, STACK

MINUTE, HOUR = 60.0, 3_600.0
UNAVAILABLE = fakes.Reply(503)
REFUSED = fakes.envelope("105", "zip is not known", status=400)
SUMMIT_LANE = fakes.queue_url(lanes.queue_name(STACK, "summit"))


def test_what_is_delivered_refused_or_left_out_is_accounted_for(stack: AccountedStack) -> None:
    stack.harness.rainfocus.reply = lambda call: (
        REFUSED if call.json["email"][0] == "b" else fakes.stored()
    )
    stack.push("ada", "ben", "", "ada")
    stack.work()
    stack.wall.now += HOUR
    found = stack.look()
    assert (found.without_end, found.in_lanes, found.missing) == ({}, 0, 0)
    assert stack.wall.now - 26 * HOUR >= found.since


def test_who_vanished_is_named(stack: AccountedStack) -> None:
    stack.push("ada", "ben")
    stack.work()
    request_id = stack.push("chris", "dan", "eve")
    stack.vanish()
    stack.work()
    stack.wall.now += HOUR
    found = stack.look()
    assert found.missing == 1
    assert found.without_end == {request_id: ["0"]}


def test_younger_than_a_quarter_of_an_hour_nobody_is_missed(stack: AccountedStack) -> None:
    stack.push("ada")
    stack.vanish()
    stack.wall.now += 14 * MINUTE
    assert stack.look().missing == 0
    stack.wall.now += 2 * MINUTE
    assert stack.look().missing == 1


def test_who_waits_is_not_missing_and_hides_as_many_until_delivered(stack: AccountedStack) -> None:
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
def test_who_is_in_a_lane_of_its_own_is_counted(stack: AccountedStack, has_lane: bool) -> None:
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


def test_a_second_end_hides_nobody(stack: AccountedStack) -> None:
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


def test_a_line_that_comes_late_raises_no_alarm(stack: AccountedStack) -> None:
    stack.push("ada")
    stack.wall.now += HOUR
    stack.work_and_log_late()
    found = stack.look()
    assert (found.without_end, found.missing) == ({}, 0)


def test_a_count_that_is_off_for_a_moment_raises_no_alarm(
    stack: AccountedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.push("ada")
    stack.wall.now += HOUR
    waiting = stack.sqs.profiles.pop()

    def sleep(_: float) -> None:
        stack.sqs.profiles.append(waiting)

    monkeypatch.setattr(time, "sleep", sleep)
    found = stack.look()
    assert (found.in_lanes, found.missing) == (1, 0)


def test_an_end_may_come_a_day_after_its_push(stack: AccountedStack) -> None:
    stack.push("ada")
    stack.wall.now += 25 * HOUR
    assert stack.look().without_end_count == 1
    stack.work()
    stack.wall.now += MINUTE
    assert stack.look().without_end_count == 0


def test_what_waits_for_longer_than_is_looked_at_is_not_called_missing(
    stack: AccountedStack,
) -> None:
    stack.push("ada")
    stack.wall.now += 72 * HOUR
    found = stack.look()
    assert (found.without_end_count, found.in_lanes, found.missing) == (0, 1, 0)


@pytest.mark.parametrize(("seconds", "count"), [(90.0, 1), (30.0, 0)])
def test_what_was_accepted_in_the_first_minute_that_is_read_may_have_ended_before_it(
    stack: AccountedStack, seconds: float, count: int
) -> None:
    stack.push("ada")
    stack.wall.now += 20 * 80 * MINUTE - seconds  # as much as is read
    assert stack.look().without_end_count == count


def test_each_moment_of_the_log_is_read_once(stack: AccountedStack) -> None:
    stack.look()
    for group in (INGEST_LOG, DELIVERY_LOG):
        read = sorted(
            (request["startTime"], request["endTime"])
            for _, request in stack.logs.calls
            if request["logGroupName"] == group
        )
        assert len(read) == 20
        assert all(later[0] == end + 1 for (_, end), later in itertools.pairwise(read))


def test_in_an_outage_nothing_is_said_and_no_log_is_read(stack: AccountedStack) -> None:
    stack.push("ada")
    [waiting] = stack.sqs.profiles
    stack.sqs.queues[SUMMIT_LANE] = [waiting] * 100_000
    stack.sqs.profiles.clear()
    stack.wall.now += HOUR
    with pytest.raises(UnknownError, match="more than 1000 profiles are in the lanes"):
        stack.look()
    assert stack.logs.calls == []


def test_a_log_that_is_too_long_is_read_as_far_back_as_it_can_be(
    stack: AccountedStack, monkeypatch: pytest.MonkeyPatch
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
    stack: AccountedStack, monkeypatch: pytest.MonkeyPatch
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


def test_a_call_that_fails_is_made_again(stack: AccountedStack) -> None:
    stack.push("ada")
    stack.vanish()
    stack.wall.now += HOUR
    busy = fakes.denied("ThrottlingException", "FilterLogEvents")
    stack.logs.failures = [busy, None, fakes.timed_out()]
    assert stack.look().missing == 1


def test_why_nothing_is_known_is_told_in_aws_s_words(
    stack: AccountedStack, monkeypatch: pytest.MonkeyPatch
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
