import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from attendee_sync.rainfocus.circuit_breaker import (
    FAILURES_TO_PAUSE,
    FIRST_PROBE_SECONDS,
    LONGEST_PROBE_SECONDS,
    CircuitBreaker,
    CircuitOpenError,
    Permit,
)
from attendee_sync.rainfocus.connection import Limits
from attendee_sync.rainfocus.connection_state import Cause, ConnectionStates
from tests.support import fakes
from tests.support.stack import Aws, Clock

LIMITS = Limits()
START = 1_800_000_000.0
CAUSES = {cause.value: cause for cause in Cause}
OUTAGES = ["outage"] * FAILURES_TO_PAUSE


def new(aws: Aws) -> CircuitBreaker:
    """Return the breaker of a new environment."""
    return CircuitBreaker(ConnectionStates(aws.dynamodb, fakes.TABLE))


@pytest.fixture
def breaker(aws: Aws, wall: Clock) -> CircuitBreaker:
    assert wall
    return new(aws)


def end(breaker: CircuitBreaker, permit: Permit, result: str, retry_after: float = 0.0) -> None:
    if result == "stored":
        breaker.record_success(permit)
    elif result == "token":
        breaker.release(permit)
    else:
        breaker.record_failure(permit, CAUSES[result], retry_after)


def call(
    breaker: CircuitBreaker, result: str, connection: str = "default", retry_after: float = 0.0
) -> str:
    """Make a call that ends so, and return that, or `paused`."""
    try:
        permit = breaker.enter(connection, LIMITS)
    except CircuitOpenError:
        return "paused"
    end(breaker, permit, result, retry_after)
    return result


def calls(breaker: CircuitBreaker, *results: str, connection: str = "default") -> list[str]:
    return [call(breaker, result, connection) for result in results]


def pause(breaker: CircuitBreaker, cause: str = "outage", connection: str = "default") -> None:
    results = [cause] * FAILURES_TO_PAUSE
    assert calls(breaker, *results, "stored", connection=connection) == [*results, "paused"]


def refusal(breaker: CircuitBreaker, limits: Limits = LIMITS) -> CircuitOpenError:
    with pytest.raises(CircuitOpenError) as caught:
        breaker.enter("default", limits)
    return caught.value


# --- when it pauses -----------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["outage", "configuration", "busy"])
@pytest.mark.parametrize(
    ("before", "is_paused"),
    [
        ([], False),
        (["x"] * 4, False),
        (["x"] * 5, True),
        ([*["x"] * 4, "stored", *["x"] * 4], False),
        ([*["x"] * 4, "stored", *["x"] * 5], True),
        (["x", "stored"] * 20, False),
        (["token"] * 20, False),
        ([*["x"] * 4, *["token"] * 20], False),
        ([*["x"] * 4, *["token"] * 20, "x"], True),
    ],
)
def test_failures_in_a_row_pause_a_connection(
    breaker: CircuitBreaker, before: list[str], is_paused: bool, cause: str
) -> None:
    results = [cause if each == "x" else each for each in before]
    assert calls(breaker, *results) == results
    assert call(breaker, "stored") == ("paused" if is_paused else "stored")


def test_causes_count_together_and_the_last_one_is_told(breaker: CircuitBreaker) -> None:
    assert "paused" not in calls(breaker, "outage", "configuration", "busy", "outage", "busy")
    assert refusal(breaker).cause is Cause.BUSY


