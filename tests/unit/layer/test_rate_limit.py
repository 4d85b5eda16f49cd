import threading

import pytest

from attendee_sync.rainfocus.rate_limit import RateLimiter
from tests.support.stack import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def turns(limiter: RateLimiter, rate: float, tries: int = 100, connection: str = "default") -> int:
    return sum(limiter.wait(connection, rate) == 0 for _ in range(tries))


def test_without_a_limit_everybody_goes(clock: Clock) -> None:
    assert turns(RateLimiter(1, clock), 0) == 100


@pytest.mark.parametrize(
    ("environments", "rate", "burst"),
    [(1, 1, 1), (1, 10, 10), (1, 2.5, 2), (1, 0.1, 1), (4, 20, 5), (20, 20, 1), (20, 10, 1)],
)
def test_a_share_of_a_second_can_go_at_once(
    clock: Clock, environments: int, rate: float, burst: int
) -> None:
    assert turns(RateLimiter(environments, clock), rate) == burst


@pytest.mark.parametrize(("burst", "at_once"), [(1.0, 20), (0.25, 5), (0.01, 1), (2.0, 40)])
def test_how_many_can_go_at_once_is_told_in_seconds_worth(
    clock: Clock, burst: float, at_once: int
) -> None:
    limiter = RateLimiter(1, clock)
    assert sum(limiter.wait("default", 20, burst) == 0 for _ in range(100)) == at_once
    clock.now += 1
    assert limiter.wait("default", 20, burst) == 0


@pytest.mark.parametrize(
    ("environments", "rate"), [(1, 1), (1, 8), (1, 0.25), (4, 32), (8, 8), (16, 4)]
)
def test_over_time_all_shares_make_up_the_rate(
    clock: Clock, environments: int, rate: float
) -> None:
    limiter = RateLimiter(environments, clock)
    turns(limiter, rate)
    gone = 0
    for _ in range(4 * 64):
        clock.now += 0.25
        gone += turns(limiter, rate, tries=20)
    assert gone == 64 * rate / environments


@pytest.mark.parametrize(("environments", "rate", "wait"), [(1, 4, 0.25), (4, 4, 1), (8, 2, 4)])
def test_who_must_wait_is_told_how_long(
    clock: Clock, environments: int, rate: float, wait: float
) -> None:
    limiter = RateLimiter(environments, clock)
    turns(limiter, rate)
    assert limiter.wait("default", rate) == wait
    clock.now += wait / 2
    assert limiter.wait("default", rate) == wait / 2
    clock.now += wait / 2
    assert limiter.wait("default", rate) == 0


def test_being_turned_away_costs_no_turn(clock: Clock) -> None:
    limiter = RateLimiter(1, clock)
    turns(limiter, 1, tries=1_000)
    clock.now += 1
    assert turns(limiter, 1) == 1


def test_what_is_not_used_is_not_saved_up(clock: Clock) -> None:
    limiter = RateLimiter(1, clock)
    turns(limiter, 4)
    clock.now += 3_600
    assert turns(limiter, 4) == 4


def test_connections_do_not_wait_for_each_other(clock: Clock) -> None:
    limiter = RateLimiter(1, clock)
    assert turns(limiter, 4, connection="a") == 4
    assert turns(limiter, 8, connection="b") == 8
    assert limiter.wait("a", 4) == 0.25
    assert limiter.wait("b", 8) == 0.125


def test_lanes_that_called_in_five_minutes_share_a_connection(clock: Clock) -> None:
    limiter = RateLimiter(1, clock)
    for lane in ("", "summit", "", "other"):
        limiter.note("a", lane)
    limiter.note("b", "summit")
    assert turns(limiter, 6, connection="a") == 2
    assert turns(limiter, 6, connection="b") == 6
    clock.now += 301
    limiter.note("a", "summit")
    assert turns(limiter, 6, connection="a") == 6


def test_another_limit_counts_at_once(clock: Clock) -> None:
    limiter = RateLimiter(1, clock)
    assert turns(limiter, 1) == 1
    assert turns(limiter, 0) == 100
    clock.now += 2
    assert turns(limiter, 50) == 50


def test_threads_share_the_turns(clock: Clock) -> None:
    limiter = RateLimiter(1, clock)
    gone: list[int] = []
    threads = [threading.Thread(target=lambda: gone.append(turns(limiter, 50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(gone) == 50
