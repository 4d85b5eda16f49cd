"""Among how many lanes a connection's pace is shared, as one function environment sees it."""

import threading
import time
from collections.abc import Callable

_SEEN_SECONDS = 300.0  # after which a lane no longer counts


class LaneShares:
    """The lanes that call over each connection. Safe to share between threads.

    Each lane has as many deliveries at once as the others, so each gets an equal share. Lambda
    gives an environment the batches of any lane, so that it soon has seen those that have work;
    until then, and after one has fallen silent, the shares are too large or too small.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, dict[str, float]] = {}  # by connection and lane: when
        self._lock = threading.Lock()

    def note(self, connection: str, lane: str) -> int:
        """Note that a lane calls over a connection now, and return how many lanes do."""
        now = self._clock()
        with self._lock:
            seen = {**self._seen.get(connection, {}), lane: now}
            live = {each: at for each, at in seen.items() if now - at < _SEEN_SECONDS}
            self._seen[connection] = live
            return len(live)
