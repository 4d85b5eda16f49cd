"""The commands about access tokens. The token itself is never shown."""

import json
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from attendee_sync.aws.settings import credentials_of
from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import AccessToken, TokenFault
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.token_refresh import TokenState
from attendee_sync_cli import console
from attendee_sync_cli.console import AsJson, ConnectionName, FailureError
from attendee_sync_cli.settings import validation
from attendee_sync_cli.stack.stack import Refreshed, Stack

app = typer.Typer(no_args_is_help=True, help="Look at access tokens, and renew them.")
_TOKEN = TypeAdapter(AccessToken)
_CAUSES: dict[TokenFault, str] = {
    TokenFault.NETWORK: "The token endpoint can't be reached or is out of order",
    TokenFault.CREDENTIALS: "RainFocus does not take the stored credentials",
    TokenFault.TOKEN_URL: "What answers at auth.token_url is no token endpoint",
    TokenFault.SETTINGS: "The way of asking is not right, or what is stored in AWS",
    TokenFault.AWS: "AWS did not read or write something",
}


@dataclass(frozen=True)
class View:
    """What is shown of a token."""

    state: str
    words: str
    kind: str
    granted_for: str
    issued_at: int
    expires_at: int | None

    @property
    def end(self) -> str:
        """When it ends, in words."""
        return "never" if self.expires_at is None else console.when(self.expires_at)


@app.command("show", epilog=console.examples("attendee-sync token show default"))
def show(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Show what a connection's token is good for, and until when. Never the token itself."""
    stack: Stack = context.obj
    view = look(stack, connection, stack.known_connection(connection))
    if as_json:
        console.document(
            {
                "connection": connection,
                "state": view.state,
                "words": view.words,
                "kind": view.kind,
                "granted_for": view.granted_for,
                "issued_at": console.moment(view.issued_at),
                "expires_at": None if view.expires_at is None else console.moment(view.expires_at),
            }
        )
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


def look(stack: Stack, connection: str, settings: str) -> View:
    """Return what there is to see of a connection's token; gets its settings as they are stored.

    Raises FailureError if there is no token, or the settings are not valid.
    """
    read = validation.read(Connection, settings)
    if isinstance(read, list):
        raise FailureError(f"The settings of connection {connection} are not valid: {read[0]}")
    token = _parse(stack.stored_token(connection))
    if token is None:
        raise FailureError(
            f"Connection {connection} has no token yet. "
            f"`attendee-sync token refresh {connection}` fetches one."
        )
    credentials = access_token.parse_credentials(stack.secret(credentials_of(connection)))
    return _view(token, read, access_token.grant_digest(read, credentials))


def _parse(text: str | None) -> AccessToken | None:
    """Return a stored token, whatever connection it is for, or None if it is none."""
    try:
        return _TOKEN.validate_python(json.loads(text or "{}"))
    except (ValueError, ValidationError):
        return None


def _view(token: AccessToken, connection: Connection, grant: str) -> View:
    state, words = _state(token, connection, grant)
    return View(
        state,
        words,
        "OAuth access token" if token.value else "profile token, without OAuth",
        token.audience,
        token.issued_at,
        token.expires_at,
    )


def _state(token: AccessToken, connection: Connection, grant: str) -> tuple[str, str]:
    audience = access_token.audience(connection)
    if token.audience != audience:
        return "mismatch", f"the settings say {audience} now, so it is not used"
    if token.seconds_left() <= 0:
        return "expired", "it has run out; token_refresh has not renewed it"
    if token.granted_to != grant:
        return (
            "outdated",
            "credentials or auth settings have changed since; the next refresh renews it",
        )
    if token.replaces:
        return "good", "fetched because RainFocus refused the one before"
    return "good", "it matches today's settings and credentials"
