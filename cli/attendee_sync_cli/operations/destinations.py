"""Destinations: those there are, and new settings, tried before they are stored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from attendee_sync.aws import clients
from attendee_sync.aws.settings import DEFAULT, DESTINATIONS
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.operations.preview import target_of
from attendee_sync_cli.profiles import push_client
from attendee_sync_cli.profiles import sample as samples
from attendee_sync_cli.profiles.preview_summary import PreviewSummary
from attendee_sync_cli.profiles.push_client import Endpoint
from attendee_sync_cli.profiles.sample import Sample
from attendee_sync_cli.settings import (
    expression_doubts,
    expression_faults,
    governance,
    setting_changes,
    setting_history,
    validation,
)
from attendee_sync_cli.settings.expression_doubts import SettingDoubt
from attendee_sync_cli.settings.setting_history import Change
from attendee_sync_cli.settings.validation import NotValidError, SettingFault
from attendee_sync_cli.stack import lane, lane_stack, lane_state
from attendee_sync_cli.stack.lane import NO_QUEUE
from attendee_sync_cli.stack.lane_state import Delivery
from attendee_sync_cli.stack.stack import Stack

KEPT = (
    "Deploys keep this: EventCode, DestinationName and DestinationDescription of the template no "
    "longer count."
)


@dataclass(frozen=True)
class StoredDestination:
    """A destination as it is stored, with what is amiss with its settings."""

    name: str
    text: str  # JSON
    settings: Destination | None  # None if they are not valid
    faults: Sequence[SettingFault]


@dataclass(frozen=True)
class DestinationSummary:
    """A destination in a list of them."""

    stored: StoredDestination
    delivery: Delivery

    @property
    def is_filtered(self) -> bool:
        """Tell whether some profiles are not sent, by a filter or a consent that is required."""
        settings = self.stored.settings
        return bool(settings and (settings.filter or settings.required_consents))

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        settings = self.stored.settings
        return {
            "destination": self.stored.name,
            "name": settings.name if settings else None,
            "event_code": settings.event_code if settings else None,
            "connection": settings.connection if settings else None,
            "lane": settings.lane if settings else None,
            "required_consents": list(settings.required_consents) if settings else None,
            "filter": settings.filter if settings else None,
            "exits": settings.exits.action if settings else None,
            "valid": not self.stored.faults,
            **self.delivery.document(),
        }


@dataclass(frozen=True)
class Trial:
    """Settings that can be stored, and what trying them gave."""

    destination: str
    settings: Destination
    text: str
    before: str | None  # None if there is no such destination yet
    doubts: Sequence[SettingDoubt]
    notes: Sequence[str]  # what was asked for and is not done
    summary: PreviewSummary | None  # of the sample
    endpoint: Endpoint

    @property
    def changes(self) -> list[list[str]]:
        """Path, old and new value of what changes."""
        return setting_changes.changes(self.before, self.settings)

    @property
    def makes_lane(self) -> bool:
        """Tell whether storing it makes a lane, which takes about a minute."""
        return self.before is None and self.destination != DEFAULT

    def document(self) -> dict[str, Any]:
        """Return what programs read of it, once it is stored."""
        return {
            "destination": self.destination,
            "stored": bool(self.changes),
            "changes": setting_changes.document(self.changes),
            "doubts": [vars(each) for each in self.doubts],
            "sample": self.summary.document() if self.summary else None,
            "push_url": self.endpoint.url,
        }


def summaries(stack: Stack) -> list[DestinationSummary]:
    """Return the destinations of a stack in the order of their names."""
    connections = stack.connections()
    destinations = stack.destinations()
    deliveries = lane_state.deliveries(stack, destinations)
    return [
        DestinationSummary(_stored(name, text, connections), deliveries[name])
        for name, text in sorted(destinations.items())
    ]


def stored(stack: Stack, name: str) -> StoredDestination:
    """Return a destination. Raises FailureError if there is none of that name."""
    return _stored(name, stack.known_destination(name), stack.connections())


def expect_new(stack: Stack, name: str) -> None:
    """Raise FailureError if there is a destination of that name."""
    if stack.destination(name) is not None:
        raise FailureError(
            f"There is a destination {name} already. "
            f"`attendee-sync destinations set {name} FILE` changes it."
        )


def history(stack: Stack, name: str) -> list[Change]:
    """Return who stored a destination's settings, when, and what changed, the oldest first."""
    stack.known_destination(name)
    return setting_history.changes(stack.versions(DESTINATIONS, name), Destination)


def earlier(stack: Stack, name: str, version: str) -> str:
    """Return the settings of a version. Raises FailureError if there is none of that number."""
    stack.known_destination(name)
    return setting_history.text_of(stack.versions(DESTINATIONS, name), version)


