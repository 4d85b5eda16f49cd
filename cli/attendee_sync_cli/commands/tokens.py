"""The commands about access tokens. The token itself is never shown."""

from typing import Annotated

import typer

from attendee_sync.rainfocus.access_token import TokenFault
from attendee_sync.rainfocus.token_refresh import TokenState
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, ConnectionName
from attendee_sync_cli.operations import tokens
from attendee_sync_cli.stack.stack import Refreshed, Stack

app = typer.Typer(no_args_is_help=True, help="Look at access tokens, and renew them.")
_CAUSES: dict[TokenFault, str] = {
    TokenFault.NETWORK: "The token endpoint can't be reached or is out of order",
    TokenFault.CREDENTIALS: "RainFocus does not take the stored credentials",
    TokenFault.TOKEN_URL: "What answers at auth.token_url is no token endpoint",
    TokenFault.SETTINGS: "The way of asking is not right, or what is stored in AWS",
    TokenFault.AWS: "AWS did not read or write something",
}


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
    reason = f" ({result.reason})" if result.reason else ""
    match result.state:
        case TokenState.REFRESHED:
            console.say(f"A new token was fetched{reason}.")
        case TokenState.GOOD:
            console.say(f"The token is still good and was left as it is{reason}.")
        case TokenState.FAILED:
            words = _CAUSES[result.cause] if result.cause else "No token was granted"
            console.error(f"No token: {result.cause or 'failed'}. {words}{reason}.")
            console.error(f"`attendee-sync doctor {result.connection}` looks for the setting.")
