"""Pausing a connection whose every call fails, until a probe succeeds.

Failures are counted in each function environment by itself, so that working connections cost no
writes; the pause is shared by all deliveries. While it lasts one call is made now and then.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from attendee_sync import observability
from attendee_sync.observability import LogEvent, Metric
from attendee_sync.rainfocus.connection import Limits
from attendee_sync.rainfocus.connection_state import Cause, ConnectionState, ConnectionStates

FAILURES_TO_PAUSE = 5  # in a row in one environment, with no success between
FIRST_PROBE_SECONDS = 2.0  # from a pause to its first probe; then doubled
LONGEST_PROBE_SECONDS = 20.0
_MAX_RETRY_AFTER = 60.0  # seconds that all wait because RainFocus told one to
_MORE_REST = 1.0  # seconds beyond the next probe for which that is put off
_HANG_REST = 4  # a probe that hung is followed by so many times its length without one
_LONGEST_HANG_REST = 30.0  # seconds
_LEASE_MARGIN = 4.0  # seconds beyond a probe's two calls at most, the second with a newer token
_AGAIN = 60.0  # seconds after its end in which a new pause goes on with the last one's waits
_WHILE_PROBING = 5.0  # seconds after which is asked again what became of a probe
_PROBE_IS_LATE = 3.0  # seconds at most from when a probe is due until somebody comes to make it
_MOST_DOUBLINGS = 10


class CircuitOpenError(Exception):
    """The connection is paused."""

    def __init__(self, state: ConnectionState, limits: Limits, *, is_first: bool = False) -> None:
        """`is_first` is the first of its environment that asks since the state changed."""
        super().__init__(state.cause)
        self.cause = state.cause or Cause.OUTAGE
        self.seconds = _worth_while(state, limits, is_first=is_first)
        """Until it is worth while to ask again."""


@dataclass(frozen=True)
class Permit:
    """Leave to make one call; what became of it must be recorded."""

    connection: str
    limits: Limits
    state: ConnectionState
    began: float
    is_probe: bool = False

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for the answer; after a time-out they are more."""
        return _read_timeout(self.state, self.limits)

    def hangs(self, seconds: float) -> bool:
        """Tell whether a call that failed after so many seconds did so by hanging."""
        return seconds >= 0.95 * min(self.limits.connect_timeout, self.read_timeout)


@dataclass
class _Record:
    """What this environment saw of a connection."""

    failures: int = 0  # in a row
    succeeded_at: float = 0.0
    asked: str = ""  # the stamp of the last pause, or probe, that somebody was told to wait for


