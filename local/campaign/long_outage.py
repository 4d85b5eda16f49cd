"""A scenario in which RainFocus is away for an hour, by a clock that is moved."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.rainfocus.circuit_breaker import LONGEST_PROBE_SECONDS
from local.campaign.marked_people import moved_to, usable
from local.campaign.parallel import aim, failed_calls, in_own_lane
from local.campaign.reconciliation import Check, Expected, at_most, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.machine.event_source_mapping import event_source_mapping
from local.simulator.faults import Effect
from local.traffic.people import Person

_HOUR = 3600.0
# In which the hour passes, with some real seconds for each, in which what is due comes.
_STEPS = 12
_STEP_SECONDS = 5.0
_UPDATES = {4: "Bergen", 8: "Oslo"}  # the steps in which some people are pushed again
_BESIDE = 10  # profiles over the other connection in each step
_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.5
_IDLE_SECONDS = 5.0  # that pass once RainFocus is back, whenever nothing is due
_WORK_SECONDS = 45.0  # to deliver 600 as they fall due: the limit of an outage of a minute
_LONGEST_WAIT = RetryPolicy.long_wait + _HOUR * RetryPolicy.waited_part


@dataclass(frozen=True)
class _Cost:
    """What an hour without RainFocus cost."""

    failed_calls: int
    last_after_recovery: float  # seconds of the moved clock until nothing waited any more
    stored_beside: int  # over the other connection, before RainFocus was back
    receives: Sequence[int]  # of each profile that waited


def _long_outage(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(600, at_least=60))
    beside = f"{stage.name}-beside"
    with stage.own_connections([stage.name, beside]), in_own_lane(stage, beside) as other:
        stage.set_destination({"connection": stage.name})
        cost = _play(stage, other, everyone)
    last = _LONGEST_WAIT + LONGEST_PROBE_SECONDS + _WORK_SECONDS
    because = f"{_LONGEST_WAIT:.0f} of the longest wait, {LONGEST_PROBE_SECONDS:.0f} until a probe"
    mean = sum(cost.receives) / len(cost.receives)
    return Expected(
        checks=[
            aim(
                stage,
                "failed calls for each waiting profile",
                0.1,
                cost.failed_calls / len(everyone),
            ),
            at_most(
                "seconds from RainFocus's return to the last delivery",
                last,
                round(cost.last_after_recovery),
                because,
            ),
            at_most("receives of a profile", 100, max(cost.receives), "SQS allows 1,000"),
            Check("receives of a profile, on average", "told", f"{mean:.1f}", holds=True),
            equal(
                "delivered over the other connection meanwhile",
                _STEPS * _BESIDE,
                cost.stored_beside,
            ),
            *_checks_of(other),
        ]
    )


def _checks_of(other: Stage) -> list[Check]:
    _, checks = other.account(Expected())
    return [replace(each, what=f"the other's {each.what}") for each in checks]


def _play(stage: Stage, other: Stage, everyone: Sequence[Person]) -> _Cost:
    """Have RainFocus away from one connection for an hour, and back."""
    updated = everyone[: len(everyone) // 10]
    with event_source_mapping(stage.stack):
        stage.push(usable(f"{stage.name}-first", 10))
        stage.settle()
        first = len(stage.ends())
        stage.tell("RainFocus is away")
        stage.fail(Effect(reset=True), probability=0.5)
        stage.fail(Effect(status=503))
        stage.push(everyone)
        for n in range(_STEPS):
            time.sleep(_STEP_SECONDS)
            _pass(stage, _HOUR / _STEPS)
            other.push(usable(f"{other.name}-{n}", _BESIDE))
            if n in _UPDATES:
                stage.push([moved_to(each, _UPDATES[n]) for each in updated])
        time.sleep(_STEP_SECONDS)
        stored_beside = len(other.stored())
        stage.mend()
        stage.tell("RainFocus is back")
        seconds = _seconds_until_delivered(stage)
        stage.settle()
    receives = [int(end["attempt"]) for end in stage.ends()[first:]]
    return _Cost(failed_calls(stage), seconds, stored_beside, receives)


def _pass(stage: Stage, seconds: float) -> None:
    """Let time pass, and tokens be renewed meanwhile, as the schedule would have."""
    stage.clock.move(seconds)
    stage.stack.refresh_token()


def _seconds_until_delivered(stage: Stage) -> float:
    """Let time pass until nothing waits, and return the seconds of the moved clock."""
    back = stage.clock.now()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while stage.stack.waiting() and time.monotonic() < deadline:
        if not stage.stack.due():
            stage.clock.move(_IDLE_SECONDS)
        time.sleep(_LOOK_SECONDS)
    return stage.clock.now() - back


SCENARIOS = (
    Scenario(
        "outage-long",
        "RainFocus is away for an hour while 600 wait, and over another connection all goes on",
        _long_outage,
        in_tests=False,
        is_apart=True,
    ),
)
