"""Who was pushed and what became of it, as the queues show it; what must hold of pushes."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.simulation.people import MARKS, State
from tests.simulation.queues import DEAD_LETTERS_URL, Stored
from tests.simulation.scheduler import START, Scheduler

type ProfileId = tuple[str, str]  # request id, index

_HEX = re.compile(r"[0-9a-f]{64}")
_PUSH = 5.0  # seconds
_KNOWN_FOR = 65.0  # seconds after which every environment has read changed settings


@dataclass
class Story:
    """One profile: where it was, and what became of it."""

    state: State | None  # None: it can't be used
    is_accepted: bool = False  # answered with 202
    positions: list[int] = field(default_factory=list)  # among its person's, as first queued
    copies: int = 0  # that a profile queue got
    came_at: float = 0.0  # first
    queued_at: float = 0.0  # last
    ends: list[str] = field(default_factory=list)
    dead_letters: int = 0
    excuses: int = 0  # deliveries of it that did not end as they should
    deaths: int = 0  # of invocations that had it
    is_unsure: bool = False  # a delivery that had it met a fault of the table


@dataclass(frozen=True)
class End:
    """One end of a profile."""

    profile: ProfileId
    story: Story
    state: State
    position: int  # in its person's order
    reason: str

    def __str__(self) -> str:
        return f"{' '.join(self.profile)} ({self.state.tag})"


class Stories:
    """All profiles of a run, and in which order each person's came to a queue."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.violations: list[str] = []
        self.history = hashlib.sha256()  # of all that was seen, in order
        self.tell: Callable[[str], object] = lambda _: None
        self.stories: dict[ProfileId, Story] = {}
        self.order: dict[str, list[ProfileId]] = defaultdict(list)  # by person
        self.took: dict[str, set[int]] = defaultdict(set)  # by person: what took effect
        self.positions: dict[str, int] = {}  # in the person's order, by message id
        self.profiles: dict[str, ProfileId] = {}  # by message id
        self.groups: dict[str, str] = {}  # on the queue, by person
        self.being_erased: set[str] = set()  # people who are erased, or about to be
        self.are_erased: dict[str, str] = {}  # those who are, with their group
        self.mappings: list[tuple[float, int]] = []  # from when on which version
        self.settings_failed = False
        self._scheduler = scheduler
        self._pushes: dict[str, Sequence[ProfileId]] = {}  # by request id
        self._by_sequence: dict[int, int] = {}  # positions in the person's order
        self._hashes: set[str] = set()

    def fail(self, why: str) -> None:
        """Note a violation."""
        self.violations.append(f"after {self._scheduler.now - START:.3f} s: {why}")

    def see(self, *what: object) -> None:
        """Add something to the history, by which two runs are told to be the same."""
        told = f"{self._scheduler.now - START:.3f} {' '.join(map(str, what))}"
        self.history.update(told.encode())
        self.tell(told)

    @property
    def emails(self) -> list[str]:
        """Whose states came to a queue."""
        return sorted(self.groups)

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
        self.look_for_people(f"{message.group} {dict(message.attributes)}")
        self.profiles[message.id] = message.profile
        if url == DEAD_LETTERS_URL:
            if "origin" not in message.attributes:
                self.fail(f"{message.profile} was received so often that SQS gave it up")
                return
            origin = json.loads(message.attributes["origin"])
            story = self.stories[origin["request_id"], origin["index"]]
            story.dead_letters += 1
            return
        story = self.stories[message.profile]
        story.came_at = story.came_at or self._scheduler.now
        story.copies += 1
        story.queued_at = self._scheduler.now
        if not story.state:
            return
        self.groups[story.state.email] = message.group
        order = self.order[story.state.email]
        if self._is_redriven(message, story):
            sequence = int(message.attributes.get("sequence", -1))
            self.positions[message.id] = self._by_sequence.get(sequence, story.positions[-1])
            return
        self.positions[message.id] = self._by_sequence[message.sequence] = len(order)
        story.positions.append(len(order))
        order.append(message.profile)

    def _is_redriven(self, message: Stored, story: Story) -> bool:
        """Tell whether a message was a dead letter: then it is as old as it was, whatever it says.

        What a push sends once more comes within its two seconds.
        """
        if not story.positions or not story.dead_letters:
            return False
        return "sequence" in message.attributes or self._scheduler.now - story.came_at > _PUSH

    def look_for_dead_letter(self, profile: ProfileId, story: Story) -> None:
        bad = sum(each in ("rejected", "expired") for each in story.ends)
        # It goes to the queue before the line is written, and a death may come in between.
        if not min(bad, 1) <= story.dead_letters <= story.copies + story.excuses:
            self.fail(f"{profile} has {story.dead_letters} dead letters after {bad} bad ends")

    def versions(self, story: Story) -> set[int]:
        """Return the versions of the mapping by which a profile may have been mapped."""
        since = story.queued_at - _KNOWN_FOR
        began = [at for at, _ in self.mappings if at <= since and not self.settings_failed]
        return {version for at, version in self.mappings if at >= max(began, default=0.0)}

    def mapping_changed_lately(self) -> bool:
        is_late = self._scheduler.now - self.mappings[-1][0] < 2 * _KNOWN_FOR
        return is_late or (self.settings_failed and len(self.mappings) > 1)

    def look_for_people(self, text: str) -> None:
        is_told = any(each in text for each in MARKS) or MARKS[0] in text.lower()
        if is_told or not self._hashes.isdisjoint(_HEX.findall(text)):
            self.fail(f"somebody's data or a secret in: {text[:300]}")

    def tag(self, profile: ProfileId) -> str:
        state = self.stories[profile].state
        return state.tag if state else ""

    def fields_of(self, profile: ProfileId) -> set[str]:
        state = self.stories[profile].state
        return set(state.fields(0)) if state else set()

    def values(self, profile: ProfileId, name: str) -> set[str]:
        story = self.stories[profile]
        if not story.state or name not in story.state.fields(0):
            return set()
        return {story.state.fields(each)[name] for each in self.versions(story)}
