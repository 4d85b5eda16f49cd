import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from attendee_sync.rainfocus.concurrency import ConcurrencyLimiter, NoSlotError
from attendee_sync.rainfocus.connection import Limits

ONE = Limits(concurrency=1)


def room(limiter: ConcurrencyLimiter, most: int = 10, connection: str = "default") -> int:
    """Return how many calls can be made at once."""
    with ExitStack() as calls:
        for taken in range(most + 1):
            try:
                calls.enter_context(limiter.slot(connection, Limits(concurrency=most), timeout=0))
            except NoSlotError:
                return taken
    raise AssertionError("no limit")


@pytest.fixture
def limiter() -> Iterator[ConcurrencyLimiter]:
    made = ConcurrencyLimiter()
    yield made
    assert room(made, 1) == 1  # all slots were given back


def succeed(limiter: ConcurrencyLimiter, connection: str = "default") -> None:
    room(limiter)
    for _ in range(100):
        limiter.widen(connection, 10)


@pytest.mark.parametrize("most", [1, 3, 10])
def test_an_environment_begins_with_a_few_calls_at_once(
    limiter: ConcurrencyLimiter, most: int
) -> None:
    assert room(limiter, most) == min(most, 3)


@pytest.mark.parametrize("most", [1, 3, 10])
def test_a_connection_takes_so_many_calls_at_once(limiter: ConcurrencyLimiter, most: int) -> None:
    succeed(limiter)
    assert room(limiter, most) == most
    assert room(limiter, most) == most
    assert room(limiter, most) == most


def test_each_failure_halves_them_down_to_one(limiter: ConcurrencyLimiter) -> None:
    succeed(limiter)
    rooms = [room(limiter)]
    for _ in range(5):
        limiter.narrow("default")
        rooms.append(room(limiter))
    assert rooms == [10, 5, 3, 2, 1, 1]


def test_success_widens_them_by_one_a_round(limiter: ConcurrencyLimiter) -> None:
    room(limiter)
    limiter.start_slowly("default", resumed_at=1.0, first=1)
    rooms = []
    for _ in range(12):
        rooms.append(room(limiter))
        for _ in range(rooms[-1]):
            limiter.widen("default", 10)
    assert rooms[:3] == [1, 2, 3]
    assert rooms == sorted(rooms)
    assert rooms[-1] == 10


def test_calls_begin_slowly_once_for_each_pause(limiter: ConcurrencyLimiter) -> None:
    succeed(limiter)
    limiter.start_slowly("default", resumed_at=5.0, first=2)
    assert room(limiter) == 2
    succeed(limiter)
    limiter.start_slowly("default", resumed_at=5.0, first=2)
    assert room(limiter) == 10
    limiter.start_slowly("default", resumed_at=6.0, first=2)
    assert room(limiter) == 2


def test_a_smaller_setting_counts_at_once_and_a_larger_one_with_success(
    limiter: ConcurrencyLimiter,
) -> None:
    succeed(limiter)
    assert room(limiter, 10) == 10
    assert room(limiter, 2) == 2
    for _ in range(10):
        limiter.widen("default", 4)
    assert room(limiter, 4) == 4


def test_who_waits_gets_the_slot_that_gets_free(limiter: ConcurrencyLimiter) -> None:
    got = threading.Event()

    def wait() -> None:
        with limiter.slot("default", ONE, timeout=30):
            got.set()

    waiting = threading.Thread(target=wait)
    with limiter.slot("default", ONE, timeout=0):
        waiting.start()
        assert not got.wait(0.05)
    assert got.wait(30)
    waiting.join()


def test_a_slot_is_given_back_after_an_error(limiter: ConcurrencyLimiter) -> None:
    with pytest.raises(RuntimeError), limiter.slot("default", ONE, timeout=0):
        raise RuntimeError
    assert room(limiter, 1) == 1
