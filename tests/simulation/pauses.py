"""What must hold while RainFocus refuses every call, and while a connection is paused."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.scheduler import Process, Scheduler

_ON_ITS_WAY = 4.0  # seconds for which a call may have been about to be made
_ALL_KNOW = 20.0  # seconds after which nobody is in a call that was begun before a pause
_OUTAGE_IS_KNOWN = 30.0
_CALLS_AT_FIRST = 12
_SECONDS_A_CALL = 4.0  # on average, at least: probes come every 20 s, and may be two calls
_CALLS_OF_A_PROBE = 2  # the second with a newer token


class Pauses:
    """Counts calls in an outage, and looks for calls over a paused connection."""

    def __init__(self, scheduler: Scheduler, fail: Callable[[str], object]) -> None:
        self._scheduler = scheduler
        self._fail = fail
        self._paused_since = 0.0
        self._calls = 0  # since the pause was written last
        self._is_probing = False
        self._outage_since = 0.0
        self._calls_in_outage = 0
        self._counts_from = 0.0
        self._is_shared = True
        # By process: when it heard that no more calls are wanted, and for how many seconds.
        self._busy: dict[int, tuple[float, float, Process]] = {}

    def see_busy(self, process: Process, seconds: float) -> None:
        """See an answer that asks for no call for some seconds; a pause may have its own probes."""
        if not self._paused_since:
            self._busy[id(process)] = (self._scheduler.now, seconds, process)

    def see_call(self, process: Process) -> None:
        """See a call begin."""
        now = self._scheduler.now
        heard, seconds, _ = self._busy.get(id(process), (0.0, 0.0, process))
        if heard + _ON_ITS_WAY < now < heard + seconds - 1.0:
            self._fail(f"a call {now - heard:.0f} s after Retry-After: {seconds:.0f}")
        is_known = self._outage_since and now - self._outage_since > _OUTAGE_IS_KNOWN
        if is_known and now >= self._counts_from:
            self._calls_in_outage += 1
        self._calls += 1
        is_paused = self._paused_since and now - self._paused_since > _ALL_KNOW
        if not is_paused or now < self._counts_from or not self._is_shared:
            return
        if self._calls > _CALLS_OF_A_PROBE or not self._is_probing:
            self._fail("a call over a paused connection that is no probe")

    def see_mode(self, mode: str) -> None:
        """See RainFocus begin to refuse every call, or end that."""
        now = self._scheduler.now
        if self._outage_since and self._is_shared:
            lasted = max(now - self._outage_since - _OUTAGE_IS_KNOWN, 0.0)
            if self._calls_in_outage > _CALLS_AT_FIRST + lasted / _SECONDS_A_CALL:
                self._fail(f"{self._calls_in_outage} calls in {lasted:.0f} s of an outage")
        self._outage_since = now if mode in ("outage", "hang", "lock-out") else 0.0
        self._calls_in_outage = 0

    def see_state(self, item: Mapping[str, Any]) -> None:
        """See the state of the connection written."""
        if item["cause"]["S"]:
            self._paused_since = self._paused_since or self._scheduler.now
            self._calls = 0
            self._is_probing = item["is_probing"]["N"] == "1"
        else:
            self._paused_since = 0.0

    def see_fault_of_table(self) -> None:
        """See a call to the table fail: then a pause or a probe may be known to one delivery."""
        self._counts_from = self._scheduler.now + _ALL_KNOW
        self._busy.clear()

    def see_table_away(self) -> None:
        """From now on deliveries may not know of each other's pauses at all."""
        self._is_shared = False
