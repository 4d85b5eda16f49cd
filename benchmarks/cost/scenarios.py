"""What becomes of profiles in the functions' own code, played and metered."""

import contextlib
import io
import itertools
import json
import math
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from unittest import mock

import time_machine

from attendee_sync import observability
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.ingest.api import HttpRequest
from attendee_sync.observability import NAMESPACE
from attendee_sync.outcome import Outcome, OutcomeKind, Reason, Retry
from attendee_sync.rainfocus.connection_state import Cause, ConnectionStates
from benchmarks.cost import usage
from benchmarks.cost.usage import Usage
from local.traffic.people import Json, Person, as_xdm, opted_out, people
from tests.support import fakes
from tests.support.delivery_harness import DeliveryHarness, delivery_harness
from tests.support.stack import INGEST_TOKEN, Aws

PROFILES = 50  # that are played of each scenario; what is counted is the same for each
MILLION = 1_000_000
_INGEST_GB, _DELIVERY_GB = 1.0, 0.5  # the template's MemorySize
# Seconds in a function that answers to nothing but AWS: stated, not measured on AWS.
INGEST_SECONDS = 0.025
BATCH_SECONDS = 0.02  # calls of a batch to AWS
PROFILE_SECONDS = 0.007  # two milliseconds of a processor, of which 512 MB gets three tenths
RAINFOCUS_SECONDS = 0.2
WAITING_SECONDS = 0.05
CONCURRENCY = 5  # the template's MaximumConcurrency
_HOUR = 3_600.0
_numbers = itertools.count()
_BEGAN = datetime(2026, 11, 2, tzinfo=UTC)
# The first of each second is traced, and of other pushes the part that the template says. Lambda's
# own part, of what it takes from queues, can't be changed:
# https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
SAMPLED_PUSHES, _SAMPLED_BATCHES = 0.01, 0.05


@dataclass(frozen=True)
class Scenario:
    """Profiles of one kind that are pushed so many at once, so many a second."""

    name: str
    outcome: OutcomeKind
    at_once: int
    per_second: float
    shape: Callable[[Person], Json] = as_xdm
    is_known: bool = False  # the same was delivered before
    waits: bool = False  # RainFocus is away for an hour

    @property
    def pushes_per_second(self) -> float:
        """How many requests come in a second."""
        return self.per_second / self.at_once

    @property
    def batch(self) -> int:
        """How many profiles an invocation of delivery gets.

        Ten, if that many come at once, or if single ones come faster than they are delivered.
        """
        is_faster = self.per_second * _delivery_seconds(self.outcome, 1) > CONCURRENCY
        return 10 if is_faster else self.at_once

    @property
    def delivery_seconds(self) -> float:
        """How long delivery takes for a batch."""
        return _delivery_seconds(self.outcome, self.batch)


def _delivery_seconds(outcome: OutcomeKind, batch: int) -> float:
    called = RAINFOCUS_SECONDS if outcome is OutcomeKind.DELIVERED else 0.0  # all side by side
    return BATCH_SECONDS + PROFILE_SECONDS * batch + called


def scenarios(per_second: float) -> list[Scenario]:
    """Return what is played."""
    delivered, unchanged = OutcomeKind.DELIVERED, OutcomeKind.UNCHANGED
    return [
        Scenario("one a second", delivered, 1, 1.0),
        Scenario("one by one", delivered, 1, per_second),
        Scenario("by ten", delivered, 10, per_second),
        Scenario("unchanged", unchanged, 10, per_second, is_known=True),
        Scenario("filtered", OutcomeKind.FILTERED, 10, per_second, opted_out),
        Scenario("after an hour", delivered, 10, per_second, waits=True),
    ]


