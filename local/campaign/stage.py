"""The stage of a scenario: a destination, an event and people of its own."""

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import quantiles
from typing import Any

from rich.progress import Progress

from attendee_sync.messaging.dead_letters import from_sqs
from attendee_sync.rainfocus.connection import Limits
from local.campaign import privacy
from local.campaign.marked_people import words_of
from local.campaign.reconciliation import Check, Evidence, Expected, Figures, is_stored, reconcile
from local.machine.clock import Clock
from local.machine.environment import CLIENT_ID, CLIENT_SECRET, ORG_ID, LocalEnvironment
from local.machine.stack import LocalStack
from local.simulator.client import SimulatorClient
from local.simulator.faults import Effect, Fault
from local.simulator.settings import Environment
from local.simulator.state import LogEntry
from local.traffic.people import Person, Push, as_xdm, pushes
from local.traffic.traffic import Pushed, push_all, remaining, settled

# Where nothing arrives for so long, what is queued counts as lost. After a minute of failures
# delivery lets a few profiles wait for eight minutes more, as its waits double.
_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.1
# Before a sender's second and third attempt. AEP's are 15 s and 30 s.
SENDER_WAITS = (1.5, 3.0)


class SceneError(Exception):
    """A scenario can't go on. The text says what did not happen."""