class CircuitBreaker:
    """Keeps calls away from paused connections. Safe to share between threads."""

    def __init__(self, states: ConnectionStates) -> None:
        self._states = states
        self._records: dict[str, _Record] = {}
        self._lock = threading.Lock()

    def enter(self, connection: str, limits: Limits) -> Permit:
        """Return leave to call, if need be as the probe. Raises CircuitOpenError."""
        now = time.time()
        state = self._states.get(connection)
        if not state.cause:
            return Permit(connection, limits, state, now)
        if not _is_due(state, limits, now):
            raise self._error(connection, state, limits)
        lease = now + _lease(limits)
        leased = self._states.change(connection, state, probe_at=lease, is_probing=True)
        if leased:
            return Permit(connection, limits, leased, now, is_probe=True)
        state = self._states.get(connection)  # somebody else is the probe, or was
        if state.cause:
            raise self._error(connection, state, limits)
        return Permit(connection, limits, state, now)

    def pause_left(self, connection: str, limits: Limits) -> float:
        """Return the seconds until it is worth while to ask again; 0 if there is no pause."""
        state = self._states.get(connection)
        return _worth_while(state, limits, is_first=False) if state.cause else 0.0

    def still_open(self, connection: str, limits: Limits) -> CircuitOpenError | None:
        """Return why no call may be made, if this environment was told so since the state changed.

        It makes nobody the probe, nor the one that comes back for it.
        """
        state = self._states.get(connection)
        record = self._records.get(connection)
        if not state.cause or _is_due(state, limits, time.time()):
            return None
        is_known = record is not None and record.asked == state.stamp
        return CircuitOpenError(state, limits) if is_known else None

    def _error(self, connection: str, state: ConnectionState, limits: Limits) -> CircuitOpenError:
        """Return why no call may be made, and note that somebody asked."""
        with self._lock:
            record = self._records.setdefault(connection, _Record())
            is_first = record.asked != state.stamp
            record.asked = state.stamp
        return CircuitOpenError(state, limits, is_first=is_first)

    def record_success(self, permit: Permit, stored_with: str = "") -> None:
        """Record that RainFocus answered a call as one that works.

        `stored_with` is the digest of the settings with which it stored an attendee.
        """
        now = time.time()
        with self._lock:
            record = self._records.setdefault(permit.connection, _Record())
            record.failures = 0
            record.succeeded_at = now
        stored_with = stored_with or permit.state.stored_with
        if not permit.is_probe:
            self._prove(permit, stored_with)
            return
        resumed: dict[str, Any] = {"cause": None, "is_probing": False}
        resumed |= {"resumed_at": now, "stored_with": stored_with}
        # A lowered rate has not grown meanwhile; one that had before is not lowered again.
        grown_for = max(0.0, permit.state.opened_at - permit.state.rate_at)
        resumed |= {"rate_at": now - grown_for}
        if self._states.change(permit.connection, permit.state, **resumed):
            observability.logger().warning(
                LogEvent.CONNECTION_RESUMED,
                connection=permit.connection,
                seconds=round(now - permit.state.opened_at),
            )

    def _prove(self, permit: Permit, stored_with: str) -> None:
        state = self._states.get(permit.connection)
        if state.stored_with != stored_with:
            self._states.change(permit.connection, state, stored_with=stored_with)

    def record_failure(self, permit: Permit, cause: Cause, retry_after: float = 0.0) -> None:
        """Record that a call failed for its connection's sake or RainFocus's.

        `retry_after` is what RainFocus asked for, in seconds. A call counts for nothing if another
        succeeded while it was made, or the connection was paused and resumed meanwhile.
        """
        took = time.time() - permit.began
        if cause is Cause.OUTAGE and permit.hangs(took):
            cause = Cause.TIMEOUT
        if permit.is_probe:
            self._fail_probe(permit, cause, retry_after)
            return
        is_one_too_many = self._count(permit, cause)
        if not self._change(permit, cause, is_one_too_many, retry_after):
            self._change(permit, cause, is_one_too_many, retry_after)  # somebody did meanwhile

    def release(self, permit: Permit) -> None:
        """Record that a call told nothing of its connection: after such a probe comes another."""
        if permit.is_probe:
            probe_at = time.time() + FIRST_PROBE_SECONDS
            self._states.change(
                permit.connection, permit.state, probe_at=probe_at, is_probing=False
            )

    def _count(self, permit: Permit, cause: Cause) -> bool:
        """Count a failure, and tell whether it is one too many."""
        with self._lock:
            record = self._records.setdefault(permit.connection, _Record())
            if record.succeeded_at > permit.began:
                return False
            record.failures += 1
            is_timeout = cause is Cause.TIMEOUT
            most = permit.limits.timeouts_to_pause if is_timeout else FAILURES_TO_PAUSE
            return record.failures >= most

    def _change(
        self, permit: Permit, cause: Cause, is_one_too_many: bool, retry_after: float
    ) -> bool:
        """Note in the state what a failure tells; return False if that must be seen anew."""
        now = time.time()
        state = self._states.get(permit.connection)
        if permit.began < state.resumed_at:
            return True
        until = now + min(retry_after, _MAX_RETRY_AFTER)
        if state.cause:  # of two that were on their way, the one that asks for more rest counts
            if not retry_after or state.is_probing or until < state.probe_at + _MORE_REST:
                return True
            return bool(self._states.change(permit.connection, state, probe_at=until))
        changes = _patience(permit, state) if cause is Cause.TIMEOUT else {}
        if is_one_too_many:
            goes_on = now - state.resumed_at < _AGAIN
            failed = state.failed_probes + 1 if goes_on else 0
            changes |= {"opened_at": now, **_pause(cause, failed, retry_after)}
        elif retry_after:
            changes |= {"opened_at": now, "cause": cause, "probe_at": until}
        if not changes:
            return True
        if not self._states.change(permit.connection, state, **changes):
            return False
        if "cause" in changes:
            _report_pause(permit.connection, cause)
            _count_pause(permit.connection)
        return True

    def _fail_probe(self, permit: Permit, cause: Cause, retry_after: float) -> None:
        state = permit.state
        changes = _pause(cause, state.failed_probes + 1, retry_after)
        if cause is Cause.TIMEOUT:
            rest = min(_HANG_REST * (time.time() - permit.began), _LONGEST_HANG_REST)
            changes = _pause(cause, state.failed_probes + 1, max(retry_after, rest))
            changes |= _patience(permit, state)
        if self._states.change(permit.connection, state, **changes):
            _count_pause(permit.connection)
            if cause is not state.cause:
                _report_pause(permit.connection, cause)


