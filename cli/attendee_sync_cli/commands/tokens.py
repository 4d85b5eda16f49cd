"""The commands about access tokens. The token itself is never shown."""

from typing import Annotated

import typer

from attendee_sync.rainfocus.token_refresh import TokenState
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, ConnectionName
from attendee_sync_cli.operations import tokens
from attendee_sync_cli.stack.stack import Refreshed, Stack

app = typer.Typer(no_args_is_help=True, help="Look at access tokens, and renew them.")


@app.command("show", epilog=console.examples("attendee-sync token show default"))
def show(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Show what a connection's token is good for, and until when. Never the token itself."""
    stack: Stack = context.obj
    view = tokens.look(stack, connection, stack.known_connection(connection))
    if as_json:
        console.document(view.document())
        return
    console.table(
        ["token of", connection],
        [
            ["state", f"{view.state}: {view.words}"],
            ["kind", view.kind],
            ["for", view.granted_for],
            ["issued", console.when(view.issued_at)],
            ["ends", view.end],
        ],
    )


@app.command(
    "refresh",
    epilog=console.examples(
        "attendee-sync token refresh default",
        "attendee-sync token refresh default --force",
    ),
)
def refresh(
    context: typer.Context,
    connection: ConnectionName,
    force: Annotated[
        bool, typer.Option("--force", help="Renew a good token, too, and ask again at once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have a connection's token renewed, if it ends soon or was asked for with other settings.

    Credentials that RainFocus refused are tried again after 15 minutes, once they change, or with
    --force.

    Ends with exit code 1 if no token was granted.
    """
    stack: Stack = context.obj
    stack.known_connection(connection)
    result = stack.refresh_token(connection, force=force)
    if as_json:
        console.document(result.model_dump(mode="json"))
    else:
        tell(result)
    if result.state is TokenState.FAILED:
        raise typer.Exit(1)


def tell(result: Refreshed) -> None:
    """Say in words what became of a token; a failure on standard error."""
    words = tokens.refreshed_words(result)
    if result.state is not TokenState.FAILED:
        console.say(words)
        return
    console.error(words)
    console.error(f"`attendee-sync doctor {result.connection}` looks for the setting.")