def million(scenario: Scenario) -> Usage:
    """Return what a million profiles are billed for."""
    with _world() as world:
        pushed = _play(world, scenario)
        per_minute = _minute(world)
    used = _times(pushed, MILLION / PROFILES)
    minutes = MILLION / scenario.per_second / 60
    of_ingest, of_delivery = per_minute
    used += _times(of_ingest, minutes * math.ceil(scenario.pushes_per_second * INGEST_SECONDS))
    deliveries = scenario.per_second / scenario.batch * scenario.delivery_seconds
    used += _times(of_delivery, minutes * min(math.ceil(deliveries), CONCURRENCY))
    return used


def _play(world: "_World", scenario: Scenario) -> Usage:
    everyone = [each for each in people(2 * PROFILES) if not each.reason][:PROFILES]
    if scenario.is_known:
        world.run(everyone, scenario)
    else:
        world.run(everyone[:1], scenario)  # caches are warm, also of what is read only then
        world.forget_attendees()
    world.used()
    used = world.run(everyone, scenario)
    ends = Counter(each.kind for each in world.outcomes[-PROFILES:])
    if ends != {scenario.outcome: PROFILES}:
        raise RuntimeError(f"{scenario.name} ended otherwise: {ends}")
    return used


def _minute(world: "_World") -> tuple[Usage, Usage]:
    """Return what an environment of ingest and one of delivery read and note in a minute anyway.

    They have work in every second; what the work itself takes is left out.
    """
    somebody = [as_xdm(people(1)[0])]
    of_ingest: list[Usage] = []
    of_delivery: list[Usage] = []
    for _ in range(61):
        world.wait(1)
        world.used()
        world.push(somebody)
        of_ingest.append(world.used())
        world.harness.invoke()
        of_delivery.append(world.used())
    return _beyond(of_ingest[1:]), _beyond(of_delivery[1:])


def _beyond(each_second: Sequence[Usage]) -> Usage:
    """Return what comes on top of the least of each, over a minute; log lines tell of work."""
    names = {name for used in each_second for name in used} - {"log_gb", "data_out_gb"}
    beyond: Usage = Counter()
    for name in names:
        numbers = [used[name] for used in each_second]
        beyond[name] = sum(numbers) - len(numbers) * min(numbers)
    return beyond


