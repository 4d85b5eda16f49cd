import heapq
import itertools
import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from attendee_sync.rainfocus.adaptive_rate import AdaptiveRate, allowed_rate
from attendee_sync.rainfocus.circuit_breaker import (
    FAILURES_TO_PAUSE,
    CircuitBreaker,
    CircuitOpenError,
    Permit,
)
from attendee_sync.rainfocus.concurrency import ConcurrencyLimiter, NoSlotError
from attendee_sync.rainfocus.connection import Limits
from attendee_sync.rainfocus.connection_state import Cause, ConnectionState, ConnectionStates
from attendee_sync.rainfocus.rate_limit import RateLimiter
from tests.support import fakes
from tests.support.stack import Aws, Clock

START = 1_800_000_000.0
LATENCY = 0.1
ENVIRONMENTS, THREADS = 5, 10


# --- the rate -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "age", "ceiling", "allowed"),
    [
        (0, 0, 0, 0),
        (0, 0, 50, 50),
        (8, 0, 0, 8),
        (8, 15, 0, 16),
        (8, 45, 0, 64),
        (8, 45, 50, 50),
        (8, 0, 5, 5),
        (8, -5, 0, 8),
        (8, 3_600, 0, 0),
        (8, 3_600, 50, 50),
    ],
)
@pytest.mark.usefixtures("wall")
def test_a_lowered_rate_doubles_until_it_is_the_connections_own(
    rate: float, age: float, ceiling: float, allowed: float
) -> None:
    state = ConnectionState(rate=rate, rate_at=START - age)
    assert allowed_rate(state, ceiling) == allowed
    state = ConnectionState(rate=rate, rate_at=START)
    assert allowed_rate(state, ceiling, ahead=age) == allowed


@dataclass
class Environment:
    """What paces the calls of one delivery."""

    aws: Aws
    clock: Clock
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.states = ConnectionStates(self.aws.dynamodb, fakes.TABLE)
        self.rate = AdaptiveRate(self.states, ENVIRONMENTS)
        self.breaker = CircuitBreaker(self.states)
        self.limiter = RateLimiter(ENVIRONMENTS, self.clock)
        self.concurrency = ConcurrencyLimiter()
        self.waiting = 0

    @property
    def allowed(self) -> float:
        return allowed_rate(self.states.get("default"), self.limits.requests_per_second)

    def calls(self, *results: bool) -> None:
        """Make calls at once; True is a success, False a 429."""
        permits = [self.breaker.enter("default", self.limits) for _ in results]
        for permit in permits:
            self.rate.record_begun(permit)
        for permit, is_success in zip(permits, results, strict=True):
            if is_success:
                self.rate.record_success(permit)
            else:
                self.rate.record_busy(permit)


def test_without_a_429_there_is_no_limit_and_no_write(aws: Aws, wall: Clock) -> None:
    environment = Environment(aws, wall)
    environment.calls(*[True] * 100)
    assert environment.allowed == 0
    assert aws.dynamodb.count("PutItem") == 0


def test_a_429_lowers_it_below_what_got_through_for_all(aws: Aws, wall: Clock) -> None:
    one, other = Environment(aws, wall), Environment(aws, wall)
    one.calls(True, True, True, False)
    assert one.allowed == other.allowed == pytest.approx(5 * 4 * 0.75 * 0.9)
    assert aws.dynamodb.count("PutItem") == 1


def test_a_429_that_is_long_in_coming_lowers_it_no_further(aws: Aws, wall: Clock) -> None:
    environment = Environment(aws, wall)
    environment.calls(True, True, True)
    permit = environment.breaker.enter("default", environment.limits)
    environment.rate.record_begun(permit)
    wall.now += 3.0
    environment.rate.record_busy(permit)
    assert environment.allowed == pytest.approx(5 * 4 * 0.75 * 0.9)


def test_calls_that_were_under_way_lower_it_no_further(aws: Aws, wall: Clock) -> None:
    Environment(aws, wall).calls(*[False] * 10)
    permits = [Environment(aws, wall) for _ in range(5)]
    lowered = permits[0].allowed
    wall.now -= 0.05  # they began before that was known
    late = [(each, each.breaker.enter("default", each.limits)) for each in permits]
    wall.now += 0.05
    for environment, permit in late:
        environment.rate.record_busy(permit)
    assert permits[0].allowed == lowered
    wall.now += 0.5  # they are yet to learn it
    permits[0].calls(*[False] * 5)
    assert permits[1].allowed == pytest.approx(lowered, rel=0.03)
    wall.now += 0.6
    permits[0].calls(*[False] * 5)
    assert Environment(aws, wall).allowed < lowered


def test_one_429_of_many_calls_lowers_it_little(aws: Aws, wall: Clock) -> None:
    environment = Environment(aws, wall, Limits(requests_per_second=20))
    environment.calls(*[True] * 19, False)
    assert environment.allowed == pytest.approx(20 * 0.95 * 0.9)


def test_it_falls_to_half_at_most_at_a_time(aws: Aws, wall: Clock) -> None:
    environment = Environment(aws, wall)
    environment.calls(*[True] * 19, False)
    lowered = environment.allowed
    wall.now += 2
    environment.calls(False)  # one call of a second, where the other environments make many
    assert environment.allowed == pytest.approx(lowered / 2)


