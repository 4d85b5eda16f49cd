"""A scenario in which a person is erased while profiles of it are on every part of the way."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.campaign.marked_people import known_as, moved_to, usable
from local.campaign.reconciliation import Check, Expected, at_least, equal
from local.campaign.scenario import Scenario
from local.campaign.stage import Stage
from local.simulator.faults import Effect
from local.traffic.people import Person

_BLOCK_SECONDS = 100.0
_CALL_SECONDS = 1.0  # what the erasure begins in: shorter than an answer is waited for
_WHOM = r"^erased\."


def _erase_in_flight(stage: Stage) -> Expected:
    first, *others = usable(stage.name, stage.many(200, at_least=20))
    person = known_as(first, "erased")
    in_cities = [moved_to(person, f"City {n}") for n in range(5)]
    rejected, under_way, behind, after, lifted = in_cities
    half = len(others) // 2
    stage.push([*others[:half], person])
    stage.settle()
    dead_letters = _have_rejected(stage, rejected)
    before = _calls_for(stage, person)
    _have_called(stage, under_way)
    record = _erase_while_pushing(stage, person, behind, others[half:])
    tried = _calls_for(stage, person)
    stage.mend()
    stage.push_together([after])
    stage.settle()
    checks = [
        equal("dead letters of the person before", 1, dead_letters),
        at_least("calls for the person that began before the block", 1, tried - before),
        *_checks_of(stage, person, record),
        equal("profiles filtered", len((under_way, behind, after)), _filtered(stage)),
        equal("calls for the person after it", 0, _calls_for(stage, person) - tried),
    ]
    stage.tell("The block is lifted")
    _person_command(stage, "erase", person, "--lift", "--yes")
    stage.push_together([lifted])
    stage.settle()
    return Expected(
        redriven=True,
        effective=[*others, person, lifted],
        futile_calls=4,  # of the one that is rejected, and of three that are filtered
        checks=checks,
    )


def _have_rejected(stage: Stage, rejected: Person) -> int:
    """Have RainFocus refuse the person once; return how many dead letters there are then."""
    stage.fail(Effect(status=400, code="77"), email_regex=_WHOM, times=1)
    stage.push_together([rejected])
    stage.settle()
    dead_letters = len(stage.dead_letters())
    stage.mend()
    return dead_letters


def _have_called(stage: Stage, under_way: Person) -> None:
    """Have a call for the person under way, and RainFocus not there for it."""
    stage.tell("A call for the person is under way, and RainFocus is not there for it")
    stage.fail(Effect(status=503, latency_seconds=_CALL_SECONDS), email_regex=_WHOM)
    stage.push_together([under_way])
    faults = stage.simulator.faults
    stage.until(lambda: faults()[0].fired > 0, _BLOCK_SECONDS, "the call is under way")


def _erase_while_pushing(
    stage: Stage, person: Person, behind: Person, others: Sequence[Person]
) -> Any:
    """Erase the person while somebody pushes; return the record of it."""
    with ThreadPoolExecutor(1) as background:
        stage.tell("The person is erased")
        erasing = background.submit(_person_command, stage, "erase", person, "--yes")
        stage.push_together([behind])
        stage.push(others)
        stage.until(lambda: _filtered(stage) > 0, _BLOCK_SECONDS, "the person is blocked")
        return erasing.result()


def _checks_of(stage: Stage, person: Person, record: Any) -> list[Check]:
    """Return what must hold of the record, and of what is known of the person afterwards."""
    known = _at_destination(stage, _person_command(stage, "lookup", person))
    removed = _at_destination(stage, record)
    return [
        equal("the erasure is complete", True, record["complete"]),
        equal("entries of the ledger removed", 1, removed["ledger_entries"]),
        equal("dead letters removed", 1, removed["dead_letters"]),
        equal("the ledger knows the person", False, known["known"]),
        equal("dead letters of the person afterwards", 0, len(known["dead_letters"])),
    ]


def _person_command(stage: Stage, command: str, person: Person, *options: str) -> Any:
    """Run a command about a person, whose address is no argument that others could see."""
    return stage.stack.operate(command, "-", *options, given=person.attendee["email"])


def _at_destination(stage: Stage, document: Any) -> Any:
    """Return what a command tells of the scenario's destination."""
    return next(each for each in document["destinations"] if each["destination"] == stage.name)


def _calls_for(stage: Stage, person: Person) -> int:
    return sum(each.email == person.attendee["email"] for each in stage.calls())


def _filtered(stage: Stage) -> int:
    return sum(each["outcome"] == "filtered" for each in stage.ends())


SCENARIOS = (
    Scenario(
        "erase-in-flight",
        "a person is erased with a call under way, profiles waiting and a dead letter",
        _erase_in_flight,
        in_tests=False,
    ),
)
