"""What stands before every call of a connection: calls at once, its pause, its pace.

All of it learns from what became of the calls.
"""

import math
import time
from collections.abc import Callable

from attendee_sync.outcome import Answer, AnswerKind, Reason, Retry, RetryLaterError
from attendee_sync.rainfocus.adaptive_rate import AdaptiveRate, allowed_rate
from attendee_sync.rainfocus.circuit_breaker import CircuitBreaker, CircuitOpenError, Permit
from attendee_sync.rainfocus.concurrency import ConcurrencyLimiter, NoSlotError
from attendee_sync.rainfocus.connection import Connection, Limits
from attendee_sync.rainfocus.connection_state import Cause, ConnectionStates
from attendee_sync.rainfocus.rate_limit import RateLimiter

# Seconds that must remain beyond a call: more than delivery keeps to account for a batch.
MARGIN = 9.0
NO_TIME = "no time left in this invocation"
_BUSY = frozenset({420, 429, 430})  # statuses with which servers ask for fewer calls
_SPREAD = 2.0  # seconds over which those come back that wait for the same moment
_WORDS = {
    Cause.CONFIGURATION: "the connection is paused: RainFocus refuses its calls",
    Cause.OUTAGE: "the connection is paused: RainFocus is out of order or can't be reached",
    Cause.TIMEOUT: "the connection is paused: RainFocus does not answer in time",
    Cause.BUSY: "the connection is paused: RainFocus asks for fewer calls",
}


class Guards:
    """The guards of a stack's connections. Safe to share between threads."""

    def __init__(
        self,
        states: ConnectionStates,
        environments: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`environments` run at once at most; each gets an equal share of a connection's pace."""
        self._concurrency = ConcurrencyLimiter()
        self._circuit_breaker = CircuitBreaker(states)
        self._adaptive_rate = AdaptiveRate(states, environments)
        self._rate_limiter = RateLimiter(environments, clock)

    def call(
        self,
        connection: Connection,
        seconds_left: Callable[[], float],
        work: Callable[[Connection], Answer],
    ) -> Answer:
        """Make a call once it may be made, and learn from its answer.

        `work` gets the connection with the time for which the answer is to be waited for. Raises
        RetryLaterError without calling, and what the call raises.
        """
        name, limits = connection.name, connection.limits
        needed = limits.longest_call + MARGIN
        timeout = max(0.0, seconds_left() - needed)
        try:
            with self._concurrency.slot(name, limits, timeout):
                if seconds_left() < needed:
                    raise RetryLaterError(Reason.NO_TIME, NO_TIME)
                permit = self._enter(name, limits)
                try:
                    answer = work(connection.with_read_timeout(permit.read_timeout))
                except BaseException:
                    self._circuit_breaker.release(permit)
                    raise
                self._record(permit, answer)
                return answer
        except NoSlotError:
            raise RetryLaterError(Reason.NO_TIME, NO_TIME) from None

    def _enter(self, connection: str, limits: Limits) -> Permit:
        try:
            permit = self._circuit_breaker.enter(connection, limits)
        except CircuitOpenError as error:
            raise RetryLaterError(
                Reason.PAUSED,
                _WORDS[error.cause],
                Retry(math.ceil(error.seconds), _SPREAD, error.cause is Cause.CONFIGURATION),
            ) from None
        if not permit.is_probe:
            self._take_turn(permit)
            self._concurrency.start_slowly(
                connection, permit.state.resumed_at, limits.first_concurrency
            )
        self._adaptive_rate.record_begun(permit)
        return permit

    def _take_turn(self, permit: Permit) -> None:
        connection = permit.connection
        rate = allowed_rate(permit.state, permit.limits.requests_per_second)
        wait = self._rate_limiter.wait(connection, rate)
        if wait:
            promised = self._rate_limiter.promise(connection, rate, wait)
            raise RetryLaterError(
                Reason.RATE_LIMITED,
                "held to the connection's requests per second",
                Retry(math.ceil(promised), _SPREAD),
            )

    def _record(self, permit: Permit, answer: Answer) -> None:
        connection, limits = permit.connection, permit.limits
        match answer.kind:
            case AnswerKind.STORED | AnswerKind.PROFILE:
                self._circuit_breaker.record_success(permit)
                self._adaptive_rate.record_success(permit)
                self._concurrency.widen(connection, limits.concurrency)
            case AnswerKind.TRANSIENT if answer.status in _BUSY:
                self._adaptive_rate.record_busy(permit)
                self._record_failure(permit, answer, Cause.BUSY)
            case AnswerKind.TRANSIENT:
                self._record_failure(permit, answer, Cause.OUTAGE)
            case AnswerKind.CONFIGURATION:
                self._record_failure(permit, answer, Cause.CONFIGURATION)
            case _:
                self._circuit_breaker.release(permit)

    def _record_failure(self, permit: Permit, answer: Answer, cause: Cause) -> None:
        self._circuit_breaker.record_failure(permit, cause, answer.retry_after or 0.0)
        self._concurrency.narrow(permit.connection)
