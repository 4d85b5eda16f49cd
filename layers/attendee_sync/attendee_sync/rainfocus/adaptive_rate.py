"""How fast RainFocus lets a connection be: slower with each 429, faster with time.

The rate is shared by all deliveries. Each can tell how far it has grown since it was lowered, so
that only lowering it costs a write.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from attendee_sync.rainfocus.circuit_breaker import Permit
from attendee_sync.rainfocus.connection_state import ConnectionState, ConnectionStates

_DOUBLES_IN = 15.0  # seconds
# Seconds in which all learn of a lower rate: what is called until then tells nothing of it.
_SETTLES_IN = 1.0
_MOST_DOUBLINGS = 16
_LEAST_RATE = 1.0  # requests per second; where that is too much, the connection is paused
_BELOW_WHAT_PASSED = 0.9
_LOWEST_FACTOR = 0.5


def allowed_rate(state: ConnectionState, ceiling: float, ahead: float = 0.0) -> float:
    """Return the requests per second that are allowed now, or will be in `ahead` seconds.

    They are at most `ceiling`; 0 is no limit.
    """
    if not state.rate:
        return ceiling
    doublings = (time.time() + ahead - state.rate_at) / _DOUBLES_IN
    if doublings > _MOST_DOUBLINGS:
        return ceiling
    rate = state.rate * 2 ** max(doublings, 0.0)
    return min(rate, ceiling) if ceiling else rate


@dataclass
class _Calls:
    """The last calls of this environment over a connection."""

    begun: deque[float] = field(default_factory=lambda: deque(maxlen=200))  # when
    # When each began, and if it was one too many.
    answered: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=20))


class AdaptiveRate:
    """Lowers the rates of connections. Safe to share between threads."""

    def __init__(self, states: ConnectionStates, environments: int) -> None:
        """`environments` run at once at most, and call as often as this one."""
        self._states = states
        self._environments = environments
        self._calls: dict[str, _Calls] = {}
        self._lock = threading.Lock()

    def record_begun(self, permit: Permit) -> None:
        """Record a call that is made now."""
        with self._lock:
            self._of(permit).begun.append(permit.began)

    def record_success(self, permit: Permit) -> None:
        """Record a call that was not one too many."""
        with self._lock:
            self._of(permit).answered.append((permit.began, False))

    def record_busy(self, permit: Permit) -> None:
        """Record a call that was one too many, and lower the rate if it has not been since.

        The new rate is somewhat below what got through of what was called, but at least half of
        the last one: this environment's own calls of a second are too few to tell more.
        """
        state = self._states.get(permit.connection)
        with self._lock:
            calls = self._of(permit)
            calls.answered.append((permit.began, True))
            if state.cause or permit.began < state.rate_at + _SETTLES_IN:
                return
            since = [is_busy for began, is_busy in calls.answered if began >= state.rate_at]
            now = time.time()
            # Of a call that took longer than the second that is counted, it is its first one.
            end = min(now, permit.began + 1.0)
            called = self._environments * sum(end - 1.0 <= began <= end for began in calls.begun)
        passed = 1 - sum(since) / len(since)
        allowed = allowed_rate(state, permit.limits.requests_per_second)
        rate = min(allowed, called) if allowed else called
        rate *= _BELOW_WHAT_PASSED * max(passed, _LOWEST_FACTOR)
        is_recent = now - state.rate_at <= _MOST_DOUBLINGS * _DOUBLES_IN
        last = state.rate if is_recent else 0.0
        rate = max(rate, _LOWEST_FACTOR * last, _LEAST_RATE)
        self._states.change(permit.connection, state, rate=rate, rate_at=now)

    def _of(self, permit: Permit) -> _Calls:
        return self._calls.setdefault(permit.connection, _Calls())
