"""What would become of profiles at a destination, without doing any of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from attendee_sync.ingest.api import maps_email, profiles_at
from attendee_sync.ingest.preview import PreviewTarget, preview_profile
from attendee_sync.mapping import mapper
from attendee_sync.mapping.destination import Destination
from attendee_sync.outcome import OutcomeKind, in_words
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.console import FailureError, plain
from attendee_sync_cli.profiles import profile_files
from attendee_sync_cli.profiles.profile_files import Profiles, Reading
from attendee_sync_cli.settings import validation
from attendee_sync_cli.settings.validation import NotValidError
from attendee_sync_cli.stack.stack import Stack


@dataclass(frozen=True)
class PreviewedField:
    """A field of the attendee, or one that was left out and so has no value."""

    name: str
    value: str
    source: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class PreviewedProfile:
    """What would become of one profile. It holds personal data."""

    place: int  # in the file
    row: Mapping[str, Any]  # as preview_profile() gives it

    @property
    def is_rejected(self) -> bool:
        """Tell whether it would end as a dead letter."""
        return bool(self.row["outcome"] == OutcomeKind.REJECTED)

    @property
    def words(self) -> str:
        """The outcome, with its reason."""
        outcome = str(self.row["outcome"])
        reason = in_words(str(self.row["reason"]), str(self.row["detail"]))
        return f"{outcome}: {plain(reason)}" if reason else outcome

    @property
    def fields(self) -> list[PreviewedField]:
        """The attendee's fields, and below them those that were left out."""
        fields: Mapping[str, str] = self.row.get("attendee", {})
        sources: Mapping[str, str] = self.row.get("sources", {})
        remarks: dict[str, list[str]] = {}
        for remark in self.row.get("remarks", ()):
            remarks.setdefault(remark["field"], []).append(remark["text"])
        names = [*fields, *(name for name in remarks if name not in fields)]
        return [
            PreviewedField(
                name,
                plain(fields.get(name, "")),
                plain(sources.get(name, "")),
                tuple(remarks.get(name, ())),
            )
            for name in names
        ]

    @property
    def unread(self) -> list[str]:
        """The attributes that no source read, those that look like a field first."""
        found = sorted(self.row.get("unread", ()), key=lambda attribute: not attribute["like"])
        return [
            plain(each["name"]) + (f" (like {each['like']})" if each["like"] else "")
            for each in found
        ]

    @property
    def request_lines(self) -> list[str]:
        """The request that RainFocus would get, line by line; none if it would get none."""
        request: Mapping[str, Any] | None = self.row.get("request")
        if not request:
            return []
        body = json.dumps(request["body"], indent=2, ensure_ascii=False)
        return [
            f"{request['method']} {request['url']}",
            *(f"{name}: {value}" for name, value in request["headers"].items()),
            *map(plain, body.splitlines()),
        ]


def target_of(stack: Stack, name: str, text: str) -> PreviewTarget:
    """Return a destination of these settings with its connection.

    Raises FailureError if one of the two is not valid.
    """
    settings = validation.read(Destination, text)
    if isinstance(settings, list):
        raise NotValidError(f"The settings of destination {name}", settings)
    connection_text = stack.connection(settings.connection)
    if connection_text is None:
        raise FailureError(
            f"Destination {name} uses connection {settings.connection}, which does not exist."
        )
    connection = validation.read(Connection, connection_text)
    if isinstance(connection, list):
        raise NotValidError(f"The settings of connection {settings.connection}", connection)
    return PreviewTarget(mapper.mapper(text), connection)


def profiles_of(file: BinaryIO, how: Reading, settings: str) -> Profiles:
    """Return the profiles of a file as a destination of these settings reads them.

    Raises FailureError if the file can't be read, or not one profile in it.
    """
    how = replace(how, place=profiles_at(settings), maps_email=maps_email(settings))
    return profile_files.read(file, how)


def preview(target: PreviewTarget, profiles: Profiles) -> Iterator[PreviewedProfile]:
    """Yield what would become of each profile, by the code that delivers."""
    for each in profiles.found:
        yield PreviewedProfile(each.place, preview_profile(target, each.pushed))


def document(found: Sequence[PreviewedProfile], unit: str) -> dict[str, Any]:
    """Return it as the preview of the HTTP interface does, with the row or line of each."""
    rows = [
        {"index": index, **({} if unit == "profile" else {unit: each.place}), **each.row}
        for index, each in enumerate(found)
    ]
    return {"requestId": "", "profiles": rows}
