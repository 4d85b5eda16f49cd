"""The command that removes what a stack holds of one person, and blocks what comes of it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from attendee_sync import attendee
from attendee_sync.delivery.ledger import LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import Plan, Planner, usual_email_hash
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, FailureError, Yes
from attendee_sync_cli.profiles import person
from attendee_sync_cli.settings import setting_changes
from attendee_sync_cli.stack import lane_state
from attendee_sync_cli.stack.dead_letter_scan import DeadLetterScan
from attendee_sync_cli.stack.lane_pause import RETENTION_SECONDS
from attendee_sync_cli.stack.lane_state import LaneState
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync erase - --yes < address.txt",
    "attendee-sync erase - --yes --json < address.txt > record.json",
    "attendee-sync erase - --lift --yes < address.txt",
)
# A delivery that began before the block is over by then: it has a minute.
_DELIVERY_SECONDS = 65.0
_TO_DO = (
    "in the sender's system, delete the person: what it pushes ends as filtered, erased",
    "delete the person in files that were exported or pushed from this command line",
)


@dataclass(frozen=True)
class _Person:
    """Who is erased, as the stack knows it."""

    hash_key: str
    email_hash: str

    @property
    def key(self) -> str:
        return attendee.person_key(self.hash_key, self.email_hash)

    def at(self, destination: str) -> str:
        """Return the key of the person's attendee at a destination."""
        return attendee.key(self.hash_key, destination, self.email_hash)


@dataclass
class _AtDestination:
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
        id_ = f" {console.plain(self.attendee_id)}" if self.attendee_id else ""
        return (
            f"in RainFocus, delete the attendee{id_} of event {self.event_code or 'unknown'}, "
            f"delivered to {self.destination} on {console.moment(self.delivered_at)}"
        )


@dataclass
class _Record:
    """What was done."""

    person: str
    blocked_since: int
    places: dict[str, _AtDestination] = field(default_factory=dict)  # by destination
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


