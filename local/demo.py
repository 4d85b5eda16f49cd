"""The demo: a thousand profiles through the deployed stack, each looked up in the end.

Run it with `make demo`.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles

import requests
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from local.machine import alarms, dashboard
from local.machine.alarms import Episode
from local.machine.cloud import ROOT, CloudError
from local.machine.environment import EVENT_CODE, ORG_ID, LocalEnvironment, local_environment
from local.machine.stack import LocalStack, StackError
from local.simulator.state import Attendee
from local.traffic.people import AUDIENCE, Person, Push, as_xdm, exit_of, opted_out, people, pushes
from local.traffic.traffic import Pushed, push_all, remaining, settled

_PROFILES = 1_000
# Of them, so many go to a destination with a mapping, a filter and an exit rule of its own.
_PARTNERS = 60
_PARTNER_EVENT = "roadshow2026"
_PARTNER_DESTINATION = {
    "name": "Partners",
    "connection": "default",
    "event_code": _PARTNER_EVENT,
    "mapping": {
        "origin": {"value": "AEP", "write": "constant"},
        "jobtitle": {"write": "omit"},
    },
    "filter": f"is_member(@, '{AUDIENCE}') && !has_opted_out(@, 'marketing.email')",
    "exits": {"action": "set", "fields": {"audience": "left"}},
}
# Pushed at a pace that the local cloud keeps up with, so that the times told are those of the
# pipeline and not of a backlog.
_PROFILES_PER_SECOND = 80.0
_PICTURE = ROOT / "build" / "dashboard.svg"
_PICTURE_STEP = 1.0  # second, where CloudWatch's charts have five minutes: all is over in twenty
# How long nothing may arrive before the demo calls the rest lost.
_PATIENCE_SECONDS = 60.0


@dataclass
class Result:
    """What was pushed, and what became of it."""

    pushed: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    mismatched: int = 0
    dead_letters: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds_to_attendee: list[float] = field(default_factory=list)
    alarms: list[Episode] = field(default_factory=list)
    report: str = ""
    calls: int = 0
    seconds: float = 0.0

    @property
    def is_as_it_must_be(self) -> bool:
        """Tell whether every profile is where it belongs."""
        return (
            not self.failures
            and bool(self.alarms)
            and not self.mismatched
            and self.delivered + self.outcomes["filtered"] == self.accepted
            and self.dead_letters == self.rejected.total()
            and self.pushed == self.accepted + self.rejected.total()
        )


def main() -> int:
    """Run the demo; return 0 only if all is as it must be."""
    console = Console(highlight=False)
    started = time.monotonic()
    try:
        with local_environment(lambda step: console.print(f"[bold]·[/bold] {step}")) as environment:
            result = _run(environment, console)
    except KeyboardInterrupt:
        console.print("Interrupted; everything was stopped and removed.")
        return 130
    except (CloudError, StackError, requests.RequestException) as error:
        console.print(f"[red]The demo could not run:[/red] {error}", markup=True)
        return 1
    result.seconds = time.monotonic() - started
    _show(result, console)
    return 0 if result.is_as_it_must_be else 1


def _run(environment: LocalEnvironment, console: Console) -> Result:
    everyone = people(_PROFILES - _PARTNERS)
    partners = people(_PARTNERS // 2, seed=1)
    environment.stack.put_destination("partners", _PARTNER_DESTINATION)
    result = Result(pushed=_PROFILES)
    pushed_at: dict[str, float] = {}
    requests_ = [*pushes(everyone), *_partner_pushes(partners)]
    with Progress(console=console) as progress:
        pushing = progress.add_task("Pushing", total=_PROFILES)
        for pushed in push_all(environment.stack, requests_, per_second=_PROFILES_PER_SECOND):
            _note(result, pushed)
            people_ = pushed.push.people
            if pushed.push.destination == "default":
                pushed_at |= {person.attendee["email"]: pushed.sent_at for person in people_}
            progress.advance(pushing, len(people_))
        delivering = progress.add_task("Delivering", total=result.accepted)
        for left in remaining(environment.stack, _PATIENCE_SECONDS):
            progress.update(delivering, completed=max(0, result.accepted - left))
        progress.update(delivering, completed=result.accepted)
    result.outcomes = Counter(str(each["outcome"]) for each in settled(environment.stack))
    result.delivered = result.outcomes["delivered"]
    _compare(result, everyone, _attendees(environment, EVENT_CODE), pushed_at)
    _compare_partners(result, partners, _attendees(environment, _PARTNER_EVENT))
    result.dead_letters = environment.stack.dead_letter_queue().total
    _watch(result, environment.stack)
    counts = environment.simulator.counts()
    result.calls = sum(each.count for each in counts.calls if each.call == "attendee/store")
    return result


def _watch(result: Result, stack: LocalStack) -> None:
    """Look what the report says, and which alarms tell of what was rejected, and of its end."""
    result.report = stack.run_command("report")
    points, now = alarms.measured(stack), time.time()
    result.alarms = alarms.play(alarms.alarms_of_stack(stack), points, now)
    cloudwatch = alarms.alarms_of_stack(stack)
    cloudwatch.evaluate(points, now)
    _PICTURE.write_text(dashboard.draw(stack.name, points, cloudwatch, _PICTURE_STEP))
    result.failures += ["an alarm does not end" for each in result.alarms if each.ended is None]


def _partner_pushes(partners: Sequence[Person]) -> Iterator[Push]:
    """Yield pushes in which a third stays, a third wants no e-mail, and a third leaves.

    Those who leave were there before, but for the last of them.
    """
    third = len(partners) // 3
    staying, silent, leaving = partners[:third], partners[third:-third], partners[-third:]
    profiles = [as_xdm(each) for each in (*staying, *leaving[:-1])]
    profiles += [opted_out(each) for each in silent]
    profiles += [exit_of(each) for each in leaving]
    rest = _PARTNERS - len(profiles)
    profiles += [opted_out(silent[0])] * rest
    concerned = [*staying, *leaving[:-1], *silent, *leaving, *[silent[0]] * rest]
    yield Push(json.dumps(profiles), concerned, "partners")


def _note(result: Result, pushed: Pushed) -> None:
    if not pushed.is_accepted:
        result.failures.append(f"a push was answered {pushed.status}")
        return
    result.accepted += pushed.document["accepted"]
    everyone = enumerate(pushed.push.people)
    expected = {n: person.reason for n, person in everyone if person.reason}
    rejected = {each["index"]: each["reason"] for each in pushed.document["rejected"]}
    result.rejected.update(rejected.values())
    if rejected != expected:
        result.failures.append("a push was not accepted and rejected as it should be")


def _attendees(environment: LocalEnvironment, event: str) -> list[Attendee]:
    return environment.simulator.attendees(event, org=ORG_ID)


def _compare_partners(
    result: Result, partners: Sequence[Person], attendees: Sequence[Attendee]
) -> None:
    third = len(partners) // 3
    left = {each.attendee["email"] for each in partners[-third:-1]}
    expected = {}
    for person in (*partners[:third], *partners[-third:-1]):
        fields = {**person.attendee, "origin": "AEP"}
        del fields["jobtitle"]
        if person.attendee["email"] in left:
            fields["audience"] = "left"
        expected[person.attendee["email"]] = fields
    stored = {str(each.fields["email"]): each.fields for each in attendees}
    result.mismatched += sum(stored.get(email) != fields for email, fields in expected.items())
    if stored.keys() - expected.keys():
        result.failures.append("somebody is in the partners' event who should not be")


def _compare(
    result: Result,
    everyone: Sequence[Person],
    attendees: Sequence[Attendee],
    pushed_at: Mapping[str, float],
) -> None:
    """Compare what RainFocus holds with what was pushed, field by field."""
    expected = {each.attendee["email"]: dict(each.attendee) for each in everyone if not each.reason}
    for attendee in attendees:
        email = str(attendee.fields["email"])
        result.mismatched += attendee.fields != expected.pop(email, None)
        stored_at = datetime.fromisoformat(attendee.created_at).timestamp()
        result.seconds_to_attendee.append(stored_at - pushed_at.get(email, stored_at))
    if expected:
        result.failures.append(f"{len(expected)} attendees are missing")


def _show(result: Result, console: Console) -> None:
    table = Table(title="What became of it", show_header=False)
    table.add_row("accepted", str(result.accepted))
    table.add_row("delivered", str(result.delivered))
    for reason, count in result.rejected.most_common():
        table.add_row(f"rejected: {reason}", str(count))
    table.add_row("filtered", str(result.outcomes["filtered"]))
    table.add_row("dead letters", str(result.dead_letters))
    if len(result.seconds_to_attendee) > 1:
        percentiles = quantiles(result.seconds_to_attendee, n=100)
        table.add_row("push to attendee, p50", f"{percentiles[49]:.2f} s")
        table.add_row("push to attendee, p95", f"{percentiles[94]:.2f} s")
    table.add_row("RainFocus calls (attendee/store)", str(result.calls))
    console.print(table)
    console.print(f"[bold]$ attendee-sync report[/bold]\n{result.report}")
    _show_alarms(result.alarms, console)
    for failure, count in Counter(result.failures).items():
        console.print(f"[red]wrong:[/red] {failure}" + (f" ({count} times)" if count > 1 else ""))
    console.print(
        f"demo: pushed={result.pushed} delivered={result.delivered} "
        f"rejected={result.rejected.total()} filtered={result.outcomes['filtered']} "
        f"mismatched={result.mismatched} "
        f"seconds={result.seconds:.0f}",
        soft_wrap=True,
    )


def _show_alarms(told: Sequence[Episode], console: Console) -> None:
    """Show one alarm with what it says to do, and when each ended."""
    for each in told[:1]:
        console.print(f"[bold]Alarm: {each.alarm}, of {each.about}[/bold]")
        console.print(each.description)
    for each in told:
        console.print(f"{each.alarm}, of {each.about}: told, and its end after {each.ended} min")
    console.print(
        "The local cloud can't judge these: it was done here by CloudWatch's rules, of what the "
        "functions logged. The minutes are those of a clock that was turned on, not waited for."
    )
    console.print(f"The dashboard, drawn from the same: {_PICTURE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    sys.exit(main())
