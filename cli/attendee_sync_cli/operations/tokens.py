"""What there is to see of access tokens. The token itself is never shown."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from attendee_sync.aws.settings import credentials_of
from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import AccessToken, TokenFault
from attendee_sync.rainfocus.connection import Connection
from attendee_sync.rainfocus.token_refresh import TokenState
from attendee_sync_cli import console
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.settings import validation
from attendee_sync_cli.stack.stack import Refreshed, Stack

_TOKEN = TypeAdapter(AccessToken)
_CAUSES: dict[TokenFault, str] = {
    TokenFault.NETWORK: "The token endpoint can't be reached or is out of order",
    TokenFault.CREDENTIALS: "RainFocus does not take the stored credentials",
    TokenFault.TOKEN_URL: "What answers at auth.token_url is no token endpoint",
    TokenFault.SETTINGS: "The way of asking is not right, or what is stored in AWS",
    TokenFault.AWS: "AWS did not read or write something",
}


@dataclass(frozen=True)
class TokenView:
    """What is shown of a connection's token. Times are epoch seconds."""

    connection: str
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

    @property
    def end_moment(self) -> str | None:
        """When it ends, as programs read it."""
        return None if self.expires_at is None else console.moment(self.expires_at)

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        return {
            "connection": self.connection,
            "state": self.state,
            "words": self.words,
            "kind": self.kind,
            "granted_for": self.granted_for,
            "issued_at": console.moment(self.issued_at),
            "expires_at": self.end_moment,
        }


def look(stack: Stack, connection: str, settings: str) -> TokenView:
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
    state, words = _state(token, read, access_token.grant_digest(read, credentials))
    return TokenView(
        connection,
        state,
        words,
        "OAuth access token" if token.value else "profile token, without OAuth",
        token.audience,
        token.issued_at,
        token.expires_at,
    )


def refreshed_words(result: Refreshed) -> str:
    """Return in words what became of a token that was to be renewed."""
    reason = f" ({result.reason})" if result.reason else ""
    match result.state:
        case TokenState.REFRESHED:
            return f"A new token was fetched{reason}."
        case TokenState.GOOD:
            return f"The token is still good and was left as it is{reason}."
        case TokenState.FAILED:
            words = _CAUSES[result.cause] if result.cause else "No token was granted"
            return f"No token: {result.cause or 'failed'}. {words}{reason}."


def _parse(text: str | None) -> AccessToken | None:
    """Return a stored token, whatever connection it is for, or None if it is none."""
    try:
        return _TOKEN.validate_python(json.loads(text or "{}"))
    except (ValueError, ValidationError):
        return None


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
