"""Calls at once: fewer after a failure, and one more with each round that succeeds.

It holds in one function environment, for the calls that it makes over a connection.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from attendee_sync.rainfocus.connection import Limits


class NoSlotError(Exception):
    """No call ended in time that another could follow."""


@dataclass
class _Slots:
    changed: threading.Condition = field(default_factory=threading.Condition)
    taken: int = 0
    allowed: float = 0.0  # until the first call
    resumed_at: float = 0.0  # the pause after which calls began slowly


class ConcurrencyLimiter:
    """Slots for the calls of each connection. Safe to share between threads."""

    def __init__(self) -> None:
        self._connections: dict[str, _Slots] = {}

    @contextmanager
    def slot(self, connection: str, limits: Limits, timeout: float) -> Iterator[None]:
        """Hold one of a connection's slots; wait for it for so many seconds at most.

        Raises NoSlotError.
        """
        slots = self._slots(connection)
        with slots.changed:
            slots.allowed = min(slots.allowed or limits.first_concurrency, limits.concurrency)
            if not slots.changed.wait_for(lambda: slots.taken < slots.allowed, timeout):
                raise NoSlotError(connection)
            slots.taken += 1
        try:
            yield
        finally:
            with slots.changed:
                slots.taken -= 1
                slots.changed.notify_all()

    def widen(self, connection: str, most: int) -> None:
        """Allow more calls at once after a success: one more when each of them has succeeded."""
        slots = self._slots(connection)
        with slots.changed:
            slots.allowed = min(slots.allowed + 1 / slots.allowed, most)
            slots.changed.notify_all()

    def narrow(self, connection: str) -> None:
        """Allow half as many calls at once after a failure."""
        slots = self._slots(connection)
        with slots.changed:
            slots.allowed = max(1.0, slots.allowed / 2)

    def start_slowly(self, connection: str, resumed_at: float, first: int) -> None:
        """Allow `first` calls at once after a pause, once for each pause."""
        slots = self._slots(connection)
        with slots.changed:
            if resumed_at > slots.resumed_at:
                slots.resumed_at = resumed_at
                slots.allowed = min(slots.allowed, first)

    def _slots(self, connection: str) -> _Slots:
        return self._connections.setdefault(connection, _Slots())