def erase(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    email: person.Email,
    destination: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="A removed destination, which may be known to the ledger yet. Those that there "
            "are need not be named.",
        ),
    ] = [],  # noqa: B006 - typer reads it and changes nothing
    lift: Annotated[
        bool, typer.Option("--lift", help="Let the person be delivered again, and do nothing else.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove what the stack holds of a person, and block it until that is lifted.

    Of every destination the ledger's entry and the dead letters go. What waits in a lane, and
    what is pushed later, ends as `filtered` with the reason `erased`, whether it has the address
    or only its hash. RainFocus and the sender know nothing of it: what is left to do there is
    told, in a record without personal data.

    It waits for a minute until no delivery is at work that began before. It can be interrupted
    and run again. Dead letters without an e-mail address are not known to be anybody's.
    """
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    if email == person.STDIN and not yes:
        raise typer.BadParameter("where standard input is read nobody can be asked: add --yes")
    stack: Stack = context.obj
    email_hash = person.email_hash(email)
    who = _Person(person.hash_key(stack), email_hash)
    if lift:
        _lift(stack, who, yes=yes, as_json=as_json)
        return
    console.ask("Remove what is held of this person, and block it?", yes=yes, as_json=as_json)
    record = _Record(who.key, stack.blocks().put(who.key))
    try:
        _remove(stack, who, destination, record)
    finally:
        _tell(record, as_json=as_json)


def _lift(stack: Stack, who: _Person, *, yes: bool, as_json: bool) -> None:
    console.ask("Let this person be delivered again?", yes=yes, as_json=as_json)
    was_blocked = stack.blocks().lift(who.key)
    if as_json:
        console.document({"person": who.key, "lifted": was_blocked})
    else:
        console.say("Lifted." if was_blocked else "This person is not blocked.")


def _remove(stack: Stack, who: _Person, removed: Iterable[str], record: _Record) -> None:
    """Remove what is held, and note it in the record as far as it comes."""
    _await_deliveries(record.blocked_since)
    destinations = stack.destinations()
    for name in sorted({*destinations, *removed}):
        event_code = setting_changes.parsed(destinations.get(name, "")).get("event_code", "")
        record.places[name] = _AtDestination(name, who.at(name), str(event_code))
    _remove_dead_letters(stack, who, record)
    _remove_entries(stack, record)
    record.lanes = [
        each for each in lane_state.look(stack, destinations) if each.count and each.count.total
    ]
    record.is_complete = True


def _await_deliveries(blocked_since: int) -> None:
    """Wait until every delivery that is at work began after the block."""
    seconds = max(0.0, min(_DELIVERY_SECONDS, blocked_since + _DELIVERY_SECONDS - time.time()))
    if seconds:
        console.notice(f"Blocked. Waiting {seconds:.0f} s for deliveries that began before.")
        time.sleep(seconds)


def _remove_dead_letters(stack: Stack, who: _Person, record: _Record) -> None:
    planner = Planner(stack.seen_by_functions())

    def is_of_person(dead_letter: DeadLetter) -> bool:
        message = dead_letter.message
        # The group is by the address that is usual, the plan by the one that is mapped.
        return message.group == who.at(message.destination) or _is_of(who, planner.plan(message))

    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking at dead letters"):
            theirs = [each for each in batch if is_of_person(each)]
            deleted = scan.delete(theirs)
            for message in (each.message for each in theirs):
                name = message.destination
                place = record.places.setdefault(name, _AtDestination(name, who.at(name)))
                place.dead_letters += message.message_id in deleted
    record.unseen = scan.unseen


def _is_of(who: _Person, plan: Plan) -> bool:
    """Tell whether a plan is of the person: where its destination is gone, by the usual places."""
    if plan.target:
        return plan.person == who.key
    return usual_email_hash(plan.message) == who.email_hash


def _remove_entries(stack: Stack, record: _Record) -> None:
    ledger = stack.ledger()
    try:
        for place in record.places.values():
            entry = ledger.read([place.attendee]).entries.get(place.attendee)
            _note(place, entry)
            place.ledger_entries += ledger.forget(place.attendee)
    except LedgerUnavailableError as error:
        raise FailureError(f"Not all could be removed: {error}. Run it again.") from None


def _note(place: _AtDestination, entry: LedgerEntry | None) -> None:
    if entry and entry.was_delivered:
        place.attendee_id, place.delivered_at = entry.attendee_id, entry.delivered_at


# --- the record ---


def _lane_words(found: LaneState) -> str:
    count = console.counted(found.count.total if found.count else 0, "profile")
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
        return console.moment(pause.resumes_at)
    return console.moment(time.time() + RETENTION_SECONDS)


def _tell(record: _Record, *, as_json: bool) -> None:
    if as_json:
        console.document(_document(record))
        return
    console.say(f"Blocked since {console.moment(record.blocked_since)}.")
    console.table(
        ["destination", "ledger entries removed", "dead letters removed"],
        [
            [console.plain(each.destination), str(each.ledger_entries), str(each.dead_letters)]
            for each in record.places.values()
        ],
    )
    console.say()
    console.say("Left to do:")
    for each in record.to_do:
        console.say(f"- {each}")


def _document(record: _Record) -> dict[str, Any]:
    return {
        "person": record.person,
        "blocked_since": console.moment(record.blocked_since),
        "destinations": [
            vars(each)
            | {"delivered_at": console.moment(each.delivered_at) if each.delivered_at else None}
            for each in record.places.values()
        ],
        "unseen": record.unseen,
        "complete": record.is_complete,
        "lanes": [
            {
                "lane": each.name or None,
                "holds": each.count.total if each.count else 0,
                **each.delivery.document(),
                "until": _lane_until(each) if each.delivery.is_off else None,
            }
            for each in record.lanes
        ],
        "left_to_do": record.to_do,
    }
