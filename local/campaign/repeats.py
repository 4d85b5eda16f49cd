"""Scenarios in which the same people are pushed again and again."""

import itertools
import time

from local.campaign.marked_people import moved_to, usable
from local.campaign.reconciliation import Check, Expected, at_most, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.traffic.people import Person, pushes

_PER_SECOND = 60.0
_UPDATES_PER_PUSH = 10


def _again(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(300, at_least=40))
    stage.push_each([each for each in pushes(everyone) for _ in range(3)])
    stage.settle()
    return Expected(checks=[equal("calls", len(everyone), len(stage.calls()))])


def _there_and_back(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(60, at_least=12))
    third = len(everyone) // 3
    at_once, quickly, slowly = everyone[:third], everyone[third:-third], everyone[-third:]
    stage.tell("A, B and A of each in one push")
    stage.push_together([state for each in at_once for state in _states(each)])
    stage.tell("A, B and A in quick pushes")
    for states in zip(*map(_states, quickly), strict=True):
        stage.push_together(states)
    stage.tell("A, B and A, each when the one before is delivered")
    for states in zip(*map(_states, slowly), strict=True):
        stage.push_together(states)
        stage.settle()
    stage.settle()
    emails = {each.attendee["email"] for each in slowly}
    calls = sum(each.email in emails for each in stage.calls())
    return Expected(checks=[equal("calls for A, B and A apart", 3 * len(slowly), calls)])


def _hot(stage: Stage) -> Expected:
    everyone = usable(stage.name, stage.many(4_000, at_least=120) + 1)
    half = len(everyone) // 2
    others, more, hot = everyone[:half], everyone[half:-1], everyone[-1]
    updates = [moved_to(hot, f"City {n}") for n in range(stage.many(200, at_least=40))]
    stage.tell(f"{len(others):,} people")
    stage.push(others, per_second=_PER_SECOND)
    stage.settle()
    stage.tell(f"{len(more):,} others, and {len(updates)} updates of one person")
    pause = len(more) / _PER_SECOND / len(updates) * _UPDATES_PER_PUSH
    with stage.pushing(more, per_second=_PER_SECOND):
        for some in itertools.batched(updates, _UPDATES_PER_PUSH, strict=False):
            stage.push_together(some)
            time.sleep(pause)
    stage.settle()
    alone, beside = stage.p95(others), stage.p95(more)
    calls = sum(each.email == hot.attendee["email"] for each in stage.calls())
    checks = [
        at_most("calls for the one person", len(updates) // 2, calls, "a batch's are one call"),
        Check(
            "p95 from push to attendee", "told", f"{alone:.2f} s, beside it {beside:.2f} s", True
        ),
    ]
    if stage.is_full:
        because = "both are fractions of a second, on a noisy machine"
        checks.append(
            at_most("p95 beside it, of that without", 3, round(beside / alone, 2), because)
        )
    return Expected(checks=checks)


def _states(person: Person) -> tuple[Person, Person, Person]:
    return person, moved_to(person, "Elsewhere"), person


SCENARIOS = (
    Scenario("again", "every push is sent three times", _again),
    Scenario(
        "there-and-back",
        "A, B and A again, at once, in quick succession and slowly",
        _there_and_back,
    ),
    Scenario("hot", "one person is updated 200 times among 2,000 others", _hot),
)