def _worth_while(state: ConnectionState, limits: Limits, *, is_first: bool) -> float:
    """Return the seconds until a call of a paused connection may go through.

    Where calls hang, only the first who asks comes when the next probe is due, and all others when
    that has ended: each that meets it would cost an invocation.
    """
    left = max(0.0, state.probe_at - time.time())
    if state.cause is not Cause.TIMEOUT:
        return min(left, _WHILE_PROBING) if state.is_probing else left
    longest = _read_timeout(state, limits)
    if state.is_probing:
        began_before = _lease(limits) - left
        return max(longest - began_before, 0.0) + _PROBE_IS_LATE
    return left if is_first else left + longest + _PROBE_IS_LATE


def _is_due(state: ConnectionState, limits: Limits, now: float) -> bool:
    """Tell whether the next probe is due. No pause is endless, whatever stands in the item."""
    longest = max(_MAX_RETRY_AFTER, _lease(limits))
    return not now < state.probe_at <= now + longest


def _read_timeout(state: ConnectionState, limits: Limits) -> float:
    return min(state.read_timeout or limits.first_read_timeout, limits.read_timeout)


def _lease(limits: Limits) -> float:
    """Return the seconds after which a probe is given up that nothing was heard of."""
    return 2 * limits.longest_call + _LEASE_MARGIN


def _pause(cause: Cause, failed_probes: int, at_least: float) -> dict[str, Any]:
    """Return what changes in the state until the next probe, after so many that failed."""
    doubled = FIRST_PROBE_SECONDS * 2 ** min(failed_probes, _MOST_DOUBLINGS)
    wait = max(min(doubled, LONGEST_PROBE_SECONDS), min(at_least, _MAX_RETRY_AFTER))
    return {
        "cause": cause,
        "probe_at": time.time() + wait,
        "is_probing": False,
        "failed_probes": failed_probes,
    }


def _patience(permit: Permit, state: ConnectionState) -> dict[str, Any]:
    """Return what changes in the state so that the next call is waited for longer."""
    longer = min(2 * permit.read_timeout, permit.limits.read_timeout)
    return {"read_timeout": longer} if longer > _read_timeout(state, permit.limits) else {}


def _report_pause(connection: str, cause: Cause) -> None:
    observability.logger().warning(
        LogEvent.CONNECTION_PAUSED, connection=connection, cause=cause.value
    )


def _count_pause(connection: str) -> None:
    observability.count(Metric.CONNECTION_PAUSED, Counter({(connection,): 1}), ("connection",))