def tried(
    stack: Stack,
    name: str,
    text: str,
    file: BinaryIO | None = None,
    sample: Sample | None = None,
) -> Trial:
    """Try settings, on the sample in a file, or one that was read before, if there is any.

    Raises NotValidError if they have a fault.
    """
    read = validation.read(Destination, text)
    found = _faults(read, text, stack.connections())
    if isinstance(read, Destination):
        found += expression_faults.faults(read) + governance.faults(read)
    if found or isinstance(read, list):
        raise NotValidError("The settings", found)
    before = stack.destination(name)
    with_lane, notes = _with_lane(text, name, before)
    compact = setting_changes.compact(with_lane)
    read = Destination.model_validate_json(compact)
    sample = sample or samples.read(file, compact)
    doubts = expression_doubts.doubts(read, sample.documents() if sample else ())
    doubts += governance.doubts(read)
    target = target_of(stack, name, compact) if sample else None
    summary = sample.summary(target) if sample and target else None
    if summary and not summary.has_sent:
        doubts.append(SettingDoubt("as a whole", "no profile of the sample would be delivered"))
    endpoint = push_client.endpoint(stack, name)
    return Trial(name, read, compact, before, doubts, notes, summary, endpoint)


def store(stack: Stack, trial: Trial) -> None:
    """Store settings that were tried, if they change anything; a new destination gets its lane."""
    if not trial.changes:
        return
    if trial.makes_lane:
        lane_stack.make(stack, trial.destination, delivers=True)
    stack.put_destination(trial.destination, trial.text)


def effects(stack: Stack, trial: Trial) -> list[str]:
    """Return in words what storing settings that were tried brings about."""
    told = [_effect_on_lane(stack, trial)]
    before = validation.read(Destination, trial.before or "{}")
    if isinstance(before, Destination):
        old, new = before, trial.settings
        if (old.event_code, old.connection) != (new.event_code, new.connection):
            told.append(
                f"From then on attendees are stored for event {new.event_code} over connection "
                f"{new.connection}; those that event {old.event_code} has over connection "
                f"{old.connection} stay as they are."
            )
    if trial.destination == DEFAULT:
        told.append(KEPT)
    return told


def _effect_on_lane(stack: Stack, trial: Trial) -> str:
    if trial.makes_lane:
        return "A lane of its own is made for it, which takes about a minute."
    used = lane.of_destination(stack, trial.destination, trial.before or "{}")
    try:
        waiting = console.counted(used.count().total, "profile")
    except ClientError as error:
        if clients.cause(error) != NO_QUEUE:
            raise
        return "Its lane is not there: `attendee-sync destinations upgrade` makes it."
    where = "its lane" if used.name else "the shared lane, of all destinations there"
    return f"Waiting in {where}: {waiting}, which the new settings decide on within a minute."


def _stored(name: str, text: str, connections: Mapping[str, str]) -> StoredDestination:
    read = validation.read(Destination, text)
    settings = read if isinstance(read, Destination) else None
    return StoredDestination(name, text, settings, _faults(read, text, connections))


def _with_lane(text: str, name: str, before: str | None) -> tuple[str, list[str]]:
    """Return settings with the lane that the destination has, or is to get if it is new.

    With them comes what is to be told where they ask for another.
    """
    members = setting_changes.parsed(text)
    given = members.pop("lane", None)
    members.pop("lane_from", None)
    if name == DEFAULT:
        is_asked = given not in (None, "shared")
        note = f"`lane` is left out: {DEFAULT} stays in the shared lane."
        return json.dumps(members), [note] if is_asked else []
    known = {"lane": "own"} if before is None else setting_changes.parsed(before)
    has = known.get("lane", "shared")
    notes: list[str] = []
    if given not in (None, has):
        stays = f"The lane stays as it is: `destinations move {name}` changes it."
        made = "`lane` is left out: a new destination gets a lane of its own."
        notes.append(made if before is None else stays)
    kept = {key: known[key] for key in ("lane", "lane_from") if key in known}
    return json.dumps(members | kept if has != "shared" else members), notes


def _faults(
    read: Destination | list[SettingFault], text: str, connections: Mapping[str, str]
) -> list[SettingFault]:
    """Return all faults of a destination's settings, that of a connection amiss among them."""
    found = read if isinstance(read, list) else []
    connection = (
        read.connection
        if isinstance(read, Destination)
        else setting_changes.parsed(text).get("connection")
    )
    is_told = any(fault.setting == "connection" for fault in found)
    if not isinstance(connection, str) or connection in connections or is_told:
        return found
    names = ", ".join(sorted(connections)) or "there is none yet"
    return [*found, SettingFault("connection", f'"{connection}"', f"one that exists: {names}")]
