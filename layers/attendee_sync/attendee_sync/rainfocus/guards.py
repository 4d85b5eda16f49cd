"""What stands before every call of a connection: calls at once, its pause, its pace.

All of it learns from what became of the calls.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from attendee_sync.outcome import Answer, AnswerKind, Reason, Retry, RetryLaterError
from attendee_sync.rainfocus import masking
from attendee_sync.rainfocus.adaptive_rate import AdaptiveRate, allowed_rate
from attendee_sync.rainfocus.circuit_breaker import CircuitBreaker, CircuitOpenError, Permit
from attendee_sync.rainfocus.concurrency import ConcurrencyLimiter, NoSlotError
from attendee_sync.rainfocus.connection import Connection, Limits
from attendee_sync.rainfocus.connection_state import Cause, ConnectionStates
from attendee_sync.rainfocus.rate_limit import RateLimiter

# Seconds that must remain beyond a call: more than delivery keeps to account for a batch.
MARGIN = 9.0
NO_TIME = "no time left in this invocation"
CROWD = 20  # profiles in a row that one environment may see refused alike by their own fault
# Seconds' worth of calls that may come at once after a 429: those of all environments come
# together, and a second's worth of them met a RainFocus that was full already.
_LOWERED_BURST = 0.25
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
        """`environments` of each lane run at once at most, and share a connection's pace."""
        self._concurrency = ConcurrencyLimiter()
        self._circuit_breaker = CircuitBreaker(states)
        self._adaptive_rate = AdaptiveRate(states, environments)
        self._rate_limiter = RateLimiter(environments, clock)
        # By connection: the last refusal, and how many were like it with no success between.
        self._refusals: dict[str, tuple[tuple[int | None, str], int]] = {}

    def call(
        self,
        connection: Connection,
        seconds_left: Callable[[], float],
        work: Callable[[Connection], Answer],
        lane: str = "",
    ) -> Answer:
        """Make a call for a lane once it may be made, and learn from its answer.

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
                permit = self._enter(name, limits, lane)
                try:
                    answer = work(connection.with_read_timeout(permit.read_timeout))
                except BaseException:
                    self._circuit_breaker.release(permit)
                    raise
                return self._record(permit, connection, answer)
        except NoSlotError:
            raise RetryLaterError(Reason.NO_TIME, NO_TIME) from None

    def still_paused(self, connection: Connection) -> RetryLaterError | None:
        """Return why nothing can be called over a connection, as somebody was told before."""
        error = self._circuit_breaker.still_open(connection.name, connection.limits)
        return _paused(error) if error else None

    def _enter(self, connection: str, limits: Limits, lane: str) -> Permit:
        try:
            permit = self._circuit_breaker.enter(connection, limits)
        except CircuitOpenError as error:
            raise _paused(error) from None
        if not permit.is_probe:
            self._rate_limiter.note(connection, lane)
            self._take_turn(permit)
            self._concurrency.start_slowly(
                connection, permit.state.resumed_at, limits.first_concurrency
            )
        self._adaptive_rate.record_begun(permit)
        return permit

    def _take_turn(self, permit: Permit) -> None:
        connection = permit.connection
        rate = allowed_rate(permit.state, permit.limits.requests_per_second)
        burst = 1.0 if rate == permit.limits.requests_per_second else _LOWERED_BURST
        wait = self._rate_limiter.wait(connection, rate, burst)
        if wait:
            promised = self._rate_limiter.promise(
                connection,
                lambda ahead: allowed_rate(permit.state, permit.limits.requests_per_second, ahead),
                wait,
            )
            raise RetryLaterError(
                Reason.RATE_LIMITED,
                "held to the connection's requests per second",
                Retry(math.ceil(promised), _SPREAD),
            )

    def _record(self, permit: Permit, connection: Connection, answer: Answer) -> Answer:
        """Learn from an answer, and return it as what it counts for."""
        if answer.kind is AnswerKind.PROFILE and not self._is_profiles_fault(
            permit, connection, answer
        ):
            answer = replace(answer, kind=AnswerKind.CONFIGURATION)
        match answer.kind:
            case AnswerKind.STORED | AnswerKind.PROFILE:
                is_stored = answer.kind is AnswerKind.STORED
                if is_stored:
                    self._refusals.pop(permit.connection, None)
                digest = connection.digest if is_stored else ""
                self._circuit_breaker.record_success(permit, digest)
                self._adaptive_rate.record_success(permit)
                self._concurrency.widen(permit.connection, permit.limits.concurrency)
            case AnswerKind.TRANSIENT if answer.is_busy:
                self._adaptive_rate.record_busy(permit)
                return self._record_failure(permit, answer, Cause.BUSY)
            case AnswerKind.TRANSIENT:
                return self._record_failure(permit, answer, Cause.OUTAGE)
            case AnswerKind.CONFIGURATION:
                return self._record_failure(permit, answer, Cause.CONFIGURATION)
            case _:
                self._circuit_breaker.release(permit)
        return answer

    def _is_profiles_fault(self, permit: Permit, connection: Connection, answer: Answer) -> bool:
        """Tell whether a refusal is the profile's own fault, and not its connection's.

        It is, if the API itself says so, over a connection that stored somebody with these
        settings, unless a crowd is refused alike or nothing else shows that a pause is over.
        """
        alike = (answer.status, answer.code)
        last, count = self._refusals.get(permit.connection, (alike, 0))
        # A code that stands in the person's record as well is masked: it may be the last one.
        if alike == (last[0], masking.MASK):
            alike = last
        count = count + 1 if last == alike else 1
        self._refusals[permit.connection] = (alike, count)
        is_proven = permit.state.stored_with == connection.digest
        return answer.is_apis_own and is_proven and not permit.is_probe and count <= CROWD

    def _record_failure(self, permit: Permit, answer: Answer, cause: Cause) -> Answer:
        """Learn from a failure, and return it with the wait of those who find a pause."""
        asked = answer.retry_after or 0
        self._circuit_breaker.record_failure(permit, cause, asked)
        self._concurrency.narrow(permit.connection)
        left = self._circuit_breaker.pause_left(permit.connection, permit.limits)
        return replace(answer, retry_after=max(asked, math.ceil(left)) or None)


def _paused(error: CircuitOpenError) -> RetryLaterError:
    is_fault_of_settings = error.cause is Cause.CONFIGURATION
    retry = Retry(math.ceil(error.seconds), _SPREAD, is_fault_of_settings)
    return RetryLaterError(Reason.PAUSED, _WORDS[error.cause], retry)