class _World:
    """A stack of stand-ins with one environment of each function, and its bill."""

    def __init__(
        self, harness: DeliveryHarness, clock: time_machine.Traveller, output: io.StringIO
    ) -> None:
        self.harness = harness
        self.outcomes: list[Outcome] = []
        self._clock = clock
        self._output = output
        harness.aws.set_destination(
            "default",
            connection="default",
            event_code="summit2027",
            filter="!has_opted_out(@, 'marketing.email')",
        )
        self._ingest = harness.aws.ingest()
        self._numbers = iter(range(MILLION))

    def run(self, everyone: Sequence[Person], scenario: Scenario) -> Usage:
        """Push and deliver people, and return what is billed."""
        used: Usage = Counter()
        size = scenario.at_once
        for start in range(0, len(everyone), size):
            self.push([scenario.shape(each) for each in everyone[start : start + size]])
            used += self.used(invocations=1)
            used += _invocation(
                INGEST_SECONDS * _INGEST_GB,
                api_requests=1,
                traces=_traced(scenario.pushes_per_second, SAMPLED_PUSHES),
            )
            if (start + size) % min(scenario.batch, len(everyone)) == 0:
                used += self._deliver(scenario)
        return used

    def _deliver(self, scenario: Scenario) -> Usage:
        used = self._let_wait() if scenario.waits else usage.counted({})
        self.outcomes += self.harness.invoke()
        used += self.used(invocations=1)
        traced = _traced(scenario.per_second / scenario.batch, _SAMPLED_BATCHES)
        return used + _invocation(scenario.delivery_seconds * _DELIVERY_GB, traces=traced)

    def _let_wait(self) -> Usage:
        """Have what is queued wait for an hour over a paused connection."""
        self._pause(is_paused=True)
        used: Usage = Counter()
        waited = [self._receive() for _ in range(2)]
        used += waited[0]
        used += _times(waited[1], receives_in_an_hour() - 1)
        self._pause(is_paused=False)
        self.used()
        return used

    def _receive(self) -> Usage:
        self.harness.invoke()
        self.harness.aws.sqs.let_time_pass()
        return self.used(invocations=1) + _invocation(WAITING_SECONDS * _DELIVERY_GB)

    def _pause(self, *, is_paused: bool) -> None:
        states = ConnectionStates(self.harness.aws.dynamodb, fakes.TABLE)
        now = time.time()
        pause = {"cause": Cause.OUTAGE, "opened_at": now, "probe_at": now + 60}
        states.change("default", states.get("default"), **(pause if is_paused else {"cause": None}))
        self._clock.shift(4)  # until all know of it; what is read by the minute counts elsewhere

    def push(self, profiles: Sequence[Json]) -> None:
        """Push profiles in one request, as AEP makes it."""
        headers = {"authorization": f"Bearer {INGEST_TOKEN}", "content-type": "application/json"}
        body = json.dumps({"profiles": profiles}, ensure_ascii=False)
        request_id = f"00000000-0000-4000-8000-{next(self._numbers):012}"
        answer = self._ingest.push(HttpRequest(request_id, "default", headers, body))
        if answer.body.get("accepted") != len(profiles):
            raise RuntimeError("the push was not accepted whole")

    def wait(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self._clock.shift(seconds)
        self.harness.aws.clock.now += seconds

    def forget_attendees(self) -> None:
        """Let the ledger know nobody."""
        for key in self.harness.noted:
            del self.harness.aws.dynamodb.items[key]

    def used(self, invocations: int = 0) -> Usage:
        """Return what was used since this was asked last."""
        aws, rainfocus = self.harness.aws, self.harness.rainfocus
        used = usage.of_services(aws) + usage.of_calls(aws, rainfocus)
        used += usage.of_lines(self._output.getvalue(), invocations)
        for each in (aws.sqs, aws.dynamodb, aws.secrets, aws.ssm):
            each.calls.clear()
        rainfocus.calls.clear()
        self._output.seek(0)
        self._output.truncate()
        return used


def receives_in_an_hour() -> int:
    """Return how often a profile is received that waits over a paused connection."""
    policy = RetryPolicy(max_age=24 * _HOUR)
    paused = Outcome(OutcomeKind.RETRY, Reason.PAUSED, retry=Retry())
    random.seed(2026)
    counts: list[int] = []
    for _ in range(100):
        waited, attempt = 0.0, 0
        while waited < _HOUR:
            attempt += 1
            waited += policy.wait(attempt, paused, waited)
        counts.append(attempt)
    return round(statistics.mean(counts))


def _traced(per_second: float, sampled: float) -> float:
    """Return the part of some requests that is traced."""
    return (1 + sampled * (per_second - 1)) / per_second if per_second > 1 else 1.0


def _invocation(gb_seconds: float, **more: float) -> Usage:
    return usage.counted({"lambda_requests": 1, "lambda_gb_seconds": gb_seconds, **more})


def _times(used: Usage, factor: float) -> Usage:
    return usage.counted({name: number * factor for name, number in used.items()})


@contextlib.contextmanager
def _world() -> Iterator[_World]:
    """Make one, whose log lines are as Lambda would get them."""
    variables = {
        "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
        # Powertools keeps a logger for each name, with what it wrote to first.
        "POWERTOOLS_SERVICE_NAME": f"delivery{next(_numbers)}",
        "STACK_NAME": "attendee-sync",
    }
    output = io.StringIO()
    with (
        mock.patch.dict(os.environ, variables),
        contextlib.redirect_stdout(output),
        time_machine.travel(_BEGAN, tick=False) as clock,
        delivery_harness(Aws()) as harness,
    ):
        observability.logger.cache_clear()
        yield _World(harness, clock, output)
    observability.logger.cache_clear()