def test_a_rate_that_was_grown_out_of_long_ago_says_nothing_of_a_new_one(
    aws: Aws, wall: Clock
) -> None:
    environment = Environment(aws, wall)
    environment.calls(*[True] * 19, False)
    wall.now += 3_600
    environment.calls(True, False)
    assert environment.allowed == pytest.approx(5 * 2 * 0.9 * 0.9, rel=0.01)


def test_a_pause_neither_lowers_a_rate_that_had_grown_nor_lets_it_grow(
    aws: Aws, wall: Clock
) -> None:
    environment = Environment(aws, wall)
    environment.calls(*[False] * 4)
    wall.now += 30
    before = environment.allowed
    for _ in range(FAILURES_TO_PAUSE):
        permit = environment.breaker.enter("default", environment.limits)
        environment.breaker.record_failure(permit, Cause.OUTAGE)
    wall.now += 60
    environment.breaker.record_success(environment.breaker.enter("default", environment.limits))
    assert environment.allowed == pytest.approx(before)


def test_it_is_never_lower_than_one_a_second(aws: Aws, wall: Clock) -> None:
    environment = Environment(aws, wall)
    for _ in range(20):
        environment.calls(False)
        wall.now += 1
    environment.calls(False)
    assert environment.allowed == 1


# --- a storm ------------------------------------------------------------------------------------


@dataclass
class Storm:
    """Five deliveries with ten threads each, and a RainFocus that takes so many calls a second."""

    environments: list[Environment]
    clock: Clock
    capacity: float
    retry_after: float = 0.0
    tokens: float = 0.0
    calls: int = 0
    stored: int = 0
    _filled_at: float = START
    _order: "itertools.count[int]" = field(default_factory=itertools.count)
    _events: list[Any] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311

    def takes(self) -> bool:
        """Tell whether RainFocus takes a call: a bucket that holds a second's worth."""
        grown = self.tokens + (self.clock.now - self._filled_at) * self.capacity
        self.tokens, self._filled_at = min(grown, max(self.capacity, 1.0)), self.clock.now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def run(self, profiles: int, seconds: float) -> float:
        """Deliver profiles that wait, by turns, and return the seconds until all are stored."""
        for n in range(profiles):
            self._later(n * 0.002, None)
        while self.stored < profiles:
            self.clock.now, _, call = heapq.heappop(self._events)
            assert self.clock.now < START + seconds, f"{self.stored} of {profiles} stored"
            wait = call() if call else self._begin(self._chance.choice(self.environments))
            if wait:
                self._later(wait + self._chance.uniform(0, 3), None)
        return self.clock.now - START

    def _later(self, seconds: float, call: Callable[[], float] | None) -> None:
        heapq.heappush(self._events, (self.clock.now + seconds, next(self._order), call))

    def _begin(self, environment: Environment) -> float:
        """Begin a call in an environment, and return the seconds to wait if none is made."""
        with ExitStack() as stack:
            try:
                stack.enter_context(environment.concurrency.slot("default", environment.limits, 0))
                permit = environment.breaker.enter("default", environment.limits)
            except NoSlotError:
                environment.waiting += 1
                return 0.0
            except CircuitOpenError as error:
                return max(error.seconds, 0.1)
            resumed_at = permit.state.resumed_at
            environment.concurrency.start_slowly("default", resumed_at, first=3)
            if not permit.is_probe and (rate := environment.allowed):
                burst = 0.25  # as Guards has it
                wait = environment.limiter.wait("default", rate, burst)
                if wait:
                    return environment.limiter.promise(
                        "default", lambda ahead: allowed_rate(permit.state, 0.0, ahead), wait
                    )
            environment.rate.record_begun(permit)
            self.calls += 1
            is_stored, slot = self.takes(), stack.pop_all()
            self._later(LATENCY, lambda: self._end(environment, permit, is_stored, slot))
        return 0.0

    def _end(
        self, environment: Environment, permit: Permit, is_stored: bool, slot: ExitStack
    ) -> float:
        slot.close()
        for _ in range(environment.waiting):  # those that waited for a slot
            self._later(0.0, lambda: self._begin(environment))
        environment.waiting = 0
        if is_stored:
            self.stored += 1
            environment.rate.record_success(permit)
            environment.breaker.record_success(permit)
            environment.concurrency.widen("default", 10)
            return 0.0
        environment.rate.record_busy(permit)
        environment.breaker.record_failure(permit, Cause.BUSY, self.retry_after)
        environment.concurrency.narrow("default")
        return 2.0


@pytest.mark.parametrize("capacity", [5.0, 10.0, 20.0, 25.0, 100.0])
@pytest.mark.parametrize("retry_after", [0.0, 1.0])
def test_a_storm_ends_with_few_calls_more_than_profiles(
    aws: Aws, wall: Clock, capacity: float, retry_after: float
) -> None:
    environments = [Environment(aws, wall) for _ in range(ENVIRONMENTS)]
    storm = Storm(environments, wall, capacity, retry_after)
    took = storm.run(600, seconds=1_200)
    assert storm.calls <= 1.1 * 600
    assert took <= 1.2 * 600 / capacity + 45
