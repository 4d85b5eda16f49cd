"""The commands about Adobe Experience Platform: what is entered or uploaded there."""

import json
import shlex
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError
from attendee_sync_cli.operations import adobe
from attendee_sync_cli.settings import adobe_destination

if TYPE_CHECKING:
    from attendee_sync_cli.stack.stack import Stack

app = typer.Typer(
    no_args_is_help=True,
    help="Adobe Experience Platform: what is entered in its forms, or given to Destination SDK.",
)
_AUTHORING = "https://platform.adobe.io/data/core/activation/authoring"


@app.command(
    "values",
    epilog=console.examples(
        "attendee-sync aep values summit", "attendee-sync aep values summit --sender aep"
    ),
)
def values(
    context: typer.Context,
    destination: DestinationName,
    sender: Annotated[
        str,
        typer.Option(metavar="NAME", help="As which sender of `senders list` AEP is to push."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show what to enter in the form of Adobe's HTTP API destination, field by field.

    Without a sender that is a bearer token. With one that has an app client it is OAuth 2.
    """
    stack: Stack = context.obj
    found = adobe.form_values(stack, destination, sender)
    if as_json:
        console.document([vars(each) for each in found])
        return
    for screen, fields in groupby(found, attrgetter("screen")):
        console.say(screen)
        for each in fields:  # whole, to be copied
            console.say_as_it_is(f"  {each.field}: {console.plain(each.value) or 'leave empty'}")


@app.command(
    "render",
    epilog=console.examples(
        "attendee-sync aep render summit --output adobe",
        "attendee-sync aep render summit --output adobe --server 2307ec2b-4798-45a4-9239",
    ),
)
def render(
    context: typer.Context,
    destination: DestinationName,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the files into this folder, over earlier ones."),
    ] = None,
    server: Annotated[
        str,
        typer.Option(metavar="ID", help="instanceId of the destination server that was made."),
    ] = adobe_destination.SERVER_ID,
    in_batches: Annotated[
        bool,
        typer.Option(
            "--in-batches",
            help="Have Adobe collect a thousand profiles or half an hour's, not ten at once.",
        ),
    ] = False,
) -> None:
    """Make the files of a destination of your own in Adobe's catalog (Destination SDK).

    They are a destination server and a destination configuration, with the twelve fields and what
    this destination's settings read beside them. No secret is in them: Adobe's form asks for the
    bearer token, and for the name of the destination, so that one serves all destinations.
    Without a folder they are shown as one JSON object. docs/adobe.md goes through it.
    """
    stack: Stack = context.obj
    files = adobe.files(stack, destination, server, in_batches=in_batches)
    for path in files.too_deep:
        console.notice(
            f"{path} can't be mapped: the attributes of a Destination SDK destination are flat. "
            "Have the expression read a name without a dot, and add that name to profileFields."
        )
    if output is None:
        console.document(files.contents)
        return
    _write(output, files.contents)
    again = f"attendee-sync aep render {destination} --output {shlex.quote(str(output))}"
    again += " --in-batches" * in_batches
    _tell_steps(output, again, is_made=server != adobe_destination.SERVER_ID)


def _write(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FailureError(f"{folder} can't be written to: {error.strerror}") from None


def _tell_steps(folder: Path, again: str, *, is_made: bool) -> None:
    if is_made:
        console.say(f"{folder / adobe.DESTINATION} is for POST {_AUTHORING}/destinations")
        return
    console.say(f"1. POST {folder / adobe.SERVER} to {_AUTHORING}/destination-servers")
    console.say("2. Make the files again, with the instanceId of its answer:")
    console.say_as_it_is(f"   {again} --server ID")
    console.say(f"3. POST {folder / adobe.DESTINATION} to {_AUTHORING}/destinations")
    console.say("Each with the headers Authorization, x-api-key, x-gw-ims-org-id, x-sandbox-name.")
