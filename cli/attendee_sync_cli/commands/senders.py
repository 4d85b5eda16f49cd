"""The commands about senders: tokens or app clients of their own, and where each may push."""

from pathlib import Path
from typing import Annotated

import typer

from attendee_sync.aws.settings import DEFAULT
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, Yes
from attendee_sync_cli.operations import senders as operations
from attendee_sync_cli.operations.senders import Change, SenderSummary
from attendee_sync_cli.profiles import new_file, push_client
from attendee_sync_cli.stack import app_clients
from attendee_sync_cli.stack.app_clients import AppClient
from attendee_sync_cli.stack.stack import Stack

app = typer.Typer(
    no_args_is_help=True, help="Senders with tokens of their own, and where each may push."
)
_MOST_OVERLAP = 8_760  # hours: a year

SenderName = Annotated[
    str, typer.Argument(metavar="SENDER", help="Name of the sender.", callback=console.name)
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the token, or the client secret, to this new file, which only you can read, "
        "and don't show it.",
    ),
]


@app.command("list", epilog=console.examples("attendee-sync senders list --json"))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the senders with tokens or app clients of their own. The tokens are stored nowhere.

    In JSON an empty array of destinations is all of them.
    """
    stack: Stack = context.obj
    found = operations.summaries(stack)
    if as_json:
        console.document([each.document() for each in found])
        return
    if not found:
        console.say("No sender has a token of its own: all show the stack's ingest token.")
        return
    console.table(
        ["sender", "may push to", "since", "old token until", "client id"],
        [
            [
                each.sender,
                each.destinations_in_words,
                each.token_made_at,
                each.old_token_ends_at or "",
                each.client_id or "",
            ]
            for each in found
        ],
    )


@app.command(
    "add",
    epilog=console.examples(
        "attendee-sync senders add crm",
        "attendee-sync senders add aep --destination summit --destination roadshow",
        "attendee-sync senders add aep --out aep.token",
        "attendee-sync senders add aep --oauth2 --out aep.secret",
    ),
)
def add(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    sender: SenderName,
    destination: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="Let it push to this destination alone; of several, to each of them. "
            "None named is all, later ones too.",
        ),
    ] = [],  # noqa: B006 - typer reads it and changes nothing
    oauth2: Annotated[
        bool,
        typer.Option(
            "--oauth2",
            help="Make an app client for OAuth 2 (client credentials) in place of a token. It "
            "costs $6 a month, by Cognito's list price.",
        ),
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for a sender: what it pushes is told by its name from then on.

    The name stands in logs, metrics and dead letters. The token is shown now and never again: on
    standard output is nothing else. It is taken within seconds. The stack's own ingest token stays
    as it is, for all destinations. With --oauth2, all this is said of the client secret.
    """
    stack: Stack = context.obj
    for each in destination:
        console.name(each)
    if oauth2:
        with operations.addition_by_oauth2(stack, sender, destination) as (change, client):
            summary = _stored(stack, change, out)
        url = push_client.endpoint(stack, destination[0] if destination else DEFAULT).url
        _hand_over_client(summary, client, app_clients.push_url(url), out, as_json=as_json)
        return
    change = operations.addition(stack, sender, destination)
    _hand_over(_stored(stack, change, out), change.token, out, as_json=as_json)


@app.command(
    "rotate",
    epilog=console.examples(
        "attendee-sync senders rotate aep",
        "attendee-sync senders rotate aep --overlap-hours 0 --yes",
    ),
)
def rotate(  # noqa: PLR0913, PLR0917 - they are the command's options
    context: typer.Context,
    sender: SenderName,
    overlap_hours: Annotated[
        int,
        typer.Option(
            min=0,
            max=_MOST_OVERLAP,
            help="Hours for which the old token is still taken; 0 ends it, within a minute.",
        ),
    ] = 24,
    out: Out = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a new token for a sender; for some hours the old one is taken as well.

    Then the old one is refused by itself, by the clock of AWS. The new token is shown now and
    never again: on standard output is nothing else.
    """
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    stack: Stack = context.obj
    change, ends_at = operations.rotation(stack, sender, overlap_hours)
    if not yes:
        _ask(f"Give sender {sender} a new token, and refuse the old one {console.when(ends_at)}?")
    _hand_over(_stored(stack, change, out), change.token, out, as_json=as_json)


@app.command("remove", epilog=console.examples("attendee-sync senders remove aep"))
def remove(
    context: typer.Context, sender: SenderName, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Remove a sender: a minute after this at the latest, what it pushes is answered 403.

    What it pushed before is delivered, and keeps its name.
    """
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    stack: Stack = context.obj
    operations.expect(stack, sender)
    if not yes:
        _ask(f"Remove sender {sender}, and refuse what it pushes within a minute?")
    operations.remove(stack, sender)
    if as_json:
        console.document({"sender": sender, "removed": True})
    else:
        console.say(f"Removed sender {sender}.")


def _ask(question: str) -> None:
    """Ask on standard error: on standard output is the token alone."""
    typer.confirm(question, abort=True, err=True)


def _stored(stack: Stack, change: Change, out: Path | None) -> SenderSummary:
    """Store a change of a sender, with its token in a file if there is to be one.

    The file is made before anything is stored: nobody could tell the token again.
    """
    if out is None:
        return change.store(stack)
    with new_file.opened(out, "--out") as write:
        stored = change.store(stack)
        write(f"{change.token}\n".encode())
    return stored


def _hand_over(summary: SenderSummary, token: str, out: Path | None, *, as_json: bool) -> None:
    """Show a sender's new token, unless a file has it, and say on standard error what it is."""
    if as_json:
        shown = None if out else token
        document = {"token": shown, "out": None if out is None else str(out)}
        console.document(summary.document() | document)
        return
    if out is None:
        console.notice(f"The token of sender {summary.sender}, which nobody can show again:")
        console.say_as_it_is(token)
    else:
        console.notice(f"{out} has the token of sender {summary.sender}; only you can read it.")
    console.notice(f"It may push to {summary.destinations_in_words}, and is taken within seconds.")
    if summary.old_token_ends_at:
        console.notice(f"The old token is taken until {summary.old_token_ends_at}.")


def _hand_over_client(
    summary: SenderSummary, client: AppClient, url: str, out: Path | None, *, as_json: bool
) -> None:
    """Show an app client's secret, unless a file has it, and say on standard error what it is."""
    if as_json:
        shown = None if out else client.client_secret
        told = {"client_secret": shown, "token_url": client.token_url, "push_url": url}
        file = None if out is None else str(out)
        console.document(summary.document() | told | {"out": file})
        return
    if out is None:
        console.notice(f"The client secret of sender {summary.sender}:")
        console.say_as_it_is(client.client_secret)
    else:
        console.notice(f"{out} has {summary.sender}'s client secret; only you can read it.")
    console.notice(f"Client id: {client.client_id}")
    console.notice(f"Access token URL: {client.token_url}")
    console.notice(f"Push URL: {url}")
    console.notice(f"It may push to {summary.destinations_in_words}, and is taken within seconds.")
