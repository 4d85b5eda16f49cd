"""The commands about senders: tokens of their own, and where each may push."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from attendee_sync.ingest import senders
from attendee_sync.ingest.senders import Sender, SenderToken
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, FailureError, Yes
from attendee_sync_cli.profiles import new_file
from attendee_sync_cli.stack import sender_registry
from attendee_sync_cli.stack.sender_registry import Senders
from attendee_sync_cli.stack.stack import Stack

app = typer.Typer(
    no_args_is_help=True, help="Senders with tokens of their own, and where each may push."
)
_TOKEN_BYTES = 32
_MOST_OVERLAP = 8_760  # hours: a year

SenderName = Annotated[
    str, typer.Argument(metavar="SENDER", help="Name of the sender.", callback=console.name)
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the token to this new file, which only you can read, and don't show it.",
    ),
]


@app.command("list", epilog=console.examples("attendee-sync senders list --json"))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the senders with tokens of their own. The tokens are stored nowhere.

    In JSON an empty array of destinations is all of them.
    """
    stack: Stack = context.obj
    found = [_summary(each) for _, each in sorted(sender_registry.read(stack).items())]
    if as_json:
        console.document(found)
        return
    if not found:
        console.say("No sender has a token of its own: all show the stack's ingest token.")
        return
    console.table(
        ["sender", "may push to", "token since", "old token until"],
        [
            [
                each["sender"],
                _destinations(each),
                each["token_made_at"],
                each["old_token_ends_at"] or "",
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
    ),
)
def add(
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
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for a sender: what it pushes is told by its name from then on.

    The name stands in logs, metrics and dead letters. The token is shown now and never again: on
    standard output is nothing else. It is taken within seconds. The stack's own ingest token stays
    as it is, for all destinations.
    """
    stack: Stack = context.obj
    for each in destination:
        console.name(each)
        stack.known_destination(each)
    token = secrets.token_hex(_TOKEN_BYTES)
    made = Sender(sender, tuple(dict.fromkeys(destination)), (_known_of(token),))

    def with_it(known: Senders) -> Senders:
        if sender in known:
            raise FailureError(
                f"There is a sender {sender} already. "
                f"`attendee-sync senders rotate {sender}` gives it a new token."
            )
        return {**known, sender: made}

    _hand_over(_stored(stack, with_it, token, out)[sender], token, out, as_json=as_json)


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
    _known(stack, sender_registry.read(stack), sender)
    token = secrets.token_hex(_TOKEN_BYTES)
    new = _known_of(token)
    ends_at = new.made_at + 3_600 * overlap_hours
    if not yes:
        _ask(f"Give sender {sender} a new token, and refuse the old one {console.when(ends_at)}?")

    def with_new(known: Senders) -> Senders:
        return {**known, sender: _rotated(_known(stack, known, sender), new, ends_at)}

    _hand_over(_stored(stack, with_new, token, out)[sender], token, out, as_json=as_json)


@app.command("remove", epilog=console.examples("attendee-sync senders remove aep"))
def remove(
    context: typer.Context, sender: SenderName, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Remove a sender: a minute after this at the latest, what it pushes is answered 403.

    What it pushed before is delivered, and keeps its name.
    """
    console.expect_somebody_to_ask(yes=yes, as_json=as_json)
    stack: Stack = context.obj
    _known(stack, sender_registry.read(stack), sender)
    if not yes:
        _ask(f"Remove sender {sender}, and refuse what it pushes within a minute?")

    def without_it(known: Senders) -> Senders:
        _known(stack, known, sender)
        return {name: each for name, each in known.items() if name != sender}

    sender_registry.change(stack, without_it)
    if as_json:
        console.document({"sender": sender, "removed": True})
    else:
        console.say(f"Removed sender {sender}.")


def _known(stack: Stack, known: Senders, name: str) -> Sender:
    """Return a sender by its name. Raises FailureError if there is none."""
    if name not in known:
        raise stack.no_such("sender", name)
    return known[name]


def _known_of(token: str) -> SenderToken:
    return SenderToken(senders.digest(token.encode()), int(time.time()))


def _rotated(sender: Sender, new: SenderToken, ends_at: int) -> Sender:
    """Return a sender with a new token, and an end of those that it has."""
    kept = (
        replace(each, ends_at=ends_at if each.ends_at is None else min(each.ends_at, ends_at))
        for each in sender.tokens
    )
    good = (each for each in kept if each.is_good(new.made_at))
    return replace(sender, tokens=(*good, new))


def _ask(question: str) -> None:
    """Ask on standard error: on standard output is the token alone."""
    typer.confirm(question, abort=True, err=True)


def _stored(
    stack: Stack, alter: Callable[[Senders], Senders], token: str, out: Path | None
) -> Senders:
    """Change the senders, with the token in its file if there is to be one; return them.

    The file is made before anything is stored: nobody could tell the token again.
    """
    if out is None:
        return sender_registry.change(stack, alter)
    with new_file.opened(out, "--out") as write:
        stored = sender_registry.change(stack, alter)
        write(f"{token}\n".encode())
    return stored


def _hand_over(sender: Sender, token: str, out: Path | None, *, as_json: bool) -> None:
    """Show a sender's new token, unless a file has it, and say on standard error what it is."""
    summary = _summary(sender)
    if as_json:
        shown = None if out else token
        console.document({**summary, "token": shown, "out": None if out is None else str(out)})
        return
    if out is None:
        console.notice(f"The token of sender {sender.name}, which nobody can show again:")
        console.say_as_it_is(token)
    else:
        console.notice(f"{out} has the token of sender {sender.name}; only you can read it.")
    console.notice(f"It may push to {_destinations(summary)}, and is taken within seconds.")
    if summary["old_token_ends_at"]:
        console.notice(f"The old token is taken until {summary['old_token_ends_at']}.")


def _summary(sender: Sender) -> dict[str, Any]:
    *old, newest = sender.tokens
    ends = [each.ends_at for each in old if each.ends_at and each.is_good(time.time())]
    return {
        "sender": sender.name,
        "destinations": list(sender.destinations),
        "token_made_at": console.moment(newest.made_at),
        "old_token_ends_at": console.moment(max(ends)) if ends else None,
    }


def _destinations(summary: Mapping[str, Any]) -> str:
    return ", ".join(summary["destinations"]) or "all destinations"
