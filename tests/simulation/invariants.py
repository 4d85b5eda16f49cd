"""What must hold after each step, and at the end when faults have stopped.

It knows what was pushed, what the queues took, what RainFocus stored and what was heard of it, and
compares the log, the metrics and the dead letters with that. Of the code under test it knows
nothing but the names in them.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.pauses import Pauses
from tests.simulation.people import MARKS, State
from tests.simulation.queues import DEAD_LETTERS_URL, Stored
from tests.simulation.rainfocus import RainFocus
from tests.simulation.scheduler import START, Process, Scheduler

type ProfileId = tuple[str, str]  # request id, index

_HEX = re.compile(r"[0-9a-f]{64}")
_KNOWN_FOR = 65.0  # seconds after which every environment has read changed settings
_TOOK = ("delivered", "unchanged")
_MAX_DEATHS = 3
_MOST_ALONE = 3


@dataclass
class Story:
    """One profile: where it was, and what became of it."""

    state: State | None  # None: it can't be used
    is_accepted: bool = False  # answered with 202
    positions: list[int] = field(default_factory=list)  # among its person's, as first queued
    copies: int = 0  # that a profile queue got
    queued_at: float = 0.0
    ends: list[str] = field(default_factory=list)
    dead_letters: int = 0
    excuses: int = 0  # deliveries of it that did not end as they should
    deaths: int = 0  # of invocations that had it


@dataclass(frozen=True)
class _End:
    """One end of a profile."""

    profile: ProfileId
    story: Story
    state: State
    position: int  # in its person's order
    reason: str

    def __str__(self) -> str:
        return f"{' '.join(self.profile)} ({self.state.tag})"


class Judge:
    """Sees everything, and notes what must not be."""

    def __init__(self, scheduler: Scheduler, rainfocus: RainFocus, max_age: float) -> None:
        self.violations: list[str] = []
        self.stories: dict[ProfileId, Story] = {}
        self.max_age = max_age
        self.mappings: list[tuple[float, int]] = []  # from when on which version
        self.calls = 0
        self.pauses = Pauses(scheduler, self.fail)
        self.history = hashlib.sha256()  # of all that was seen, in order
        self.tell: Callable[[str], object] = lambda _: None
        self._scheduler = scheduler
        self._rainfocus = rainfocus
        self._pushes: dict[str, Sequence[ProfileId]] = {}  # by request id
        self._order: dict[str, list[ProfileId]] = defaultdict(list)  # by person
        self._took: dict[str, set[int]] = defaultdict(set)  # by person: what took effect
        self._positions: dict[str, int] = {}  # in the person's order, by message id
        self._by_sequence: dict[int, int] = {}  # likewise
        self._refusals: Counter[tuple[str, str]] = Counter()  # by status class and state's tag
        self._heard: set[tuple[str, str]] = set()  # person, and tag of a success that was heard
        self._successes: Counter[str] = Counter()
        self._replayed: set[str] = set()  # people of whom the last call was not for the first time
        self._sent: dict[str, dict[str, str]] = {}  # by person: with the last such success
        self._noted: dict[str, dict[str, str]] = {}  # likewise: what the ledger surely knows
        self._lines: Counter[str] = Counter()  # ends and put-backs by outcome
        self._metrics: Counter[str] = Counter()
        self._hashes: set[str] = set()
        self._settings_failed = False

    def fail(self, why: str) -> None:
        """Note a violation."""
        self.violations.append(f"after {self._scheduler.now - START:.3f} s: {why}")

    def see(self, *what: object) -> None:
        """Add something to the history, by which two runs are told to be the same."""
        told = f"{self._scheduler.now - START:.3f} {' '.join(map(str, what))}"
        self.history.update(told.encode())
        self.tell(told)

    # --- pushes and queues --------------------------------------------------------------------

    def pushed(self, request_id: str, states: Sequence[State | None]) -> None:
        """See a push begin."""
        self._pushes[request_id] = [(request_id, str(n)) for n in range(len(states))]
        for profile, state in zip(self._pushes[request_id], states, strict=True):
            self.stories[profile] = Story(state)
            if state:
                self._hashes.add(hashlib.sha256(state.email.encode()).hexdigest())

    def accepted(self, request_id: str, rejected: Sequence[int]) -> None:
        """See a push answered with 202: all of it is on a queue by then, a person's in order."""
        last: dict[str, tuple[int, int]] = {}
        for request, index in self._pushes[request_id]:
            story = self.stories[request, index]
            story.is_accepted = True
            if int(index) in rejected or not story.state:
                if story.dead_letters != 1 or story.state:
                    self.fail(f"{request} {index} is told to be rejected, with no dead letter")
                continue
            if not story.positions:
                self.fail(f"{request} {index} is accepted, and not on the queue")
                continue
            before = last.get(story.state.email, (-1, -1))
            last[story.state.email] = max(before, (max(story.positions), int(index)))
            if last[story.state.email][1] < int(index):
                self.fail(f"{request} {index} was overtaken by an earlier one of its push")

    def sent(self, url: str, message: Stored) -> None:
        """See a message come to a queue."""
        queue = url.rpartition("/")[2]
        self.see("queued on", queue, message.id, *message.profile, message.group[:8])
        self._look_for_people(f"{message.group} {dict(message.attributes)}")
        if url == DEAD_LETTERS_URL:
            origin = json.loads(message.attributes["origin"])
            story = self.stories[origin["request_id"], origin["index"]]
            story.dead_letters += 1
            return
        story = self.stories[message.profile]
        story.copies += 1
        story.queued_at = self._scheduler.now
        if not story.state:
            return
        if "sequence" in message.attributes:  # it was redriven
            sequence = int(message.attributes["sequence"])
            self._positions[message.id] = self._by_sequence[sequence]
            return
        order = self._order[story.state.email]
        self._positions[message.id] = self._by_sequence[message.sequence] = len(order)
        story.positions.append(len(order))
        order.append(message.profile)

    def invocation_ended(
        self, profiles: Sequence[ProfileId], *, is_clean: bool, is_dead: bool
    ) -> None:
        """See a delivery of some profiles end, as it should or not."""
        for each in profiles:
            story = self.stories[each]
            story.deaths += is_dead
            if not is_clean:
                story.excuses += 1
                self.forget(story.state)

    def fault(self, process: Process, service: str) -> None:
        """See a call to AWS fail."""
        self.see(process.name, "meets a fault of", service)
        for each in process.messages:
            self.forget(self.stories[each.profile].state)
        if service == "ssm":  # then a delivery goes by what it knows, however old that is
            self._settings_failed = True
        if service == "dynamodb":
            self.pauses.see_fault_of_table()

    def forget(self, state: State | None) -> None:
        """What the ledger knows of a person is not sure any more."""
        if state:
            self._noted.pop(state.email, None)

    # --- RainFocus ----------------------------------------------------------------------------

    def called(self, email: str, fields: Mapping[str, str]) -> None:
        """See a call begin."""
        self.calls += 1
        self.see("call", fields["jobtitle"], fields["companyname"])
        known = self._noted.pop(email, None)
        # Something else of the person may have been sent before, and not been heard of.
        came_again = self._came_again(email)
        (self._replayed.add if came_again else self._replayed.discard)(email)
        is_known = known is not None and known.items() >= _without_event(fields).items()
        if is_known and not came_again:
            self.fail(f"{fields['jobtitle']} is sent though RainFocus has it")
        self.pauses.see_call()

    def _came_again(self, email: str) -> bool:
        """Tell whether the delivery that calls has something of a person not for the first time."""
        of_person = {*self._order[email]}
        working = self._scheduler.task.process.messages
        return any(each.receives > 1 for each in working if each.profile in of_person)

    def stored(self, email: str, fields: Mapping[str, str]) -> None:
        """See RainFocus store something: nothing older than what took effect before."""
        self.see("stored", fields["jobtitle"], fields["companyname"])
        order, newest = self._order[email], max(self._took[email], default=-1)
        same = [n for n, each in enumerate(order) if self._tag(each) == fields["jobtitle"]]
        # What comes again is replayed in its order where sequences and clocks disagree; then it
        # ends as it did before, which is looked at in the end.
        if not same or (same[-1] < newest and email not in self._replayed):
            self.fail(f"{fields['jobtitle']} is stored after {self._tag(order[newest])}")

    def heard(self, fields: Mapping[str, str], status: int, code: str) -> None:
        """See an answer heard."""
        email, tag = fields["email"], fields["jobtitle"]
        self.see("heard", tag, status, code)
        if status == 200 and code == "0":
            self._heard.add((email, tag))
            self._sent[email] = _without_event(fields)
            self._successes[email] += 1
        else:
            kind = "refused" if code == "105" else "failed"
            self._refusals[kind, tag] += 1

    def ran_out_of_time(self, process: Process) -> None:
        """See an invocation reach its time limit."""
        if not process.faults:
            self.fail(f"{process.name} ran until its time limit")

    def remapped(self, version: int) -> None:
        """See the mapping changed."""
        self.mappings.append((self._scheduler.now, version))
        self._noted.clear()

    def written(self, key: str, item: Mapping[str, Any]) -> None:
        """See an item written."""
        if not key.startswith("token#"):  # where access tokens are kept
            texts = (str(value) for each in item.values() for value in each.values())
            self._look_for_people(f"{key} {' '.join(texts)}")
        if key.startswith("circuit#"):
            self.pauses.see_state(item)

    def granting(self, at_once: int) -> None:
        """See a token asked for."""
        self.see("token")
        if at_once > 1:
            self.fail("two tokens are asked for at once")

    # --- what the functions write -------------------------------------------------------------

    def line(self, text: str, process: Process) -> None:
        """See a line of the log, or of metrics."""
        self._look_for_people(text)
        try:
            told = json.loads(text)
        except ValueError:
            self.fail(f"no JSON in the log: {text[:200]}")
            return
        if "_aws" in told:
            if "Profiles" in told:
                self._metrics[told["outcome"]] += round(sum(_list(told["Profiles"])))
        elif told.get("message") in ("access token", "connection paused", "connection resumed"):
            self.see(*(told.get(name, "") for name in ("message", "state", "cause", "reason")))
        elif told.get("message") in ("profile settled", "profile put back"):
            self._lines[told["outcome"]] += 1
            self.see(
                "line", told["request_id"], told["index"], told["outcome"], told.get("reason", "")
            )
            if told.get("reason", "") == "internal_error":
                self.fail(f"an internal error: {told['detail']}")
            if told["message"] == "profile settled":
                self._ended((told["request_id"], told["index"]), told, process)

    def _ended(self, profile: ProfileId, told: Mapping[str, Any], process: Process) -> None:
        story, outcome = self.stories[profile], told["outcome"]
        story.ends.append(outcome)
        if not story.state:
            if (outcome, told["attempt"]) != ("rejected", 0):
                self.fail(f"{profile} can't be used, and is {outcome}")
            return
        if len(story.ends) > story.copies + story.excuses:
            self.fail(f"{profile} has {len(story.ends)} ends: {story.ends}")
        copy = next(each for each in process.messages if each.profile == profile)
        process.messages.remove(copy)
        end = _End(profile, story, story.state, self._positions[copy.id], told.get("reason", ""))
        match outcome:
            case "delivered":
                self._delivered(end)
            case "unchanged":
                self._unchanged(end)
            case "stale":
                self._stale(end)
            case "rejected":
                self._rejected(end)
            case "expired":
                self._expired(end)
            case _:
                self.fail(f"{end} is {outcome}")

    def _delivered(self, end: _End) -> None:
        email, order = end.state.email, self._order[end.state.email]
        tags = {end.state.tag}
        if end.reason == "merged":
            tags = {self._tag(each) for each in order[end.position :]}
        if not any((email, tag) in self._heard for tag in tags):
            self.fail(f"{end} is delivered, and no success was heard")
        self._took[email].add(end.position)
        if not self._mapping_changed_lately():
            self._noted[email] = self._sent[email]

    def _unchanged(self, end: _End) -> None:
        email, state = end.state.email, end.state
        held = self._rainfocus.attendees.get(email, {})
        # One that was merged with later ones may have never been in RainFocus by itself.
        later = {self._tag(each) for each in self._order[email][end.position + 1 :]}
        is_held = any(state.fields(n).items() <= held.items() for n in self._versions(end.story))
        if not is_held and held.get("jobtitle") not in later:
            self.fail(f"{end} is unchanged, and RainFocus holds something else")
        self._took[email].add(end.position)

    def _stale(self, end: _End) -> None:
        email = end.state.email
        newer = self._order[email][end.position + 1 :]
        # Something newer may be in the ledger whose delivery died before it wrote a line.
        is_excused = any(self.stories[each].excuses for each in newer)
        if max(self._took[email], default=-1) <= end.position and not is_excused:
            self.fail(f"{end} is stale, and nothing newer took effect")

    def _rejected(self, end: _End) -> None:
        self._noted.pop(end.state.email, None)
        refused, failed = (self._refusals[kind, end.state.tag] for kind in ("refused", "failed"))
        is_right = {
            "refused": refused > 0,
            # A refusal by the probe, say, counts as the connection's.
            "refused_alone": refused + failed >= _MOST_ALONE,
            "killed_invocation": end.story.deaths >= _MAX_DEATHS,
        }
        if not is_right.get(end.reason):
            self.fail(f"{end} is rejected for {end.reason}, without cause")
        self._look_for_dead_letter(end.profile, end.story)

    def _expired(self, end: _End) -> None:
        self._noted.pop(end.state.email, None)
        if self._scheduler.now - end.story.queued_at < self.max_age - 1:
            self.fail(f"{end} expired before its time")
        self._look_for_dead_letter(end.profile, end.story)

    def _look_for_dead_letter(self, profile: ProfileId, story: Story) -> None:
        bad = sum(each in ("rejected", "expired") for each in story.ends)
        # It goes to the queue before the line is written, and a death may come in between.
        if not min(bad, 1) <= story.dead_letters <= story.copies + story.excuses:
            self.fail(f"{profile} has {story.dead_letters} dead letters after {bad} bad ends")

    def _versions(self, story: Story) -> set[int]:
        """Return the versions of the mapping by which a profile may have been mapped."""
        since = story.queued_at - _KNOWN_FOR
        began = [at for at, _ in self.mappings if at <= since and not self._settings_failed]
        return {version for at, version in self.mappings if at >= max(began, default=0.0)}

    def _mapping_changed_lately(self) -> bool:
        is_late = self._scheduler.now - self.mappings[-1][0] < 2 * _KNOWN_FOR
        return is_late or (self._settings_failed and len(self.mappings) > 1)

    def _look_for_people(self, text: str) -> None:
        is_told = any(each in text for each in MARKS) or MARKS[0] in text.lower()
        if is_told or not self._hashes.isdisjoint(_HEX.findall(text)):
            self.fail(f"somebody's data or a secret in: {text[:300]}")

    def _tag(self, profile: ProfileId) -> str:
        state = self.stories[profile].state
        return state.tag if state else ""

    # --- at the end ---------------------------------------------------------------------------

    def check_at_end(self, waiting: int) -> None:
        """Look at everything once nothing fails any more and nothing has to wait."""
        if waiting:
            self.fail(f"{waiting} wait though nothing keeps them from an end")
            return
        if self._lines != self._metrics:
            self.fail(f"the log tells of {self._lines}, and metrics of {self._metrics}")
        for profile, story in self.stories.items():
            if (story.is_accepted or story.copies) and not story.ends:
                self.fail(f"{profile} was accepted, and has no end")
            is_bad = story.ends[-1:] in (["rejected"], ["expired"])
            if is_bad and story.state:
                self._look_for_dead_letter(profile, story)
        for email in sorted(self._order):
            self._look_at_attendee(email)

    def check_all_took_effect(self) -> None:
        """Once all dead letters were redriven, each attendee is as it was pushed last."""
        for email, order in self._order.items():
            if len(order) - 1 not in self._took[email]:
                self.fail(f"{order[-1]} ({self._tag(order[-1])}) did not take effect, the newest")

    def _look_at_attendee(self, email: str) -> None:
        order = self._order[email]
        took = sorted(self._took[email])
        held = self._rainfocus.attendees.get(email, {})
        if not took:
            return
        for name, text in held.items():
            with_field = [n for n in took if self._values(order[n], name)]
            newest = max(with_field, default=0)
            allowed = self._values(order[newest], name)
            if newest < took[-1]:  # what was stored later without an end may have it, too
                allowed = {each for n in order[newest:] for each in self._values(n, name)}
            if text not in allowed:
                self.fail(f"{self._tag(order[took[-1]])}: {name} is not what was pushed last")
        missing = self._fields(order[took[-1]]) - held.keys()
        if missing:
            self.fail(f"{self._tag(order[took[-1]])}: {missing} are missing")
        allowed_calls = sum(self.stories[each].copies for each in set(order))
        allowed_calls += sum(self.stories[each].excuses for each in set(order))
        if self._successes[email] > allowed_calls:
            self.fail(f"{self._tag(order[0])}: {self._successes[email]} of {allowed_calls} calls")

    def _fields(self, profile: ProfileId) -> set[str]:
        state = self.stories[profile].state
        return set(state.fields(0)) if state else set()

    def _values(self, profile: ProfileId, name: str) -> set[str]:
        story = self.stories[profile]
        if not story.state or name not in story.state.fields(0):
            return set()
        return {story.state.fields(each)[name] for each in self._versions(story)}

    @property
    def outcomes(self) -> Counter[str]:
        """How often each outcome was told."""
        return self._lines


def _without_event(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if name != "event"}


def _list(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]
