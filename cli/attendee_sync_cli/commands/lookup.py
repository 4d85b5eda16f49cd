"""The command that tells what became of one person's profiles."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from attendee_sync import attendee
from attendee_sync.delivery.ledger import LedgerEntry, LedgerUnavailableError
from attendee_sync.delivery.planner import mapping_version
from attendee_sync.mapping.destination import Destination
from attendee_sync.messaging.dead_letters import DeadLetter
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, FailureError
from attendee_sync_cli.profiles import person
from attendee_sync_cli.stack import person_trace
from attendee_sync_cli.stack.dead_letter_scan import DeadLetterScan
from attendee_sync_cli.stack.person_trace import ProfileTrace
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync lookup ada@example.com",
    "attendee-sync lookup - --destination summit < address.txt",
    "attendee-sync lookup ada@example.com --trace --hours 72",
)
_MAX_HOURS = 336  # two weeks: no profile waits for longer
_AT_ONCE = 100  # keys that the ledger takes in one call


@dataclass(frozen=True)
class _Found:
    """What is known of the person at one destination."""

    destination: str
    attendee: str  # attendee.key
    entry: LedgerEntry | None
    mapping_version: str  # today's; empty if the settings are not valid, or there are none
    dead_letters: list[dict[str, str]] = field(default_factory=list)
    trace: list[ProfileTrace] = field(default_factory=list)

    @property
    def mapping(self) -> str:
        """By which mapping the attendee was delivered."""
        if self.entry is None or not self.entry.was_delivered:
            return ""
        return "today's" if self.entry.fields_of(self.mapping_version) else "another than today's"


def lookup(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    email: person.Email,
    destination: Annotated[
        str | None,
        typer.Option(
            help="The destination to look at; all of the stack by default.", callback=console.name
        ),
    ] = None,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Tell what the logs know of each of the person's profiles."),
    ] = False,
    hours: Annotated[
        int, typer.Option(min=1, max=_MAX_HOURS, help="Hours of the logs that --trace reads.")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Tell what became of a person's profiles at each destination, and when.

    The ledger knows nobody: the person is found by a keyed hash of the address, which stands as
    `attendee` in the lines of the delivery log as well. Of what was delivered it has the names of
    the fields, and no value.

    Dead letters of the person are looked for, too; but what was rejected before it was queued,
    for want of an e-mail address for instance, is not known to be anybody's.

    With --trace, what the functions' logs tell of each profile: when it was accepted, each try
    that told something new, with RainFocus's answer, until when it waits, and how it ended.
    """
    email_hash = person.email_hash(email)
    stack: Stack = context.obj
    found = _look(stack, email_hash, destination)
    blocked_since = stack.blocks().since(attendee.person_key(person.hash_key(stack), email_hash))
    with DeadLetterScan(stack) as scan:
        for batch in scan.batches("Looking at dead letters"):
            _add(found, batch)
    is_traced = not trace or _trace(stack, found, time.time() - 3600 * hours)
    _check(stack, destination, found)
    if as_json:
        console.document(
            {
                "destinations": [_document(each) for each in found],
                "blocked_since": console.moment(blocked_since) if blocked_since else None,
                "unseen": scan.unseen,
                "trace_complete": is_traced if trace else None,
            }
        )
        return
    if blocked_since:
        console.say(f"Erased and blocked since {console.when(blocked_since)}.")
    for each in filter(_is_known, found):
        console.table(["destination", each.destination], _rows(each))
        console.say()
        if trace:
            _tell_trace(each)
    unknown = [each.destination for each in found if not _is_known(each)]
    if unknown:
        also = ", nor in the logs of these hours" if trace else ""
        console.say(f"Nothing is known of this person at {', '.join(unknown)}{also}.")
        if not trace:
            console.say("What waits and was never tried is found with --trace.")
    if not is_traced:
        console.say("The logs are long: a part of them was not read. Fewer --hours take less.")
    if scan.unseen:
        console.say(f"Of the dead letters {scan.unseen_words}")


def _check(stack: Stack, destination: str | None, found: Collection[_Found]) -> None:
    """Raise FailureError for a mistyped destination; a removed one's profiles are told of."""
    if destination and destination not in stack.destinations() and not any(map(_is_known, found)):
        raise stack.no_such("destination", destination)


