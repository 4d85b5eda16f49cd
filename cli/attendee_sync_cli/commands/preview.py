"""The command that shows what would become of profiles, without doing any of it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from attendee_sync.ingest.preview import PreviewTarget as Target
from attendee_sync.ingest.preview import preview_profile
from attendee_sync.mapping import mapper
from attendee_sync.mapping.destination import Destination
from attendee_sync.outcome import OutcomeKind
from attendee_sync.profile.bodies import Pushed
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError
from attendee_sync_cli.profiles import profile_files
from attendee_sync_cli.settings import setting_changes, validation
from attendee_sync_cli.stack.stack import Stack

EXAMPLES = (
    "Examples: attendee-sync preview default profiles.csv; "
    "attendee-sync preview default - --request < profile.json"
)
_LONG = 500  # profiles; from here on it is worth showing how far it is
_PreviewRow = Mapping[str, Any]


def preview(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    destination: DestinationName,
    file: profile_files.File,
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

    In JSON it is what the preview of the HTTP interface answers; requestId is empty, since there
    was no request. Ends with exit code 1 if a profile would be rejected.
    """
    stack: Stack = context.obj
    how = profile_files.reading(encoding, column)
    target = _target(stack, destination)
    pushed = [each.pushed for each in profile_files.read(file, how).found]
    found = _previewed(target, pushed)
    if as_json:
        console.document({"requestId": "", "profiles": found}, ascii_only=True)
    else:
        _show(found, with_request=request)
    if any(each["outcome"] == OutcomeKind.REJECTED for each in found):
        raise typer.Exit(1)


def _target(stack: Stack, name: str) -> Target:
    """Return the destination with its connection. Raises FailureError if one is not valid."""
    text = stack.known_destination(name)
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


def _previewed(target: Target, pushed: Sequence[Pushed]) -> list[_PreviewRow]:
    console = Console(stderr=True)
    steps = track(
        enumerate(pushed),
        "Mapping",
        total=len(pushed),
        console=console,
        transient=True,
        disable=len(pushed) < _LONG or not console.is_terminal,
    )
    return [{"index": index, **preview_profile(target, each)} for index, each in steps]


def _show(found: Sequence[_PreviewRow], *, with_request: bool) -> None:
    for each in found:
        console.say(f"profile {each['index']}: {_with_reason(each)}")
        rows = _field_rows(each)
        if rows:
            console.table(["  field", "value", "from", "remarks"], rows)
        if with_request and each.get("request"):
            _show_request(each["request"])
        console.say()
    counts = Counter(str(each["outcome"]) for each in found)
    for outcome, count in counts.most_common():
        console.say(f"{count} of {len(found)} {outcome}")


def _with_reason(each: _PreviewRow) -> str:
    outcome, reason = str(each["outcome"]), console.plain(str(each["reason"]))
    return f"{outcome}: {reason}" if reason else outcome


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
            sources.get(name, ""),
            "; ".join(remarks.get(name, ())),
        ]
        for name in names
    ]


def _show_request(request: Mapping[str, Any]) -> None:
    console.say(f"  {request['method']} {request['url']}")
    for name, value in request["headers"].items():
        console.say(f"  {name}: {value}")
    for line in json.dumps(request["body"], indent=2, ensure_ascii=False).splitlines():
        console.say(f"  {console.plain(line)}")
