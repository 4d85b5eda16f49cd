import json
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from attendee_sync.rainfocus.circuit_breaker import (
    PROBE_SECONDS,
    CircuitBreaker,
    CircuitOpenError,
    ConnectionFault,
)
from tests.support import fakes
from tests.support.stack import Aws, Clock


class PassingError(Exception):
    """Says nothing about the connection."""


def new(aws: Aws) -> CircuitBreaker:
    return CircuitBreaker(aws.dynamodb, fakes.TABLE)


@pytest.fixture
def breaker(aws: Aws, wall: Clock) -> CircuitBreaker:
    assert wall
    return new(aws)


WORK: dict[str, type[Exception] | None] = {
    "stored": None,
    "fault": ConnectionFault,
    "passing": PassingError,
}


def outcome(breaker: CircuitBreaker, work: str, connection: str = "default") -> str:
    """Do some work and return what became of it: itself, or `paused`."""

    def done() -> str:
        error = WORK[work]
        if error:
            raise error
        return work

    try:
        return breaker.call(connection, done)
    except CircuitOpenError:
        return "paused"
    except (ConnectionFault, PassingError):
        return work


def outcomes(breaker: CircuitBreaker, *works: str, connection: str = "default") -> list[str]:
    return [outcome(breaker, work, connection) for work in works]


FAULTS = ["fault"] * 5


def pause(breaker: CircuitBreaker, connection: str = "default") -> None:
    assert outcomes(breaker, *FAULTS, "stored", connection=connection) == [*FAULTS, "paused"]


# --- when it pauses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "is_paused"),
    [
        ([], False),
        (FAULTS[1:], False),
        (FAULTS, True),
        ([*FAULTS[1:], "stored", *FAULTS[1:]], False),
        ([*FAULTS[1:], "stored", *FAULTS], True),
        (["fault", "stored"] * 20, False),
        (["passing"] * 20, False),
        ([*FAULTS[1:], "passing"], False),
        ([*FAULTS[1:], *["passing"] * 20, "fault"], True),
        (["passing", "fault"] * 5, True),
    ],
)
def test_faults_in_a_row_pause_a_connection(
    breaker: CircuitBreaker, before: list[str], is_paused: bool
) -> None:
    assert outcomes(breaker, *before) == before
    assert outcome(breaker, "stored") == ("paused" if is_paused else "stored")


def test_a_working_connection_costs_a_read_in_five_seconds(
    aws: Aws, breaker: CircuitBreaker, wall: Clock
) -> None:
    for second in range(10):
        wall.now = 1_800_000_000 + second
        outcomes(breaker, *["stored", "passing"] * 10)
    assert [operation for operation, _ in aws.dynamodb.calls] == ["GetItem"] * 2


def test_other_connections_go_on(breaker: CircuitBreaker) -> None:
    pause(breaker, "a")
    assert outcomes(breaker, *FAULTS[1:], "stored", connection="b") == [*FAULTS[1:], "stored"]
    assert outcome(breaker, "stored", "a") == "paused"


def test_faults_of_different_connections_are_counted_apart(breaker: CircuitBreaker) -> None:
    for _ in FAULTS[1:]:
        assert outcome(breaker, "fault", "a") == outcome(breaker, "fault", "b") == "fault"
    assert outcome(breaker, "stored", "a") == outcome(breaker, "stored", "b") == "stored"


# --- while it is paused -------------------------------------------------------------------------