def _is_known(found: _Found) -> bool:
    return found.entry is not None or bool(found.dead_letters or found.trace)


def _look(stack: Stack, email_hash: str, destination: str | None) -> list[_Found]:
    destinations = stack.destinations()
    connections = stack.connections()
    names = [destination] if destination else sorted(destinations)
    if not names:
        raise FailureError(f"Stack {stack.name} has no destinations. Is that its name?")
    hash_key = person.hash_key(stack)
    keys = {name: attendee.key(hash_key, name, email_hash) for name in names}
    entries = _entries(stack, list(keys.values()))
    return [
        _Found(name, key, entries.get(key), _version(destinations.get(name, ""), connections))
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


def _add(found: Collection[_Found], dead_letters: Collection[DeadLetter]) -> None:
    by_attendee = {each.attendee: each for each in found}
    for dead_letter in dead_letters:
        if dead_letter.message.group in by_attendee:
            by_attendee[dead_letter.message.group].dead_letters.append(
                {
                    "id": dead_letter.id,
                    "outcome": dead_letter.outcome,
                    "reason": dead_letter.reason,
                    "detail": dead_letter.detail,
                    "time": console.moment_of(dead_letter.failed_at),
                }
            )


def _trace(stack: Stack, found: Collection[_Found], since: float) -> bool:
    """Read the logs for the person at each destination; return whether all could be read."""
    groups = [stack.output("IngestLogGroupName"), stack.output("DeliveryLogGroupName")]
    is_complete = True
    for each in found:
        traces, is_whole = person_trace.read(stack.client("logs"), groups, each.attendee, since)
        each.trace.extend(traces)
        is_complete &= is_whole
    return is_complete


def _tell_trace(found: _Found) -> None:
    if not found.trace:
        console.say(f"The logs tell of no profile for {found.destination} in these hours.")
        console.say()
    for profile in found.trace:
        rows = []
        for event in profile.events:
            rows.append([console.moment(event.at), console.plain(event.words)])
            rows += [["", console.plain(remark)] for remark in event.line.remarks]
        if profile.waits:
            rows.append(["", profile.waits])
        console.table(["profile", profile.id], rows)
        console.say()


def _rows(found: _Found) -> list[list[str]]:
    entry = found.entry
    rows = [["attendee", found.attendee]]
    if entry is None:
        # Until something is settled the ledger knows nobody; dead letters, traces are told below.
        rows.append(["last outcome", "none yet but what is told below"])
    else:
        rows.append(["last outcome", f"{entry.outcome}, {console.when(entry.settled_at)}"])
        rows.append(["delivered", _delivered(entry)])
    if entry and entry.was_delivered:
        rows.append(["RainFocus's id", console.plain(entry.attendee_id) or "not told"])
        rows.append(["by mapping", found.mapping])
        rows.append(["fields", ", ".join(sorted(entry.fields))])
    for dead_letter in found.dead_letters:
        reason = dead_letter["reason"] or dead_letter["detail"]
        words = f"{dead_letter['id']}: {dead_letter['outcome']}, {reason}, {dead_letter['time']}"
        rows.append(["dead letter", console.plain(words)])
    return rows


def _delivered(entry: LedgerEntry) -> str:
    if not entry.was_delivered:
        return "never"
    return f"{console.when(entry.delivered_at)}, HTTP {entry.status}, code {entry.code}"


def _document(found: _Found) -> dict[str, Any]:
    entry = found.entry
    delivered = entry if entry and entry.was_delivered else None
    return {
        "destination": found.destination,
        "attendee": found.attendee,
        "known": entry is not None,
        "outcome": entry.outcome if entry else None,
        "settled_at": console.moment(entry.settled_at) if entry else None,
        "delivered_at": console.moment(delivered.delivered_at) if delivered else None,
        "status": delivered.status if delivered else None,
        "code": delivered.code if delivered else None,
        "attendee_id": (delivered.attendee_id or None) if delivered else None,
        "todays_mapping": found.mapping == "today's" if delivered else None,
        "fields": sorted(delivered.fields) if delivered else [],
        "dead_letters": found.dead_letters,
        "trace": [
            {
                "id": each.id,
                "state": each.state,
                "events": [event.document() for event in each.events],
            }
            for each in found.trace
        ],
    }
