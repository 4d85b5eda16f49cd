"""The command that stores RainFocus's credentials. They are never arguments, nor shown."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from attendee_sync.rainfocus.token_refresh import TokenState
from attendee_sync_cli import console, known_words
from attendee_sync_cli.commands import tokens
from attendee_sync_cli.console import ConnectionName
from attendee_sync_cli.operations import credentials as operations
from attendee_sync_cli.settings import setting_changes

if TYPE_CHECKING:
    from attendee_sync_cli.stack.stack import Stack

app = typer.Typer(no_args_is_help=True, help="Store the credentials of a connection.")
_MAX_INPUT = 65_536  # characters; Secrets Manager takes no more either
_LINES = ("client_id", "client_secret", "profile_token")


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: str | None = None
    client_secret: str | None = None
    profile_token: str | None = None


@app.command(
    "set",
    epilog=console.examples(
        "attendee-sync credentials set default",
        "attendee-sync credentials set default --stdin < credentials.json",
    ),
)
def set_(
    context: typer.Context,
    connection: ConnectionName,
    stdin: Annotated[
        bool,
        typer.Option("--stdin", help="Read from standard input, without asking."),
    ] = False,
) -> None:
    """Store client id, client secret and profile token, and fetch a token with them.

    Asks, for secrets with hidden input. Where standard input is no terminal it is read: either
    JSON with the members client_id, client_secret and profile_token, or these three as lines.
    What is left empty stays as it is stored.
    """
    stack: Stack = context.obj
    stack.known_connection(connection)
    given = _read() if stdin or not _is_terminal() else _ask()
    stored = operations.store(stack, connection, given)
    if stored.is_changed:
        console.say(f"Stored in the secret {stored.secret}: {stored.words}.")
    else:
        console.say("Nothing new was given; the stored credentials stay as they are.")
    result = stack.refresh_token(connection)
    tokens.tell(result)
    if result.state is TokenState.FAILED:
        raise typer.Exit(1)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _ask() -> dict[str, str]:
    console.say("Leave empty what shall stay as it is stored.")
    labels = {
        "client_id": ("Client id", False),
        "client_secret": ("Client secret (hidden)", True),
        "profile_token": ("Profile token, if there is one (hidden)", True),
    }
    return {
        name: _clean(typer.prompt(label, default="", show_default=False, hide_input=hidden))
        for name, (label, hidden) in labels.items()
    }


def _read() -> dict[str, str]:
    text = sys.stdin.read(_MAX_INPUT + 1)
    if len(text) > _MAX_INPUT:
        raise typer.BadParameter("standard input holds more than credentials")
    if text.lstrip().startswith("{"):
        members = _read_json(text)
        return {name: _clean(text) for name, text in members.items()}
    lines = text.splitlines()
    if len(lines) > len(_LINES):
        raise typer.BadParameter(
            "expected JSON, or at most three lines: client id, client secret, profile token"
        )
    return {name: _clean(line) for name, line in zip(_LINES, lines, strict=False)}


def _read_json(text: str) -> dict[str, str]:
    try:
        given = _Given.model_validate_json(text)
    except ValidationError:
        # What was given is not repeated, not even the names of its members, but for known words.
        names = setting_changes.parsed(text).keys() - _Given.model_fields.keys()
        hints = sorted({known_words.hint(name, "credentials") for name in names} - {""})
        expected = (
            'expected {"client_id": "...", "client_secret": "...", "profile_token": "..."}, '
            "all texts, each of which can be left out"
        )
        raise typer.BadParameter("; ".join([expected, *hints])) from None
    return {name: value for name, value in given.model_dump().items() if value is not None}


def _clean(text: str) -> str:
    try:
        return operations.cleaned(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