@dataclass
class Stage:
    """A scenario's destination, event and people, and what it has pushed so far."""

    running: LocalEnvironment
    name: str  # of the destination and of the event
    scale: float  # of the numbers and times; 1 is the full campaign
    progress: Progress
    started: float = field(default_factory=time.time)
    pushed: list[Pushed] = field(default_factory=list)
    others: set[str] = field(default_factory=set)  # destinations of the same event

    def __post_init__(self) -> None:
        self._calls_before = sum(each.count for each in self.simulator.counts().calls)
        organisation = self.simulator.settings().environments[Environment.PROD][ORG_ID]
        self.simulator.change_organisation({"events": [*organisation.events, self.name]})
        self.set_destination({})

    @property
    def stack(self) -> LocalStack:
        """The deployed stack."""
        return self.running.stack

    @property
    def clock(self) -> Clock:
        """The clock of the stack, if that is one of its own. Raises SceneError otherwise."""
        if self.running.cloud.clock is None:
            raise SceneError("the clock of this stack can't be moved")
        return self.running.cloud.clock

    @property
    def simulator(self) -> SimulatorClient:
        """What stands in for RainFocus."""
        return self.running.simulator

    @property
    def is_full(self) -> bool:
        """Tell whether there is enough of everything for times and memory to mean something."""
        return self.scale >= 1

    @property
    def unknown_event(self) -> str:
        """An event code that RainFocus does not know."""
        return f"{self.name}-unknown"

    def many(self, full: int, at_least: int) -> int:
        """Return a number of the full campaign, scaled."""
        return max(at_least, round(full * self.scale))

    def seconds(self, full: float, at_least: float) -> float:
        """Return a time of the full campaign, scaled."""
        return max(at_least, full * self.scale)

    def beside(
        self, name: str, settings: Mapping[str, object], *, in_own_lane: bool = False
    ) -> "Stage":
        """Return the stage of another destination, to be played at the same time."""
        other = Stage(self.running, name, self.scale, self.progress)
        other.set_destination(settings)
        if in_own_lane:
            self.stack.move_to_own_lane(name)
        return other

    def tell(self, step: str) -> None:
        """Print what happens now."""
        self.progress.console.print(f"  · {time.time() - self.started:3.0f} s  {step}")

    def set_destination(self, settings: Mapping[str, object]) -> None:
        """Add the destination, or change it."""
        usual = {"connection": "default", "event_code": self.name}
        self.stack.put_destination(self.name, {**usual, **settings})

    def add_destination(self, name: str, connection: str) -> None:
        """Add another destination of this scenario, to the same event."""
        self.stack.put_destination(name, {"connection": connection, "event_code": self.name})
        self.others.add(name)

    def own_connection(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Have another connection while the block runs; in the short form it waits less."""
        return self.own_connections([name])

    @contextlib.contextmanager
    def own_connections(self, names: Sequence[str]) -> Iterator[None]:
        """Have other connections likewise."""
        patience = self.seconds(Limits().read_timeout, at_least=2)
        connection = {
            "org_id": ORG_ID,
            "base_url": self.simulator.base_url(),
            "auth": {"token_url": self.simulator.token_url()},
            "limits": {"read_timeout": patience},
        }
        for name in names:
            self.stack.put_connection(name, connection)
            self.stack.store_credentials(name, CLIENT_ID, CLIENT_SECRET)
        self.stack.refresh_token()
        try:
            yield
        finally:
            for name in names:
                self.stack.delete_connection(name)

    # --- profiles ---

    def push(
        self,
        everyone: Sequence[Person],
        *,
        per_second: float = float("inf"),
        waits: Sequence[float] = (1.0, 1.0),
    ) -> None:
        """Push people once in all shapes, several pushes at a time."""
        self.push_each(list(pushes(everyone)), per_second=per_second, waits=waits)

    def push_each(
        self,
        some: Iterable[Push],
        *,
        per_second: float = float("inf"),
        waits: Sequence[float] = (1.0, 1.0),
    ) -> None:
        """Push what is given, several pushes at a time, to its destination or to another one."""
        ours = [
            push if push.destination in self.others else replace(push, destination=self.name)
            for push in some
        ]
        total = sum(len(push.people) for push in ours)
        bar = self.progress.add_task("  Pushing", total=total)
        for each in push_all(self.stack, ours, per_second=per_second, waits=waits):
            self.pushed.append(each)
            self.progress.advance(bar, len(each.push.people))
        self.progress.remove_task(bar)

    def push_together(self, everyone: Sequence[Person]) -> None:
        """Push people in one request, in this order."""
        self.push_each([Push(json.dumps([as_xdm(each) for each in everyone]), everyone)])

    @contextlib.contextmanager
    def pushing(
        self,
        everyone: Sequence[Person],
        *,
        per_second: float = float("inf"),
        waits: Sequence[float] = (1.0, 1.0),
    ) -> Iterator[None]:
        """Push people while the block runs, and wait at its end until all are pushed."""
        with ThreadPoolExecutor(1) as background:
            done = background.submit(self.push, everyone, per_second=per_second, waits=waits)
            yield
            done.result()

    def outcome_apart(self, person: Person) -> str:
        """Push somebody who is no part of the account, and return what became of it."""
        apart = self.beside(f"{self.name}-apart", {})
        apart.push([person])
        apart.settle()
        return str(apart.ends()[-1]["outcome"])

    def settle(self) -> None:
        """Wait until the queue is empty, or nothing moves any more."""
        bar = self.progress.add_task("  Delivering", total=None)
        for left in remaining(self.stack, _PATIENCE_SECONDS):
            total = max(left, self.progress.tasks[-1].total or 0)
            self.progress.update(bar, total=total, completed=total - left)
        self.progress.remove_task(bar)

    def until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for something to come true. Raises SceneError."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise SceneError(f"{seconds:.0f} s were not enough until {what}")
            time.sleep(_POLL_SECONDS)

    def until_more(self, count: Callable[[], int], what: str) -> None:
        """Wait until a count has grown. Raises SceneError."""
        before = count()
        self.until(lambda: count() > before, _PATIENCE_SECONDS, what)

    def until_stored(self, count: int) -> None:
        """Wait until RainFocus stored so many times. Raises SceneError."""
        self.until(lambda: len(self.stored()) >= count, _PATIENCE_SECONDS, f"{count} are stored")

    # --- faults ---

    def fail(self, effect: Effect, **which: Any) -> None:
        """Have calls of this scenario's event fail; `which` are members of a Fault."""
        fault = Fault(call="attendee/store", event=self.name, effect=effect, **which)
        self.simulator.add_fault(fault)

    def mend(self) -> None:
        """End all faults."""
        self.simulator.clear_faults()

    @contextlib.contextmanager
    def visibility(self, seconds: int) -> Iterator[None]:
        """Have what a function took from the queue and did not end come back so soon."""
        before = self.stack.visibility_timeout()
        self.stack.set_visibility_timeout(seconds)
        try:
            yield
        finally:
            self.stack.set_visibility_timeout(before)

    # --- what came of it ---

    def calls(self) -> list[LogEntry]:
        """Return the calls that were made to store this scenario's attendees."""
        entries = self.simulator.log(self._calls_before)
        return [each for each in entries if each.event in (self.name, self.unknown_event)]

    def stored(self) -> list[LogEntry]:
        """Return those of the calls that succeeded."""
        return [each for each in self.calls() if is_stored(each)]

    def p95(self, everyone: Sequence[Person]) -> float:
        """Return the seconds from push to attendee that 95 of 100 people stay within."""
        emails = {each.attendee["email"] for each in everyone}
        sent_at = {
            person.attendee["email"]: pushed.sent_at
            for pushed in self.pushed
            for person in pushed.push.people
        }
        stored_at = {
            each.email: datetime.fromisoformat(each.time).timestamp() for each in self.stored()
        }
        seconds = [stored_at[email] - sent_at[email] for email in emails & stored_at.keys()]
        return quantiles(seconds, n=20)[-1]

    def ends(self) -> list[dict[str, Any]]:
        """Return the ends of this scenario's profiles, as delivery logged them."""
        lines = settled(self.stack, self.started)
        return [line for line in lines if line["destination"] in {self.name, *self.others}]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters of this scenario, as SQS gives them out."""
        found = self.stack.dead_letter_messages()
        names = {self.name, *self.others}
        return [each for each in found if from_sqs(each).message.destination in names]

    def account(self, expected: Expected) -> tuple[Figures, list[Check]]:
        """Return the figures, and whether all is as it must be."""
        dead_letters = self.dead_letters()
        evidence = Evidence(
            pushed=self.pushed,
            ends=self.ends(),
            calls=self.calls(),
            attendees=self.simulator.attendees(self.name),
            dead_letters=[from_sqs(each) for each in dead_letters],
            queued=self.stack.waiting(),
        )
        figures, checks = reconcile(evidence, expected)
        words = words_of(person for each in self.pushed for person in each.push.people)
        leaks = privacy.leaks(privacy.written(self.stack, self.started, dead_letters), words)
        found = "; ".join(str(leak) for leak in leaks) or "none"
        scan = Check("people in logs, metrics, ledger, attributes", "none", found, not leaks)
        return figures, [*expected.checks, *checks, scan]
