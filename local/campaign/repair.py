"""Scenarios in which dead letters are redriven, once what stood in their way is mended."""

import json
from typing import Any

from attendee_sync.rainfocus.guards import CROWD
from local.campaign.marked_people import moved_to, usable
from local.campaign.reconciliation import Check, Expected, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.simulator.faults import Effect
from local.traffic.people import Push, as_traits

_PROFILES_PER_PUSH = 10


def _late(stage: Stage) -> Expected:
    old = usable(stage.name, stage.many(CROWD, at_least=10))
    new = [moved_to(person, "Elsewhere") for person in old]
    _store_somebody(stage.beside(f"{stage.name}-works", {}), "first")
    stage.fail(Effect(status=400, code="77"), email_regex=".", times=1, per_email=True)
    stage.push(old)
    stage.settle()
    stage.tell("All were rejected; newer data of the same people are delivered")
    stage.push(new)
    stage.settle()
    stage.mend()
    stage.tell("The older ones are redriven")
    checks = _redrive(stage, dead_letters=len(old), outcome="stale")
    stage.settle()
    ends = [end["outcome"] for end in stage.ends()]
    checks.append(equal("profiles that ended stale", len(old), ends.count("stale")))
    return Expected(
        redriven=True,
        effective=new,
        futile_calls=len(old),
        spare_ends=len(old),
        checks=checks,
    )


def _mend(stage: Stage) -> Expected:
    works = stage.beside(f"{stage.name}-works", {})
    _store_somebody(works, "first")
    # RainFocus does not know the event.
    stage.set_destination(
        {"event_code": stage.unknown_event, "mapping": {"email": "personalEmail.address"}}
    )
    everyone = usable(stage.name, stage.many(340, at_least=40))
    half = len(everyone) // 2
    found, others = everyone[:half], everyone[half:]  # by the mapping
    for start in range(0, half, _PROFILES_PER_PUSH):
        stage.push_together(found[start : start + _PROFILES_PER_PUSH])
        _store_somebody(works, str(start))
    for start in range(0, half, _PROFILES_PER_PUSH):
        some = others[start : start + _PROFILES_PER_PUSH]
        stage.push_each([Push(json.dumps(as_traits(each)), [each]) for each in some])
        _store_somebody(works, f"traits-{start}")
    stage.settle()
    rejected = len(stage.dead_letters())
    stage.tell(f"{rejected} were rejected; the destination is mended")
    stage.set_destination({})
    # In place of waiting for the minute for which delivery knows its settings.
    stage.stack.set_variables("DeliveryFunction")
    checks = [equal("profiles rejected at first", len(everyone), rejected)]
    checks += _redrive(stage, dead_letters=len(everyone), outcome="delivered")
    stage.settle()
    return Expected(redriven=True, spare_ends=len(everyone), checks=checks)


def _store_somebody(stage: Stage, name: str) -> None:
    """Deliver one: no refusal is a profile's fault over a connection that takes nobody."""
    stage.push(usable(f"{stage.name}-{name}", 1))
    stage.settle()


def _redrive(stage: Stage, *, dead_letters: int, outcome: str) -> list[Check]:
    """Redrive all dead letters of the scenario, after a dry run that says what becomes of them."""
    forecast = _command(stage, "--dry-run")
    done = _command(stage, "--yes")
    return [
        equal("dead letters that a dry run sees", dead_letters, forecast["dead_letters"]),
        equal(f"of them {outcome} when redriven", dead_letters, forecast["outcomes"][outcome]),
        equal("redriven", dead_letters, done["redriven"]),
        equal("left as dead letters", 0, done["left"]),
    ]


def _command(stage: Stage, option: str) -> Any:
    return stage.stack.operate("redrive", "--destination", stage.name, option)


SCENARIOS = (
    Scenario("late", "a rejected profile is redriven after newer data were delivered", _late),
    Scenario(
        "mend", "a wrong destination rejects 340 profiles, is mended, and they are redriven", _mend
    ),
)
