"""Pace: holding a connection to its requests per second without sleeping."""

import threading
import time
from collections.abc import Callable

_ROUNDING = 0.001  # seconds
_LONGEST_WAIT = 30.0  # seconds that anybody is told to wait for a turn
_SEEN_SECONDS = 300.0  # after which a lane no longer counts


class RateLimiter:
    """The pace of one function environment, which has its share of the whole.

    Lambda gives an environment the batches of any lane, so that it soon has seen those that call
    over a connection; until then, and after one has fallen silent, its share is too large or small.
    """

    def __init__(self, environments: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`environments` of each lane run at once at most; each gets an equal share."""
        self._environments = environments
        self._clock = clock
        self._free_at: dict[str, float] = {}
        self._promised_at: dict[str, float] = {}
        self._lanes: dict[str, dict[str, float]] = {}  # by connection and lane: when it called
        self._lock = threading.Lock()

    def note(self, connection: str, lane: str) -> None:
        """Note that a lane calls over a connection now."""
        with self._lock:
            self._lanes.setdefault(connection, {})[lane] = self._clock()

    def wait(self, connection: str, requests_per_second: float, burst: float = 1.0) -> float:
        """Take a turn and return 0, or return the seconds until there is one.

        As many requests as `burst` seconds allow may come at once, and always one. 0 requests per
        second are no limit.
        """
        if not requests_per_second:
            return 0.0
        with self._lock:
            now = self._clock()
            interval = self._interval(connection, requests_per_second)
            free_at = max(self._free_at.get(connection, 0.0), now - max(burst, interval) + interval)
            if free_at - now > _ROUNDING:
                return free_at - now
            self._free_at[connection] = free_at + interval
            return 0.0

    def promise(self, connection: str, rate_in: Callable[[float], float], wait: float) -> float:
        """Return the seconds until a turn that nobody was told of, for one who must wait.

        `rate_in` tells the requests per second that will be allowed in so many seconds. So those
        who wait come back as fast as they can go by then, and not all for the same turn.
        """
        with self._lock:
            now = self._clock()
            last = max(self._promised_at.get(connection, 0.0), now)
            rate = rate_in(last - now)
            interval = self._interval(connection, rate) if rate else 0.0
            promised_at = min(max(now + wait, last + interval), now + _LONGEST_WAIT)
            self._promised_at[connection] = promised_at
            return promised_at - now

    def _interval(self, connection: str, requests_per_second: float) -> float:
        """Return the seconds between two of this environment's turns."""
        since = self._clock() - _SEEN_SECONDS
        lanes = sum(at > since for at in self._lanes.get(connection, {}).values())
        return self._environments * max(lanes, 1) / requests_per_second
