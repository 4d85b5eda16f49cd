"""What became of one person's profiles at each destination."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from attendee_sync import attendee
from attendee_sync.delivery.ledger import LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import mapping_version
from attendee_sync.mapping.destination import Destination
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli.console import FailureError, moment, moment_of, plain, when
from attendee_sync_cli.profiles import person
from attendee_sync_cli.stack import person_trace
from attendee_sync_cli.stack.dead_letter_scan import DeadLetterScan, Follower
from attendee_sync_cli.stack.person_trace import ProfileTrace
from attendee_sync_cli.stack.stack import Stack

MAX_HOURS = 336  # two weeks: no profile waits for longer
_AT_ONCE = 100  # keys that the ledger takes in one call


@dataclass(frozen=True)
class PersonAtDestination:
    """What is known of the person at one destination."""

    destination: str
    attendee: str  # attendee.key
    entry: LedgerEntry | None
    mapping_version: str  # today's; empty if the settings are not valid, or there are none
    dead_letters: list[dict[str, str]] = field(default_factory=list)
    trace: list[ProfileTrace] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Tell whether there is anything of the person."""
        return self.entry is not None or bool(self.dead_letters or self.trace)

    @property
    def mapping(self) -> str:
        """By which mapping the attendee was delivered."""
        if self.entry is None or not self.entry.was_delivered:
            return ""
        return "today's" if self.entry.fields_of(self.mapping_version) else "another than today's"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the ledger knows, in words by their names."""
        entry = self.entry
        facts = [("attendee", self.attendee)]
        if entry is None:
            # Until something is settled it knows nobody; dead letters and traces are beside it.
            return [*facts, ("last outcome", "none yet but what is told below")]
        facts.append(("last outcome", f"{entry.outcome}, {when(entry.settled_at)}"))
        if not entry.was_delivered:
            return [*facts, ("delivered", "never")]
        answer = f"HTTP {entry.status}, code {entry.code}"
        return [
            *facts,
            ("delivered", f"{when(entry.delivered_at)}, {answer}"),
            ("RainFocus's id", plain(entry.attendee_id) or "not told"),
            ("by mapping", self.mapping),
            ("fields", ", ".join(sorted(entry.fields))),
        ]

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        entry = self.entry
        delivered = entry if entry and entry.was_delivered else None
        return {
            "destination": self.destination,
            "attendee": self.attendee,
            "known": entry is not None,
            "outcome": entry.outcome if entry else None,
            "settled_at": moment(entry.settled_at) if entry else None,
            "delivered_at": moment(delivered.delivered_at) if delivered else None,
            "status": delivered.status if delivered else None,
            "code": delivered.code if delivered else None,
            "attendee_id": (delivered.attendee_id or None) if delivered else None,
            "todays_mapping": self.mapping == "today's" if delivered else None,
            "fields": sorted(delivered.fields) if delivered else [],
            "dead_letters": self.dead_letters,
            "trace": [
                {
                    "id": each.id,
                    "state": each.state,
                    "events": [event.document() for event in each.events],
                }
                for each in self.trace
            ],
        }


@dataclass(frozen=True)
class Lookup:
    """What is known of a person in a stack."""

    destinations: list[PersonAtDestination]
    blocked_since: int | None  # epoch seconds, if the person is blocked
    unseen: int  # dead letters that could not be looked at
    unseen_words: str  # and why
    is_trace_complete: bool | None  # None if the logs were not asked for

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "destinations": [each.document() for each in self.destinations],
            "blocked_since": moment(self.blocked_since) if self.blocked_since else None,
            "unseen": self.unseen,
            "trace_complete": self.is_trace_complete,
        }


def look(
    stack: Stack,
    email_hash: str,
    destination: str | None = None,
    trace_hours: int | None = None,
    follower: Follower | None = None,
) -> Lookup:
    """Look a person up by the SHA-256 of the address, at one destination or at all.

    With `trace_hours`, what the logs of these hours tell is read, too. Raises FailureError for a
    mistyped destination; a removed one's profiles are told of.
    """
    follower = follower or Follower()
    found = _at_destinations(stack, email_hash, destination)
    blocked_since = stack.blocks().since(attendee.person_key(person.hash_key(stack), email_hash))
    with DeadLetterScan(stack, follower=follower) as scan:
        for batch in scan.batches("Looking at dead letters"):
            _add(found, batch)
    is_traced = None
    if trace_hours is not None:
        is_traced = _trace(stack, found, time.time() - 3600 * trace_hours, follower)
    is_known = any(each.is_known for each in found)
    if destination and destination not in stack.destinations() and not is_known:
        raise stack.no_such("destination", destination)
    return Lookup(found, blocked_since, scan.unseen, scan.unseen_words, is_traced)


def _at_destinations(
    stack: Stack, email_hash: str, destination: str | None
) -> list[PersonAtDestination]:
    destinations = stack.destinations()
    connections = stack.connections()
    names = [destination] if destination else sorted(destinations)
    if not names:
        raise FailureError(f"Stack {stack.name} has no destinations. Is that its name?")
    hash_key = person.hash_key(stack)
    keys = {name: attendee.key(hash_key, name, email_hash) for name in names}
    entries = _entries(stack, list(keys.values()))
    return [
        PersonAtDestination(
            name, key, entries.get(key), _version(destinations.get(name, ""), connections)
        )
        for name, key in keys.items()
    ]


def _entries(stack: Stack, keys: list[str]) -> dict[str, LedgerEntry]:
    ledger = stack.ledger()
    entries: dict[str, LedgerEntry] = {}
    try:
        for start in range(0, len(keys), _AT_ONCE):
            entries |= ledger.read(keys[start : start + _AT_ONCE]).entries
    except LedgerUnavailableError as error:
        raise FailureError(f"Nothing can be told: {error}.") from None
    return entries


def _version(text: str, connections: Mapping[str, str]) -> str:
    try:
        connection = Destination.model_validate_json(text).connection
        return mapping_version(text, connections.get(connection, ""))
    except ValidationError:
        return ""


def _add(found: Collection[PersonAtDestination], dead_letters: Collection[DeadLetter]) -> None:
    by_attendee = {each.attendee: each for each in found}
    for dead_letter in dead_letters:
        if dead_letter.message.group in by_attendee:
            by_attendee[dead_letter.message.group].dead_letters.append(
                {
                    "id": dead_letter.id,
                    "outcome": dead_letter.outcome,
                    "reason": dead_letter.reason,
                    "detail": dead_letter.detail,
                    "time": moment_of(dead_letter.failed_at),
                }
            )


def _trace(
    stack: Stack, found: Collection[PersonAtDestination], since: float, follower: Follower
) -> bool:
    """Read the logs for the person at each destination; return whether all could be read."""
    groups = [stack.output("IngestLogGroupName"), stack.output("DeliveryLogGroupName")]
    is_complete = True
    for each in found:
        traces, is_whole = person_trace.read(
            stack.client("logs"), groups, each.attendee, since, follower
        )
        each.trace.extend(traces)
        is_complete &= is_whole
    return is_complete
