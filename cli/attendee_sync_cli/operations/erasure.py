"""Removing what a stack holds of one person, and blocking what comes of it."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from attendee_sync import attendee
from attendee_sync.delivery.ledger import LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan, Planner, usual_email_hash
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli.console import FailureError, counted, moment, plain
from attendee_sync_cli.profiles import person
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.stack import lane_state
from attendee_sync_cli.stack.dead_letter_scan import DeadLetterScan, Follower
from attendee_sync_cli.stack.lane_pause import RETENTION_SECONDS
from attendee_sync_cli.stack.lane_state import LaneState
from attendee_sync_cli.stack.stack import Stack

# A delivery that began before the block is over by then: it has a minute.
_DELIVERY_SECONDS = 65.0
_TO_DO = (
    "in the sender's system, delete the person: what it pushes ends as filtered, erased",
    "delete the person in files that were exported or pushed from this command line",
)


@dataclass(frozen=True)
class Person:
    """Who is erased, as the stack knows it."""

    hash_key: str
    email_hash: str

    @property
    def key(self) -> str:
        """The key of what blocks the person, wherever they go."""
        return attendee.person_key(self.hash_key, self.email_hash)

    def at(self, destination: str) -> str:
        """Return the key of the person's attendee at a destination."""
        return attendee.key(self.hash_key, destination, self.email_hash)


@dataclass
class ErasedAtDestination:
    """What was removed at one destination. It holds no personal data."""

    destination: str
    attendee: str  # attendee.key, as logs have it
    event_code: str = ""  # empty if the destination is gone
    ledger_entries: int = 0
    dead_letters: int = 0
    attendee_id: str = ""  # RainFocus's
    delivered_at: int = 0  # epoch seconds; 0 if it never was, or an earlier run removed the entry

    @property
    def to_do(self) -> str:
        """What is left to do in RainFocus, if that is known."""
        if not self.delivered_at:
            return ""
        id_ = f" {plain(self.attendee_id)}" if self.attendee_id else ""
        return (
            f"in RainFocus, delete the attendee{id_} of event {self.event_code or 'unknown'}, "
            f"delivered to {self.destination} on {moment(self.delivered_at)}"
        )


@dataclass
class ErasureRecord:
    """What was done."""

    person: str
    blocked_since: int
    places: dict[str, ErasedAtDestination] = field(default_factory=dict)  # by destination
    unseen: int = 0  # dead letters
    lanes: list[LaneState] = field(default_factory=list)  # that hold anything
    is_complete: bool = False  # it was not broken off

    @property
    def to_do(self) -> list[str]:
        """What is left to do, by whoever reads it."""
        known = [each.to_do for each in self.places.values() if each.to_do]
        left = known or ["in RainFocus, delete the person's attendees, if there are any"]
        left += _TO_DO
        left += [_lane_words(each) for each in self.lanes]
        if not self.is_complete:
            left.append("run this again: it was broken off, and not all is removed")
        if self.unseen:
            left.append(f"run this again: {self.unseen} dead letters could not be looked at")
        return left

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "person": self.person,
            "blocked_since": moment(self.blocked_since),
            "destinations": [
                vars(each)
                | {"delivered_at": moment(each.delivered_at) if each.delivered_at else None}
                for each in self.places.values()
            ],
            "unseen": self.unseen,
            "complete": self.is_complete,
            "lanes": [
                {
                    "lane": each.name or None,
                    "holds": each.count.total if each.count else 0,
                    **each.delivery.document(),
                    "until": _lane_until(each) if each.delivery.is_off else None,
                }
                for each in self.lanes
            ],
            "left_to_do": self.to_do,
        }


@dataclass(frozen=True)
class ErasurePlan:
    """What is held of a person. It holds no personal data."""

    blocked_since: int | None  # epoch seconds, if the person is blocked already
    places: list[ErasedAtDestination]
    unseen_words: str  # why not all dead letters could be looked at
    lanes: list[LaneState]  # that hold anything, be it the person's or not

    @property
    def ledger_entries(self) -> int:
        """How many entries of the ledger would be removed."""
        return sum(each.ledger_entries for each in self.places)

    @property
    def dead_letters(self) -> int:
        """How many dead letters would be removed."""
        return sum(each.dead_letters for each in self.places)

    @property
    def waiting(self) -> int:
        """How many profiles wait in lanes, of anybody: what is the person's ends as filtered."""
        return sum(each.count.total for each in self.lanes if each.count)


def person_of(stack: Stack, email_hash: str) -> Person:
    """Return whose address has this SHA-256."""
    return Person(person.hash_key(stack), email_hash)


def block(stack: Stack, who: Person) -> ErasureRecord:
    """Have what comes of a person end as filtered, and return the record of what is done."""
    return ErasureRecord(who.key, stack.blocks().put(who.key))


def lift(stack: Stack, who: Person) -> bool:
    """Let a person be delivered again; return whether they were blocked."""
    return stack.blocks().lift(who.key)


