"""The commands about Adobe Experience Platform: what is entered or uploaded there."""

import json
import shlex
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from attendee_sync.aws.settings import INGEST_TOKEN, secret_id
from attendee_sync.mapping.destination import Destination
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, DestinationName, FailureError
from attendee_sync_cli.profiles import push_client
from attendee_sync_cli.settings import adobe_destination, setting_changes, validation
from attendee_sync_cli.stack.stack import Stack

app = typer.Typer(
    no_args_is_help=True,
    help="Adobe Experience Platform: what is entered in its forms, or given to Destination SDK.",
)
_SERVER, _DESTINATION = "destination-server.json", "destination.json"
_AUTHORING = "https://platform.adobe.io/data/core/activation/authoring"


@app.command("values", epilog=console.examples("attendee-sync aep values summit"))
def values(context: typer.Context, destination: DestinationName, as_json: AsJson = False) -> None:
    """Show what to enter in the form of Adobe's HTTP API destination, field by field."""
    stack: Stack = context.obj
    settings = _settings(stack, destination)
    url = push_client.endpoint(stack, destination).url
    secret = secret_id(stack.name, INGEST_TOKEN)
    rows = adobe_destination.form_values(url, secret, settings)
    if as_json:
        console.document(
            [{"screen": screen, "field": field, "value": value} for screen, field, value in rows]
        )
        return
    for screen, fields in groupby(rows, itemgetter(0)):
        console.say(screen)
        for _, field, value in fields:  # whole, to be copied
            console.say_as_it_is(f"  {field}: {console.plain(value) or 'leave empty'}")


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
    settings = _settings(stack, destination)
    url = push_client.endpoint(stack, destination).url
    files = {
        _SERVER: adobe_destination.server(url, destination),
        _DESTINATION: adobe_destination.configuration(settings, server, in_batches=in_batches),
    }
    for path in adobe_destination.attributes(settings).too_deep:
        console.notice(
            f"{path} can't be mapped: the attributes of a Destination SDK destination are flat. "
            "Have the expression read a name without a dot, and add that name to profileFields."
        )
    if output is None:
        console.document(files)
        return
    _write(output, files)
    again = f"attendee-sync aep render {destination} --output {shlex.quote(str(output))}"
    again += " --in-batches" * in_batches
    _tell_steps(output, again, is_made=server != adobe_destination.SERVER_ID)


def _settings(stack: Stack, name: str) -> Destination:
    read = validation.read(Destination, stack.known_destination(name))
    if isinstance(read, Destination):
        return read
    raise setting_changes.not_valid(f"The settings of destination {name}", read)


def _write(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FailureError(f"{folder} can't be written to: {error.strerror}") from None


def _tell_steps(folder: Path, again: str, *, is_made: bool) -> None:
    if is_made:
        console.say(f"{folder / _DESTINATION} is for POST {_AUTHORING}/destinations")
        return
    console.say(f"1. POST {folder / _SERVER} to {_AUTHORING}/destination-servers")
    console.say("2. Make the files again, with the instanceId of its answer:")
    console.say_as_it_is(f"   {again} --server ID")
    console.say(f"3. POST {folder / _DESTINATION} to {_AUTHORING}/destinations")
    console.say("Each with the headers Authorization, x-api-key, x-gw-ims-org-id, x-sandbox-name.")