def test_nothing_is_done_until_the_probe_is_due(breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    wall.now += PROBE_SECONDS - 1
    assert outcomes(breaker, *["stored"] * 10) == ["paused"] * 10
    wall.now += 1
    assert outcome(breaker, "stored") == "stored"


def test_a_probe_that_succeeds_resumes(breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    wall.now += PROBE_SECONDS
    assert outcomes(breaker, *["stored"] * 10) == ["stored"] * 10
    assert outcomes(breaker, *FAULTS[1:]) == FAULTS[1:]
    assert outcome(breaker, "stored") == "stored"
    pause(breaker)


def test_a_probe_that_fails_pauses_again(breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    for _ in range(5):
        wall.now += PROBE_SECONDS
        assert outcomes(breaker, "fault", "stored", "stored") == ["fault", "paused", "paused"]
    wall.now += PROBE_SECONDS
    assert outcome(breaker, "stored") == "stored"


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
    wall.now += PROBE_SECONDS
    others = threading.Semaphore(0)
    all_of_them = [breaker, *(new(aws) for _ in range(environments - 1))] * (20 // environments)

    def probe() -> str:
        for _ in range(19):
            assert others.acquire(timeout=30)
        return "probed"

    def work() -> str:
        try:
            return all_of_them.pop().call("default", probe)
        except CircuitOpenError:
            others.release()
            return "paused"

    assert at_once(20, work) == {"probed": 1, "paused": 19}


def test_many_threads_that_fail_at_once_pause_once(
    breaker: CircuitBreaker, output: Callable[[], str]
) -> None:
    ready = threading.Barrier(20, timeout=30)

    def work() -> str:
        try:
            return breaker.call("default", fail)
        except ConnectionFault:
            return "fault"

    def fail() -> str:
        ready.wait()
        raise ConnectionFault

    assert at_once(20, work) == {"fault": 20}
    assert outcome(breaker, "stored") == "paused"
    assert 1 <= len(paused_metrics(output())) <= 20 // 5


def test_a_probe_that_tells_nothing_is_followed_by_another(
    breaker: CircuitBreaker, wall: Clock
) -> None:
    pause(breaker)
    wall.now += PROBE_SECONDS
    assert at_once(1, lambda: outcome(breaker, "passing")) == {"passing": 1}
    assert at_once(5, lambda: outcome(breaker, "stored")) == {"paused": 5}
    wall.now += PROBE_SECONDS
    assert at_once(1, lambda: outcome(breaker, "stored")) == {"stored": 1}
    assert at_once(5, lambda: outcome(breaker, "stored")) == {"stored": 5}


# --- what environments share --------------------------------------------------------------------


def test_a_pause_holds_in_a_new_environment(
    aws: Aws, breaker: CircuitBreaker, circuits: Callable[[], None]
) -> None:
    pause(breaker)
    circuits()
    assert outcome(new(aws), "stored") == "paused"


def test_a_pause_is_seen_in_five_seconds(
    aws: Aws, breaker: CircuitBreaker, wall: Clock, circuits: Callable[[], None]
) -> None:
    other = new(aws)
    assert outcome(other, "stored") == "stored"
    circuits()
    pause(breaker)
    circuits()
    assert outcome(other, "stored") == "stored"
    wall.now += 5
    assert outcome(other, "stored") == "paused"


def test_the_end_of_a_pause_is_seen_in_five_seconds(
    aws: Aws, breaker: CircuitBreaker, wall: Clock, circuits: Callable[[], None]
) -> None:
    other = new(aws)
    pause(breaker)
    wall.now += PROBE_SECONDS
    circuits()
    assert outcome(other, "stored") == "stored"
    circuits()
    wall.now += 5
    assert outcomes(breaker, "stored", *FAULTS[1:], "stored") == ["stored", *FAULTS[1:], "stored"]


@pytest.mark.parametrize("failure", [fakes.denied("InternalServerError"), fakes.unreachable()])
def test_without_the_table_calls_go_on(
    aws: Aws, breaker: CircuitBreaker, failure: Exception
) -> None:
    aws.dynamodb.always = failure
    assert outcomes(breaker, "stored", *FAULTS, "stored") == ["stored", *FAULTS, "stored"]


def test_the_table_keeps_it_with_an_end(aws: Aws, breaker: CircuitBreaker, wall: Clock) -> None:
    pause(breaker)
    item = aws.dynamodb.items["circuit#default"]
    assert item["state"] == {"S": "OPEN"}
    assert int(item["expires_at"]["N"]) > wall.now + PROBE_SECONDS


# --- what is told -------------------------------------------------------------------------------


def lines(written: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.splitlines()]


def paused_metrics(written: str) -> list[object]:
    return [line["connection"] for line in lines(written) if "ConnectionPaused" in line]


def test_a_pause_and_each_probe_that_fails_is_counted(
    breaker: CircuitBreaker, wall: Clock, output: Callable[[], str]
) -> None:
    outcomes(breaker, "stored", "passing", *FAULTS[1:], connection="rf")
    assert paused_metrics(output()) == []
    outcomes(breaker, "fault", "stored", "stored", connection="rf")
    [metric] = [line for line in lines(output()) if "_aws" in line]
    assert (metric["connection"], metric["ConnectionPaused"]) == ("rf", [1.0])
    wall.now += PROBE_SECONDS
    outcomes(breaker, "fault", "stored", connection="rf")
    assert paused_metrics(output()) == ["rf"]
    wall.now += PROBE_SECONDS
    outcomes(breaker, "stored", "stored", connection="rf")
    written = output()
    assert paused_metrics(written) == []
    assert [
        line["connection"] for line in lines(written) if line["message"] == "connection resumed"
    ] == ["rf"]