def foresee(
    stack: Stack, who: Person, removed: Iterable[str] = (), follower: Follower | None = None
) -> ErasurePlan:
    """Return what is held of a person now, and would be removed. Nothing is.

    `removed` are destinations that were removed. Raises FailureError if it can't be told.
    """
    destinations = stack.destinations()
    places = _places(who, destinations, removed)
    with DeadLetterScan(stack, follower=follower) as scan:
        for theirs in _dead_letters(stack, who, scan):
            for dead_letter in theirs:
                _place_of(places, who, dead_letter).dead_letters += 1
    ledger = stack.ledger()
    try:
        for place in places.values():
            entry = ledger.read([place.attendee]).entries.get(place.attendee)
            _note(place, entry)
            place.ledger_entries = int(entry is not None)
    except LedgerUnavailableError as error:
        raise FailureError(f"Nothing can be told: {error}.") from None
    return ErasurePlan(
        stack.blocks().since(who.key),
        list(places.values()),
        scan.unseen_words,
        _filled_lanes(stack, destinations),
    )


def await_deliveries(record: ErasureRecord, follower: Follower | None = None) -> None:
    """Wait until every delivery that is at work began after the block."""
    follower = follower or Follower()
    left = record.blocked_since + _DELIVERY_SECONDS - time.time()
    seconds = max(0.0, min(_DELIVERY_SECONDS, left))
    if seconds:
        follower.notice(f"Blocked. Waiting {seconds:.0f} s for deliveries that began before.")
        follower.wait(seconds)


def remove(
    stack: Stack,
    who: Person,
    removed: Iterable[str],
    record: ErasureRecord,
    follower: Follower | None = None,
) -> None:
    """Remove what is held, and note it in the record as far as it comes.

    `removed` are destinations that were removed. Deliveries that began before the block are to be
    over. Raises FailureError if not all could be removed.
    """
    follower = follower or Follower()
    if follower.has_cancelled():
        return
    destinations = stack.destinations()
    record.places = _places(who, destinations, removed)
    _remove_dead_letters(stack, who, record, follower)
    _remove_entries(stack, record)
    record.lanes = _filled_lanes(stack, destinations)
    record.is_complete = not follower.has_cancelled()


def _places(
    who: Person, destinations: Mapping[str, str], removed: Iterable[str]
) -> dict[str, ErasedAtDestination]:
    found = {}
    for name in sorted({*destinations, *removed}):
        event_code = setting_changes.parsed(destinations.get(name, "")).get("event_code", "")
        found[name] = ErasedAtDestination(name, who.at(name), str(event_code))
    return found


def _filled_lanes(stack: Stack, destinations: Mapping[str, str]) -> list[LaneState]:
    return [
        each for each in lane_state.look(stack, destinations) if each.count and each.count.total
    ]


def _dead_letters(stack: Stack, who: Person, scan: DeadLetterScan) -> Iterator[list[DeadLetter]]:
    """Yield the person's of each batch of dead letters."""
    planner = Planner(stack.seen_by_functions())

    def is_of_person(dead_letter: DeadLetter) -> bool:
        message = dead_letter.message
        # The group is by the address that is usual, the plan by the one that is mapped.
        return message.group == who.at(message.destination) or _is_of(who, planner.plan(message))

    for batch in scan.batches("Looking at dead letters"):
        yield [each for each in batch if is_of_person(each)]


def _place_of(
    places: dict[str, ErasedAtDestination], who: Person, dead_letter: DeadLetter
) -> ErasedAtDestination:
    name = dead_letter.message.destination
    return places.setdefault(name, ErasedAtDestination(name, who.at(name)))


def _remove_dead_letters(
    stack: Stack, who: Person, record: ErasureRecord, follower: Follower
) -> None:
    """Remove them in looks, of which each shows what the removed ones of before were hiding."""
    are_found = True
    while are_found:
        are_found = False
        with DeadLetterScan(stack, follower=follower) as scan:
            for theirs in _dead_letters(stack, who, scan):
                deleted = scan.delete(theirs)
                are_found |= bool(deleted)
                for each in theirs:
                    place = _place_of(record.places, who, each)
                    place.dead_letters += each.message.message_id in deleted
        record.unseen = scan.unseen
        if not scan.unseen or scan.is_cut:
            return


def _is_of(who: Person, plan: Plan) -> bool:
    """Tell whether a plan is of the person: where its destination is gone, by the usual places."""
    if plan.target:
        return plan.person == who.key
    return usual_email_hash(plan.message) == who.email_hash


def _remove_entries(stack: Stack, record: ErasureRecord) -> None:
    ledger = stack.ledger()
    try:
        for place in record.places.values():
            entry = ledger.read([place.attendee]).entries.get(place.attendee)
            _note(place, entry)
            place.ledger_entries += ledger.forget(place.attendee)
    except LedgerUnavailableError as error:
        raise FailureError(f"Not all could be removed: {error}. Run it again.") from None


def _note(place: ErasedAtDestination, entry: LedgerEntry | None) -> None:
    if entry and entry.was_delivered:
        place.attendee_id, place.delivered_at = entry.attendee_id, entry.delivered_at


def _lane_words(found: LaneState) -> str:
    count = counted(found.count.total if found.count else 0, "profile")
    if not found.delivery.is_off:
        return f"nothing in the {found.label}: what it holds ({count}) is filtered as it comes"
    return (
        f"nothing in the {found.label}, which is off: what it holds of the person ({count} in all) "
        f"stays there until it is delivered, {_lane_until(found)} at the latest"
    )


def _lane_until(found: LaneState) -> str:
    """Return until when a lane that is off may hold something of the person."""
    pause = found.delivery.pause
    if pause and found.delivery.resumes:
        return moment(pause.resumes_at)
    return moment(time.time() + RETENTION_SECONDS)
