"""The command that shows what would become of profiles, without doing any of it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from attendee_sync.ingest.api import maps_email, profiles_at
from attendee_sync.ingest.preview import PreviewTarget as Target
from attendee_sync.ingest.preview import preview_profile
from attendee_sync.mapping import mapper
from attendee_sync.mapping.destination import Destination
from attendee_sync.outcome import OutcomeKind, in_words
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError
from attendee_sync_cli.profiles import profile_files
from attendee_sync_cli.profiles.preview_summary import PreviewSummary
from attendee_sync_cli.profiles.profile_files import Profiles
from attendee_sync_cli.settings import setting_changes, validation
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = console.examples(
    "attendee-sync preview default profiles.csv",
    "attendee-sync preview default profiles.xlsx --summary",
    "attendee-sync preview default - --request < profile.json",
)
type _PreviewRow = Mapping[str, Any]


def preview(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    destination: DestinationName,
    file: profile_files.File,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Show for the whole file how many have which outcome, reason and remark, "
            "where in the file, and what nothing read: no personal data.",
        ),
    ] = False,
    request: Annotated[
        bool, typer.Option("--request", help="Show also the request that RainFocus would get.")
    ] = False,
    encoding: profile_files.Encoding = "",
    column: profile_files.Columns = [],  # noqa: B006 - typer reads it and changes nothing
    as_json: AsJson = False,
) -> None:
    """Show what would become of profiles at a destination. It shows personal data.

    For each profile the outcome, the attendee's fields, what gave each of them, and what was
    normalised or left out and why. It is decided by the code that delivers, with the stack's
    settings; nothing is queued, sent or written, and no ingest token is needed.

    Profiles are numbered as in the file: rows as a spreadsheet shows them, where the header is
    row 1; lines of CSV and of newline-delimited JSON; the profiles of other JSON from 0. A file
    of any size can be looked through with --summary.

    In JSON it is what the preview of the HTTP interface answers, with the row or line of each;
    requestId is empty, since there was no request. Ends with exit code 1 if a profile would be
    rejected.
    """
    if summary and request:
        raise typer.BadParameter("a summary shows no requests: either --summary or --request")
    stack: Stack = context.obj
    how = profile_files.reading(encoding, column)
    settings = stack.known_destination(destination)
    target = target_of(stack, destination, settings)
    how = replace(how, place=profiles_at(settings), maps_email=maps_email(settings))
    profiles = profile_files.read(file, how)
    if summary:
        is_rejected = _summarise(target, profiles, as_json=as_json)
    else:
        is_rejected = _show_each(target, profiles, with_request=request, as_json=as_json)
    if is_rejected:
        raise typer.Exit(1)


def target_of(stack: Stack, name: str, text: str) -> Target:
    """Return a destination of these settings with its connection.

    Raises FailureError if one of the two is not valid.
    """
    settings = validation.read(Destination, text)
    if isinstance(settings, list):
        raise setting_changes.not_valid(f"The settings of destination {name}", settings)
    connection_text = stack.connection(settings.connection)
    if connection_text is None:
        raise FailureError(
            f"Destination {name} uses connection {settings.connection}, which does not exist."
        )
    connection = validation.read(Connection, connection_text)
    if isinstance(connection, list):
        raise setting_changes.not_valid(
            f"The settings of connection {settings.connection}", connection
        )
    return Target(mapper.mapper(text), connection)


def _previewed(target: Target, profiles: Profiles) -> Iterator[tuple[int, _PreviewRow]]:
    """Yield what would become of each profile, with its place in the file."""
    with console.progress("Mapping", profiles.total) as advance:
        for each in profiles.found:
            yield each.place, preview_profile(target, each.pushed)
            advance(1)


def _summarise(target: Target, profiles: Profiles, *, as_json: bool) -> bool:
    """Show counts, and return whether a profile would be rejected."""
    summary = PreviewSummary(profiles.places, is_table=bool(profiles.columns))
    for place, row in _previewed(target, profiles):
        summary.add(place, row)
    if as_json:
        console.document(summary.document())
    else:
        summary.show()
    return summary.has_rejected


def _show_each(target: Target, profiles: Profiles, *, with_request: bool, as_json: bool) -> bool:
    """Show every profile, and return whether one would be rejected."""
    found = list(_previewed(target, profiles))
    unit = profiles.unit
    if as_json:
        rows = [
            {"index": index, **({} if unit == "profile" else {unit: place}), **row}
            for index, (place, row) in enumerate(found)
        ]
        console.document({"requestId": "", "profiles": rows}, ascii_only=True)
    else:
        for place, row in found:
            _show(f"{unit} {place}", row, with_request=with_request)
        _show_counts([row for _, row in found])
    return any(row["outcome"] == OutcomeKind.REJECTED for _, row in found)


def _show(name: str, each: _PreviewRow, *, with_request: bool) -> None:
    console.say(f"{name}: {_with_reason(each)}")
    rows = _field_rows(each)
    if rows:
        console.table(["  field", "value", "from", "remarks"], rows)
    if each.get("unread"):
        console.say(f"  not read: {', '.join(_unread(each))}")
    if with_request and each.get("request"):
        _show_request(each["request"])
    console.say()


def _unread(each: _PreviewRow) -> Iterator[str]:
    """Yield the attributes that no source read, those that look like a field first."""
    for attribute in sorted(each["unread"], key=lambda attribute: not attribute["like"]):
        like = f" (like {attribute['like']})" if attribute["like"] else ""
        yield f"{console.plain(attribute['name'])}{like}"


def _show_counts(found: Sequence[_PreviewRow]) -> None:
    counts = Counter(str(each["outcome"]) for each in found)
    for outcome, count in counts.most_common():
        console.say(f"{count} of {len(found)} {outcome}")


def _with_reason(each: _PreviewRow) -> str:
    outcome, reason = str(each["outcome"]), in_words(str(each["reason"]), str(each["detail"]))
    return f"{outcome}: {console.plain(reason)}" if reason else outcome


def _field_rows(each: _PreviewRow) -> list[list[str]]:
    """Return the attendee's fields, and below them those that were left out."""
    fields: Mapping[str, str] = each.get("attendee", {})
    sources: Mapping[str, str] = each.get("sources", {})
    remarks: dict[str, list[str]] = {}
    for remark in each.get("remarks", ()):
        remarks.setdefault(remark["field"], []).append(remark["text"])
    names = [*fields, *(name for name in remarks if name not in fields)]
    return [
        [
            f"  {name}",
            console.plain(fields.get(name, "")),
            console.plain(sources.get(name, "")),
            "; ".join(remarks.get(name, ())),
        ]
        for name in names
    ]


def _show_request(request: Mapping[str, Any]) -> None:
    console.say_as_it_is(f"  {request['method']} {request['url']}")
    for name, value in request["headers"].items():
        console.say_as_it_is(f"  {name}: {value}")
    for line in json.dumps(request["body"], indent=2, ensure_ascii=False).splitlines():
        console.say_as_it_is(f"  {console.plain(line)}")
