"""Scenarios with as many deliveries at once as AWS runs, in most of which RainFocus is away."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched

from attendee_sync.messaging.lanes import SHARED
from attendee_sync.rainfocus.connection import Limits
from local.campaign import rainfocus_faults
from local.campaign.marked_people import moved_to, usable
from local.campaign.reconciliation import Check, Expected, at_least, at_most, is_stored
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.machine import emulator
from local.machine.event_source_mapping import (
    FUNCTION,
    Invocation,
    event_source_mapping,
    most_at_once,
)
from local.simulator.faults import Effect
from local.traffic.people import Push, as_xdm

_FURTHER_UPDATES = 2  # of each person
_TAKEN_PER_SECOND = 20.0  # calls, by a RainFocus that is busy
# Profiles, to a destination that nothing troubles, each pushed by itself: of several in one push,
# all take as long as the slowest, and few pushes would decide which one is the 95th of 100.
_STEADY_PER_SECOND = 8.0
_HANGS = Effect(latency_seconds=15, reset=True)  # longer than any call is waited for
_GIVEN_OUT = 50  # messages at a time by a queue, where AWS gives out 120,000
_CROWD = 2 * _GIVEN_OUT
_NEIGHBOURS = 10
_FILLING_SECONDS = 5.0
_PATIENCE_SECONDS = 8.0
_WARM = 50  # profiles, five batches
_AT_ONCE = 5  # deliveries, by the template's lane
_DELIVERIES = 2 * _AT_ONCE  # by two lanes
_IDLE = "nothing"
# What befalls one connection while another works.
_TROUBLES = {
    "hangs": _HANGS,
    "answers 503": Effect(status=503),
    "is paused": Effect(status=403),
}


@dataclass(frozen=True)
class OutageFigures:
    """What an outage cost."""

    failed_calls_per_profile: float
    last_after_recovery: float  # seconds until the last profile was delivered


@dataclass(frozen=True)
class NeighbourFigures:
    """How one connection fared while another was in trouble."""

    # By the trouble: seconds from push to attendee, and how often the other was delivered for.
    p95: Mapping[str, float]
    deliveries: Mapping[str, int]
    troubled: Stage

    @property
    def ratio(self) -> float:
        """The worst of them, of that without trouble."""
        return round(max(self.p95.values()) / self.p95[_IDLE], 2)


@dataclass(frozen=True)
class CrowdFigures:
    """Who waited beside a destination that holds as many messages as a queue gives out."""

    waited_in_shared: int
    waited_beside_own: int
    troubled: Sequence[Stage]


def outage(stage: Stage) -> OutageFigures:
    """Have RainFocus away for a minute while profiles wait, and return what that cost."""
    everyone = usable(stage.name, stage.many(600, at_least=60))
    with event_source_mapping(stage.stack):
        _warm_up(stage)
        stage.tell("RainFocus is away")
        stage.fail(Effect(reset=True), probability=0.5)
        stage.fail(Effect(status=503))
        stage.push(everyone)
        time.sleep(stage.seconds(60, at_least=5))
        stage.mend()
        back = time.time()
        stage.tell("RainFocus is back")
        stage.settle()
    last = max(datetime.fromisoformat(each.time).timestamp() for each in stage.stored())
    return OutageFigures(failed_calls(stage) / len(everyone), last - back)


def neighbour(stage: Stage) -> NeighbourFigures:
    """Let one connection get into trouble after trouble, and return how another fared."""
    size, crowd = stage.many(200, at_least=40), stage.many(100, at_least=30)
    people = batched(usable(stage.name, size * (1 + len(_TROUBLES))), size, strict=True)
    p95: dict[str, float] = {}
    deliveries: dict[str, int] = {}
    name = f"{stage.name}-other"
    with (
        stage.own_connection(name),
        in_own_lane(stage, name) as troubled,
        event_source_mapping(stage.stack) as invocations,
    ):
        _start_processes(stage, troubled)
        crowds = batched(usable(troubled.name, crowd * (1 + len(_TROUBLES))), crowd, strict=True)
        for trouble, effect in {_IDLE: None, **_TROUBLES}.items():
            stage.tell(f"The other connection {trouble}")
            if effect:
                troubled.fail(effect)
            troubled.push(next(crowds))
            if not effect:
                stage.settle()
            some, before = next(people), len(invocations)
            each_alone = (Push(json.dumps(as_xdm(person)), [person]) for person in some)
            stage.push_each(each_alone, per_second=_STEADY_PER_SECOND)
            deliveries[trouble] = sum(each.lane != SHARED for each in invocations[before:])
            stage.mend()
            stage.settle()
            p95[trouble] = stage.p95(some)
    return NeighbourFigures(p95, deliveries, troubled)


def crowd(stage: Stage) -> CrowdFigures:
    """Let one connection hold as many as its lane gives out, and return who of another waited.

    First both are in the shared lane, then the crowd in one of its own.
    """
    waited: dict[str, int] = {}
    troubled: list[Stage] = []
    people = iter(batched(usable(stage.name, 2 * _NEIGHBOURS), _NEIGHBOURS, strict=True))
    for lane in ("shared", "own"):
        name = f"{stage.name}-{lane}"
        beside = in_own_lane if lane == "own" else _in_shared_lane
        with (
            stage.own_connection(name),
            beside(stage, name) as other,
            event_source_mapping(stage.stack, max_in_flight=_GIVEN_OUT),
        ):
            stage.tell(f"{_CROWD} wait in the {lane} lane")
            other.fail(Effect(status=403))
            other.push(usable(name, _CROWD))
            time.sleep(_FILLING_SECONDS)
            some = next(people)
            before = len(stage.stored())
            stage.push(some)
            time.sleep(_PATIENCE_SECONDS)
            waited[lane] = len(some) - (len(stage.stored()) - before)
            stage.mend()
            stage.settle()
            troubled.append(other)
    return CrowdFigures(waited["shared"], waited["own"], troubled)


def _outage(stage: Stage) -> Expected:
    figures = outage(stage)
    return Expected(
        checks=[
            aim(stage, "failed calls for each profile", 0.1, figures.failed_calls_per_profile, 1),
            aim(
                stage,
                "seconds from RainFocus's return to the last delivery",
                45,
                figures.last_after_recovery,
            ),
        ]
    )


def _hang(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(600, at_least=60))
    with stage.own_connection(stage.name), event_source_mapping(stage.stack) as invocations:
        stage.set_destination({"connection": stage.name})
        _warm_up(stage)
        stage.tell("RainFocus hangs")
        stage.fail(_HANGS)
        started = time.time()
        stage.push(everyone)
        time.sleep(max(0.0, started + stage.seconds(60, at_least=5) - time.time()))
        stage.mend()
        back = time.time()
        stage.tell("RainFocus is back")
        stage.settle()
    burnt = sum(each.seconds_within(started, back) for each in invocations)
    return Expected(checks=[aim(stage, "Lambda seconds while it hung", 40, burnt)])


def _slow(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(200, at_least=30))
    stage.fail(Effect(latency_seconds=stage.seconds(5, at_least=1)))
    with event_source_mapping(stage.stack) as invocations:
        stage.push(everyone)
        stage.settle()
    because = "each delivery's first calls, and one that waits twice as long"
    most = most_at_once(invocations) * Limits().first_concurrency + 1
    return Expected(checks=[at_most("calls that failed", most, failed_calls(stage), because)])


def _storm(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(600, at_least=60))
    half = len(everyone) // 2
    started = time.time()
    with event_source_mapping(stage.stack):
        for some, retry_after in ((everyone[:half], None), (everyone[half:], 1)):
            stage.tell("429 " + ("with Retry-After" if retry_after else "without Retry-After"))
            effect = Effect(status=429, retry_after=retry_after)
            stage.fail(effect, beyond_per_second=_TAKEN_PER_SECOND)
            stage.push(some)
            stage.settle()
            stage.mend()
    calls = len(stage.calls()) / len(everyone)
    took = f"{time.time() - started:.0f} s, of {len(everyone) / _TAKEN_PER_SECOND:.0f} s"
    return Expected(
        checks=[
            aim(stage, "calls for each profile", 1.1, calls, 2),
            Check("time for all, of what RainFocus needs", "told", took, holds=True),
        ]
    )


def _neighbour(stage: Stage) -> Expected:
    figures = neighbour(stage)
    _, checks = figures.troubled.account(Expected())
    told = ", ".join(f"{trouble}: {p95:.2f} s" for trouble, p95 in figures.p95.items())
    work = ", ".join(f"{trouble}: {count}" for trouble, count in figures.deliveries.items())
    return Expected(
        checks=[
            Check("p95 from push to attendee, while the other", "told", told, holds=True),
            Check("deliveries for the other meanwhile", "told", work, holds=True),
            aim(stage, "the worst of them, of that without trouble", 2, figures.ratio),
            *(replace(each, what=f"the other's {each.what}") for each in checks),
        ]
    )


def _crowd(stage: Stage) -> Expected:
    figures = crowd(stage)
    others = [check for each in figures.troubled for check in each.account(Expected())[1]]
    because = f"{_GIVEN_OUT} unfinished ones of another are all that the queue gives out"
    return Expected(
        checks=[
            at_least("of them waited in the shared lane", _NEIGHBOURS, figures.waited_in_shared),
            at_most("beside the other's own lane", 0, figures.waited_beside_own, because),
            *(replace(each, what=f"the other's {each.what}") for each in others),
        ]
    )


def _parallel(stage: Stage) -> Expected:
    with event_source_mapping(stage.stack) as invocations:
        return _updates(stage, invocations)


def _emulator(stage: Stage) -> Expected:
    with (
        emulator.environments(stage.stack, FUNCTION, stage.running.build, _AT_ONCE) as invoke,
        event_source_mapping(stage.stack, invoke=invoke) as invocations,
    ):
        return _updates(stage, invocations)


def _updates(stage: Stage, invocations: Sequence[Invocation]) -> Expected:
    everyone = rainfocus_faults.mixed(usable(stage.name, stage.many(300, at_least=100)))
    refused = rainfocus_faults.refused(everyone)
    taken = [each for each in everyone if each.attendee["email"] not in refused]
    rainfocus_faults.fail_mixed(stage)
    stage.fail(Effect(latency_seconds=0.5))  # so that there is nearly always something to deliver
    stage.push(everyone)
    for n in range(_FURTHER_UPDATES):
        stage.push([moved_to(each, f"City {n}") for each in taken])
    stage.settle()
    return Expected(refused, checks=[at_least("deliveries at once", 4, most_at_once(invocations))])


def _warm_up(stage: Stage) -> None:
    """Deliver some first: deliveries have their processes then, and the connection has worked."""
    stage.push(usable(f"{stage.name}-first", _WARM))
    stage.settle()


def _start_processes(*stages: Stage) -> None:
    """Have as many processes as all lanes' deliveries may use at once, as a stack in use has.

    A cold start is no other destination's doing, and on AWS takes nobody else's processor: not
    that of delivery either, nor of those that each delivery asks for a new token after a 403.
    """
    with ThreadPoolExecutor(_DELIVERIES) as threads:
        refreshes = [threads.submit(stages[0].stack.refresh_token) for _ in range(_DELIVERIES)]
        wait(refreshes)
    for each in stages:
        each.fail(Effect(latency_seconds=each.seconds(1.5, at_least=0.5)))
        each.push(usable(f"{each.name}-first", _WARM))
    for each in stages:
        each.settle()
    stages[0].mend()


@contextmanager
def in_own_lane(stage: Stage, name: str) -> Iterator[Stage]:
    """Have another destination, over the connection of its name, in a lane of its own."""
    other = stage.beside(name, {"connection": name}, in_own_lane=True)
    try:
        yield other
    finally:
        stage.stack.remove_with_lane(name)


@contextmanager
def _in_shared_lane(stage: Stage, name: str) -> Iterator[Stage]:
    """Have another destination, over the connection of its name, in the shared lane."""
    yield stage.beside(name, {"connection": name})


def failed_calls(stage: Stage) -> int:
    """Return how many calls of a scenario failed."""
    return sum(not is_stored(each) for each in stage.calls())


def aim(stage: Stage, what: str, limit: float, got: float, in_short: float | None = None) -> Check:
    """Return the check of a figure.

    The short form has too little of it for that limit: it has another, or only tells the figure.
    """
    most = limit if stage.is_full else in_short
    if most is None:
        return Check(what, "told", f"{got:,.2f}", holds=True)
    return at_most(what, most, round(got, 2))


SCENARIOS = (
    Scenario(
        "parallel", "the same people are updated three times, among calls that fail", _parallel
    ),
    Scenario(
        "emulator",
        "as `parallel`, with deliveries under AWS's runtime interface emulator",
        _emulator,
        in_tests=False,
    ),
    Scenario("outage", "RainFocus is away for a minute while 600 wait", _outage),
    Scenario("hang", "RainFocus hangs for a minute while 600 wait", _hang),
    Scenario("slow", "RainFocus takes five seconds for each answer", _slow),
    Scenario("storm", "RainFocus takes 20 calls a second and answers 429 to the others", _storm),
    Scenario(
        "neighbour", "one connection hangs, answers 503, is paused; another works", _neighbour
    ),
    Scenario("crowd", "one destination holds all that a queue gives out; another works", _crowd),
)