def test_a_failure_counts_only_if_nothing_succeeded_meanwhile(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    begun = [breaker.enter("default", LIMITS) for _ in range(20)]
    wall.now += 1
    assert call(breaker, "stored") == "stored"
    for permit in begun:
        breaker.record_failure(permit, Cause.OUTAGE)
    assert call(breaker, "stored") == "stored"


def test_one_time_out_with_no_success_meanwhile_pauses(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    permit = breaker.enter("default", LIMITS)
    wall.now += permit.read_timeout
    breaker.record_failure(permit, Cause.OUTAGE)
    assert refusal(breaker).cause is Cause.TIMEOUT


def test_how_many_time_outs_pause_is_a_setting(breaker: CircuitBreaker, wall: Clock) -> None:
    limits = Limits(timeouts_to_pause=3, first_read_timeout=10)
    for _ in range(3):
        permit = breaker.enter("default", limits)
        wall.now += permit.read_timeout
        breaker.record_failure(permit, Cause.OUTAGE)
    assert refusal(breaker, limits).cause is Cause.TIMEOUT


def test_what_rainfocus_asks_to_wait_holds_for_all(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    call(breaker, "busy", retry_after=7)
    assert refusal(new(aws)).seconds == 7
    wall.now += 7
    assert call(breaker, "stored") == "stored"


def test_a_connection_does_not_wait_for_a_quarter_of_an_hour_because_one_call_is_to(
    breaker: CircuitBreaker,
) -> None:
    call(breaker, "busy", retry_after=900)
    assert refusal(breaker).seconds == 60


@pytest.mark.parametrize("asked", [(5, 20), (20, 5)])
def test_of_two_that_ask_for_rest_at_once_the_longer_counts(
    breaker: CircuitBreaker, asked: tuple[float, float]
) -> None:
    permits = [breaker.enter("default", LIMITS) for _ in asked]
    for permit, seconds in zip(permits, asked, strict=True):
        end(breaker, permit, "busy", retry_after=seconds)
    assert refusal(breaker).seconds == pytest.approx(20)


def test_who_asks_for_hardly_more_rest_costs_no_write(aws: Aws, breaker: CircuitBreaker) -> None:
    permits = [breaker.enter("default", LIMITS) for _ in range(2)]
    end(breaker, permits[0], "busy", retry_after=20)
    before = len(aws.dynamodb.calls)
    end(breaker, permits[1], "busy", retry_after=20.5)
    assert [name for name, _ in aws.dynamodb.calls[before:] if name != "GetItem"] == []


def test_other_connections_go_on(breaker: CircuitBreaker) -> None:
    pause(breaker, connection="a")
    assert calls(breaker, *OUTAGES[1:], "stored", connection="b") == [*OUTAGES[1:], "stored"]
    assert call(breaker, "stored", "a") == "paused"


def test_failures_of_different_connections_are_counted_apart(breaker: CircuitBreaker) -> None:
    for _ in OUTAGES[1:]:
        assert call(breaker, "outage", "a") == call(breaker, "outage", "b") == "outage"
    assert call(breaker, "stored", "a") == call(breaker, "stored", "b") == "stored"


# --- what it costs ------------------------------------------------------------------------------


def test_a_working_connection_costs_a_read_in_three_seconds_and_no_write(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    for second in range(9):
        wall.now = START + second
        calls(breaker, *["stored", "token", "outage"] * 10, "stored")
    assert [operation for operation, _ in aws.dynamodb.calls] == ["GetItem"] * 3


def test_a_pause_costs_a_write_and_then_a_read_a_second(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    calls(breaker, *OUTAGES)
    wall.now += 1
    assert set(calls(breaker, *["stored"] * 100)) == {"paused"}
    assert [operation for operation, _ in aws.dynamodb.calls] == ["GetItem", "PutItem", "GetItem"]


# --- while it is paused -------------------------------------------------------------------------


def test_nothing_is_called_until_the_probe_is_due(breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS - 0.5
    assert calls(breaker, *["stored"] * 10) == ["paused"] * 10
    assert refusal(breaker).seconds == 0.5
    wall.now += 0.5
    assert call(breaker, "stored") == "stored"


def test_a_probe_that_succeeds_resumes(breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    assert calls(breaker, *["stored"] * 10, *OUTAGES[1:]) == ["stored"] * 10 + OUTAGES[1:]
    assert call(breaker, "stored") == "stored"
    pause(breaker)


def test_probes_that_fail_come_ever_more_rarely(breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    waits = []
    for _ in range(6):
        waits.append(refusal(breaker).seconds)
        wall.now += waits[-1]
        assert calls(breaker, "outage", "stored") == ["outage", "paused"]
    assert waits == [2, 4, 8, 16, LONGEST_PROBE_SECONDS, LONGEST_PROBE_SECONDS]


def test_a_pause_soon_after_another_goes_on_with_its_waits(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    pause(breaker)
    wall.now += 2
    assert calls(breaker, "stored", *OUTAGES)
    assert refusal(breaker).seconds == 4
    wall.now += 4
    assert call(breaker, "stored") == "stored"
    wall.now += 60
    assert calls(breaker, *OUTAGES)
    assert refusal(breaker).seconds == 2


def test_a_minute_of_hanging_costs_five_deliveries_few_seconds(aws: Aws, wall: Clock) -> None:
    environments = [new(aws) for _ in range(5)]
    permits = [each.enter("default", LIMITS) for each in environments]
    hung = [each.read_timeout for each in permits]
    wall.now += hung[0]
    for each, permit in zip(environments, permits, strict=True):
        each.record_failure(permit, Cause.OUTAGE)
    while wall.now < START + 60:
        wall.now += 0.25
        with suppress(CircuitOpenError):
            probe = environments[0].enter("default", LIMITS)
            hung.append(probe.read_timeout)
            wall.now += probe.read_timeout
            environments[0].record_failure(probe, Cause.OUTAGE)
    assert hung == [2, 2, 2, 2, 2, 4, 8]


def hang(breaker: CircuitBreaker, wall: Clock) -> None:
    permit = breaker.enter("default", LIMITS)
    wall.now += permit.read_timeout
    breaker.record_failure(permit, Cause.OUTAGE)


def test_one_of_each_environment_comes_back_for_a_probe_and_all_others_when_it_has_hung(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    hang(breaker, wall)
    for environment in (breaker, new(aws)):
        waits = [refusal(environment).seconds for _ in range(100)]
        assert waits == [FIRST_PROBE_SECONDS] + [FIRST_PROBE_SECONDS + 4 + 3] * 99


def test_who_meets_a_probe_that_may_hang_comes_back_with_all_others(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    hang(breaker, wall)
    wall.now += FIRST_PROBE_SECONDS
    breaker.enter("default", LIMITS)
    wall.now += 1
    assert [refusal(each).seconds for each in (breaker, breaker, new(aws))] == [4 - 1 + 3] * 3


def test_a_call_whose_failure_pauses_is_told_to_wait_as_all_others_but_the_one(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    assert breaker.pause_left("default", LIMITS) == 0
    hang(breaker, wall)
    assert breaker.pause_left("default", LIMITS) == FIRST_PROBE_SECONDS + 4 + 3
    assert refusal(breaker).seconds == FIRST_PROBE_SECONDS


def test_of_each_connection_one_comes_back_for_its_probe(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    permits = [breaker.enter(name, LIMITS) for name in ("default", "other")]
    wall.now += 2
    for permit in permits:
        breaker.record_failure(permit, Cause.OUTAGE)
    waits = []
    for name in ("default", "other", "default", "other"):
        with pytest.raises(CircuitOpenError) as caught:
            breaker.enter(name, LIMITS)
        waits.append(caught.value.seconds)
    assert waits == [2, 2, 2 + 4 + 3, 2 + 4 + 3]


def test_a_probe_that_hung_is_followed_by_a_rest_and_more_patience(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    hang(breaker, wall)
    wall.now += FIRST_PROBE_SECONDS
    hang(breaker, wall)  # for 4 s
    assert refusal(breaker).seconds == 16
    assert refusal(new(aws)).seconds == 16
    wall.now += 16
    probe = breaker.enter("default", LIMITS)
    assert (probe.is_probe, probe.read_timeout) == (True, 8)
    wall.now += 8
    breaker.record_failure(probe, Cause.OUTAGE)
    assert refusal(breaker).seconds == 30


def test_short_probes_that_hang_come_ever_more_rarely_too(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    limits = Limits(first_read_timeout=0.125, read_timeout=0.125)
    waits = []
    for _ in range(5):
        permit = breaker.enter("default", limits)
        wall.now += permit.read_timeout
        breaker.record_failure(permit, Cause.OUTAGE)
        waits.append(refusal(breaker, limits).seconds)
        wall.now += waits[-1]
    assert waits == [2, 4, 8, 16, 20]


def test_after_a_probe_that_told_nothing_the_next_is_waited_for_as_the_first(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    hang(breaker, wall)
    wall.now += FIRST_PROBE_SECONDS
    breaker.release(breaker.enter("default", LIMITS))
    assert refusal(new(aws)).seconds == FIRST_PROBE_SECONDS


def test_who_meets_a_probe_that_should_have_ended_comes_back_soon(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    hang(breaker, wall)
    wall.now += FIRST_PROBE_SECONDS
    breaker.enter("default", LIMITS)
    wall.now += 4.5
    assert refusal(breaker).seconds == 3


def test_a_time_out_of_an_earlier_call_takes_no_patience_back(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    def time_out(permit: Permit) -> None:
        wall.now += permit.read_timeout
        assert call(breaker, "stored") == "stored"
        breaker.record_failure(permit, Cause.OUTAGE)

    early = breaker.enter("default", LIMITS)
    time_out(breaker.enter("default", LIMITS))
    time_out(breaker.enter("default", LIMITS))
    assert breaker.enter("default", LIMITS).read_timeout == 8
    time_out(early)
    assert breaker.enter("default", LIMITS).read_timeout == 8


@pytest.mark.parametrize(("seconds", "hangs"), [(3.79, False), (3.8, True), (4.0, True)])
def test_a_call_that_took_nearly_its_time_hung(
    breaker: CircuitBreaker, seconds: float, hangs: bool
) -> None:
    permit = breaker.enter("default", Limits(first_read_timeout=10, connect_timeout=4))
    assert permit.hangs(seconds) is hangs


# --- asking without becoming the probe ------------------------------------------------------------


def test_only_who_was_told_of_a_pause_knows_without_asking_that_it_lasts(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    assert breaker.still_open("default", LIMITS) is None
    hang(breaker, wall)
    assert breaker.still_open("default", LIMITS) is None
    assert refusal(breaker).seconds == FIRST_PROBE_SECONDS
    known = breaker.still_open("default", LIMITS)
    assert known
    assert (known.cause, str(known)) == (Cause.TIMEOUT, "timeout")
    assert known.seconds == FIRST_PROBE_SECONDS + 4 + 3  # with all others
    assert new(aws).still_open("default", LIMITS) is None
    assert breaker.still_open("other", LIMITS) is None


def test_a_pause_that_may_end_is_not_known_to_last(breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    assert breaker.still_open("default", LIMITS) is None
    assert breaker.enter("default", LIMITS).is_probe
    assert breaker.still_open("default", LIMITS) is None  # until somebody was told of the probe
    assert refusal(breaker).seconds == 5
    assert breaker.still_open("default", LIMITS)


# --- when it ends ---------------------------------------------------------------------------------


def test_who_would_be_the_probe_of_a_pause_that_another_ended_just_calls(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    pause(breaker)
    other = new(aws)
    wall.now += FIRST_PROBE_SECONDS
    assert breaker.pause_left("default", LIMITS) == 0  # it has read the state
    assert call(other, "stored") == "stored"
    permit = breaker.enter("default", LIMITS)
    assert permit == Permit("default", LIMITS, permit.state, wall.now)
    assert permit.state.cause is None


def test_after_a_pause_nothing_is_waited_for_but_what_rainfocus_asks(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    assert call(breaker, "stored") == "stored"
    assert breaker.pause_left("default", LIMITS) == 0
    call(breaker, "busy", retry_after=40)
    assert refusal(breaker).seconds == 40


@pytest.mark.parametrize(("failures", "retry_after", "seconds"), [(5, 0, 2), (1, 30, 30)])
def test_a_failure_counts_where_another_changed_the_state_just_then(
    aws: Aws, breaker: CircuitBreaker, failures: int, retry_after: float, seconds: float
) -> None:
    calls(breaker, *OUTAGES[: failures - 1])
    permit = breaker.enter("default", LIMITS)
    other = new(aws)
    other.record_success(other.enter("default", LIMITS), stored_with="digest")
    breaker.record_failure(permit, Cause.OUTAGE, retry_after)
    error = refusal(breaker)
    assert (error.cause, error.seconds) == (Cause.OUTAGE, seconds)


def test_a_connection_that_turned_out_slow_is_waited_for_longer_by_all_for_a_day(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    assert breaker.enter("default", LIMITS).read_timeout == 2
    permit = breaker.enter("default", LIMITS)
    wall.now += 2
    breaker.record_failure(permit, Cause.OUTAGE)
    wall.now += 2
    probe = breaker.enter("default", LIMITS)
    assert probe.read_timeout == 4
    breaker.record_success(probe)
    assert new(aws).enter("default", LIMITS).read_timeout == 4
    wall.now += 86_400
    assert new(aws).enter("default", LIMITS).read_timeout == 2


def test_time_outs_that_do_not_pause_make_calls_longer_as_well(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    for expected in (2, 4, 8, 10, 10):
        permit = breaker.enter("default", LIMITS)
        assert permit.read_timeout == expected
        wall.now += permit.read_timeout
        assert call(breaker, "stored") == "stored"
        breaker.record_failure(permit, Cause.OUTAGE)


def test_a_time_out_of_the_longest_call_costs_no_write(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    for _ in range(4):
        permit = breaker.enter("default", Limits(first_read_timeout=10))
        wall.now += permit.read_timeout
        assert call(breaker, "stored") == "stored"
        breaker.record_failure(permit, Cause.OUTAGE)
    assert "PutItem" not in [operation for operation, _ in aws.dynamodb.calls]


def test_the_first_time_out_is_a_setting_and_no_longer_than_any(breaker: CircuitBreaker) -> None:
    assert breaker.enter("a", Limits(first_read_timeout=20)).read_timeout == 10
    assert breaker.enter("b", Limits(read_timeout=1)).read_timeout == 1
    assert breaker.enter("c", Limits(first_read_timeout=7)).read_timeout == 7


# --- what environments share --------------------------------------------------------------------


def test_five_deliveries_at_once_make_few_calls_in_an_outage_of_a_minute(
    aws: Aws, wall: Clock
) -> None:
    environments = [new(aws) for _ in range(5)]
    under_way = [each.enter("default", LIMITS) for each in environments for _ in range(10)]
    for n, permit in enumerate(under_way):
        environments[n // 10].record_failure(permit, Cause.OUTAGE)
    made = len(under_way)
    while wall.now < START + 60:
        for each in environments:
            made += call(each, "outage") == "outage"
        wall.now += 0.25
    assert made <= 50 + 5
    back_at = wall.now
    while all(call(each, "stored") == "paused" for each in environments):
        wall.now += 0.25
    assert wall.now - back_at <= LONGEST_PROBE_SECONDS


def at_once(count: int, work: Callable[[], str]) -> Counter[str]:
    """Count what becomes of work that many threads do at once."""
    ready = threading.Barrier(count, timeout=30)
    results: list[str] = []

    def run() -> None:
        ready.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(results)


@pytest.mark.parametrize("environments", [1, 5])
def test_of_many_threads_one_is_the_probe(
    aws: Aws, breaker: CircuitBreaker, wall: Clock, environments: int
) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    others = threading.Semaphore(0)
    all_of_them = [breaker, *(new(aws) for _ in range(environments - 1))] * (20 // environments)

    def work() -> str:
        mine = all_of_them.pop()
        try:
            permit = mine.enter("default", LIMITS)
        except CircuitOpenError:
            others.release()
            return "paused"
        for _ in range(19):
            assert others.acquire(timeout=30)
        mine.record_success(permit)
        return "probed"

    assert at_once(20, work) == {"probed": 1, "paused": 19}


def test_who_meets_a_probe_asks_again_soon(aws: Aws, breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    breaker.enter("default", LIMITS)
    assert refusal(new(aws)).seconds == 5


def test_a_probe_that_nothing_was_heard_of_is_followed_by_another(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    lost = breaker.enter("default", LIMITS)
    wall.now += 2 * LIMITS.longest_call + 3
    assert call(new(aws), "stored") == "paused"
    wall.now += 2
    other = new(aws)
    assert call(other, "stored") == "stored"
    breaker.record_failure(lost, Cause.OUTAGE)  # too late
    assert call(other, "stored") == "stored"


def test_a_probe_that_tells_nothing_is_followed_by_another(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    assert calls(breaker, "token", "stored") == ["token", "paused"]
    wall.now += FIRST_PROBE_SECONDS
    assert call(breaker, "stored") == "stored"


def test_a_pause_holds_in_a_new_environment(aws: Aws, breaker: CircuitBreaker) -> None:
    pause(breaker)
    assert call(new(aws), "stored") == "paused"


def test_a_pause_is_seen_in_three_seconds_and_its_end_in_one(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    other = new(aws)
    assert call(other, "stored") == "stored"
    pause(breaker)
    assert call(other, "stored") == "stored"
    wall.now += 3
    assert call(breaker, "outage") == "outage"  # the probe
    assert call(other, "stored") == "paused"
    wall.now += 4
    assert call(breaker, "stored") == "stored"
    wall.now += 1
    assert call(other, "stored") == "stored"


def test_what_fails_after_the_end_of_a_pause_counts_only_if_it_began_then(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    other = new(aws)
    old = [other.enter("default", LIMITS) for _ in range(10)]
    pause(breaker)
    wall.now += FIRST_PROBE_SECONDS
    assert call(breaker, "stored") == "stored"
    wall.now += 1
    for permit in old:
        other.record_failure(permit, Cause.OUTAGE)
    assert call(breaker, "stored") == "stored"


def test_two_that_pause_at_once_make_one_pause(
    aws: Aws, breaker: CircuitBreaker, output: Callable[[], str]
) -> None:
    other = new(aws)
    calls(breaker, *OUTAGES[1:])
    permits = [other.enter("default", LIMITS) for _ in range(10)]
    call(breaker, "outage")
    for permit in permits:
        other.record_failure(permit, Cause.OUTAGE)
    assert call(other, "stored") == "paused"
    assert len(told(output(), "connection paused")) == 1


@pytest.mark.parametrize("failure", [fakes.denied("InternalServerError"), fakes.unreachable()])
def test_without_the_table_each_environment_goes_by_what_it_sees(
    aws: Aws, breaker: CircuitBreaker, wall: Clock, failure: Exception
) -> None:
    aws.dynamodb.always = failure
    pause(breaker)
    assert call(new(aws), "stored") == "stored"
    wall.now += FIRST_PROBE_SECONDS
    assert calls(breaker, "stored", "stored") == ["stored", "stored"]


# --- what the table keeps -----------------------------------------------------------------------


def test_the_table_keeps_it_with_an_end(aws: Aws, breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    item = aws.dynamodb.items["circuit#default"]
    assert (item["state"], item["cause"]) == ({"S": "OPEN"}, {"S": "outage"})
    assert int(item["expires_at"]["N"]) == wall.now + 86_400
    wall.now += 86_400
    assert calls(new(aws), *OUTAGES[1:], "stored") == [*OUTAGES[1:], "stored"]


OLD = {
    "key": {"S": "circuit#default"},
    "state": {"S": "OPEN"},
    "failure_count": {"N": "5"},
    "opened_at": {"N": str(int(START) - 5)},
    "expires_at": {"N": str(int(START) + 3_600)},
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"state": {"S": "HALF_OPEN"}, "half_open_owner": {"S": "x"}},
        {"probe_at": {"N": "9e30"}, "failed_probes": {"N": "1e9"}},
        {"probe_at": {"S": "soon"}, "cause": {"S": "the moon"}, "is_probing": {"BOOL": True}},
        {"failed_probes": {"N": "-3"}, "read_timeout": {"N": "-1"}},
    ],
)
def test_an_item_of_an_earlier_version_or_a_damaged_one_holds_nobody(
    aws: Aws, breaker: CircuitBreaker, wall: Clock, changes: dict[str, Any]
) -> None:
    aws.dynamodb.items["circuit#default"] = OLD | changes
    assert calls(breaker, "outage", "stored") == ["outage", "paused"]  # it was the probe
    wall.now += LONGEST_PROBE_SECONDS
    assert calls(breaker, "stored", "stored") == ["stored", "stored"]


def test_an_item_of_an_earlier_version_that_is_closed_counts_for_nothing(
    aws: Aws, breaker: CircuitBreaker
) -> None:
    aws.dynamodb.items["circuit#default"] = OLD | {"state": {"S": "CLOSED"}}
    pause(breaker)


# --- what is told -------------------------------------------------------------------------------


def lines(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]


def told(written: str, message: str) -> list[dict[str, Any]]:
    return [line for line in lines(written) if line.get("message") == message]


def paused_metrics(written: str) -> list[object]:
    found = [line for line in lines(written) if "ConnectionPaused" in line]
    assert all(line["ConnectionPaused"] == [1.0] for line in found)
    return [line["connection"] for line in found]


def test_a_pause_and_its_end_are_told_once_and_each_probe_that_fails_is_counted(
    breaker: CircuitBreaker, wall: Clock, output: Callable[[], str]
) -> None:
    calls(breaker, "stored", "token", *OUTAGES[1:], connection="rf")
    assert paused_metrics(output()) == []
    calls(breaker, "outage", "stored", "stored", connection="rf")
    written = output()
    [line] = told(written, "connection paused")
    assert (line["connection"], line["cause"], line["level"]) == ("rf", "outage", "WARNING")
    assert paused_metrics(written) == ["rf"]
    wall.now += 2
    calls(breaker, "outage", "stored", connection="rf")
    written = output()
    assert (paused_metrics(written), told(written, "connection paused")) == (["rf"], [])
    wall.now += 4
    calls(breaker, "configuration", "stored", connection="rf")
    [line] = told(output(), "connection paused")
    assert (line["connection"], line["cause"]) == ("rf", "configuration")
    wall.now += 8
    calls(breaker, "stored", "stored", connection="rf")
    written = output()
    assert paused_metrics(written) == []
    [line] = told(written, "connection resumed")
    assert (line["connection"], line["seconds"]) == ("rf", 14)
