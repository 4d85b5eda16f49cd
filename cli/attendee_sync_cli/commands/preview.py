"""The command that shows what would become of profiles, without doing any of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from attendee_sync.ingest.preview import PreviewTarget
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName
from attendee_sync_cli.operations import preview as operation
from attendee_sync_cli.operations.preview import PreviewedProfile
from attendee_sync_cli.profiles import profile_files
from attendee_sync_cli.profiles.preview_summary import PreviewSummary
from attendee_sync_cli.profiles.profile_files import Profiles

EXAMPLES = console.examples(
    "attendee-sync preview default profiles.csv",
    "attendee-sync preview default profiles.xlsx --summary",
    "attendee-sync preview default - --request < profile.json",
)


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
    how = profile_files.reading(encoding, column)
    settings = context.obj.known_destination(destination)
    target = operation.target_of(context.obj, destination, settings)
    profiles = operation.profiles_of(file, how, settings)
    if summary:
        is_rejected = _summarise(target, profiles, as_json=as_json)
    else:
        is_rejected = _show_each(target, profiles, with_request=request, as_json=as_json)
    if is_rejected:
        raise typer.Exit(1)


def _previewed(target: PreviewTarget, profiles: Profiles) -> Iterator[PreviewedProfile]:
    """Yield what would become of each profile, and show how far that is."""
    with console.progress("Mapping", profiles.total) as advance:
        for each in operation.preview(target, profiles):
            yield each
            advance(1)


def _summarise(target: PreviewTarget, profiles: Profiles, *, as_json: bool) -> bool:
    """Show counts, and return whether a profile would be rejected."""
    summary = PreviewSummary(profiles.places, is_table=bool(profiles.columns))
    for each in _previewed(target, profiles):
        summary.add(each.place, each.row)
    if as_json:
        console.document(summary.document())
    else:
        summary.show()
    return summary.has_rejected


def _show_each(
    target: PreviewTarget, profiles: Profiles, *, with_request: bool, as_json: bool
) -> bool:
    """Show every profile, and return whether one would be rejected."""
    found = list(_previewed(target, profiles))
    if as_json:
        console.document(operation.document(found, profiles.unit), ascii_only=True)
    else:
        for each in found:
            _show(f"{profiles.unit} {each.place}", each, with_request=with_request)
        _show_counts(found)
    return any(each.is_rejected for each in found)


def _show(name: str, each: PreviewedProfile, *, with_request: bool) -> None:
    console.say(f"{name}: {each.words}")
    rows = [
        [f"  {field.name}", field.value, field.source, "; ".join(field.remarks)]
        for field in each.fields
    ]
    if rows:
        console.table(["  field", "value", "from", "remarks"], rows)
    if each.unread:
        console.say(f"  not read: {', '.join(each.unread)}")
    for line in each.request_lines if with_request else ():
        console.say_as_it_is(f"  {line}")
    console.say()


def _show_counts(found: Sequence[PreviewedProfile]) -> None:
    counts = Counter(str(each.row["outcome"]) for each in found)
    for outcome, count in counts.most_common():
        console.say(f"{count} of {len(found)} {outcome}")
