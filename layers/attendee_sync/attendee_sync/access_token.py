"""Access tokens: fetched by token_refresh, read by delivery, kept in a secret between them."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import requests

from attendee_sync.connection import Connection
from attendee_sync.http import Received, receive

_MAX_LIFETIME = 86_400 * 365  # seconds
_TIMEOUTS = (3.0, 10.0)  # seconds to connect, and between two reads


@dataclass(frozen=True)
class Credentials:
    """What RainFocus generated for an API profile."""

    client_id: str
    client_secret: str

    @property
    def digest(self) -> str:
        """A name for the credentials that does not give them away."""
        return _digest(self.client_id, self.client_secret)


@dataclass(frozen=True)
class AccessToken:
    """An access token, and what it is for."""

    value: str
    expires_at: int  # epoch seconds
    client_id: str
    credentials_digest: str  # which credentials it was granted to; see Credentials.digest
    audience: str  # the API it was granted for; see audience()

    @property
    def digest(self) -> str:
        """A name for the token that does not give it away."""
        return _digest(self.value)


class TokenNotGrantedError(Exception):
    """No token was granted. `cause` is network, credentials, token_url or settings."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


def audience(connection: Connection) -> str:
    """Return what a connection's tokens are good for: tokens of stg don't work in prod."""
    return f"{connection.base}/{connection.org_id}"


def parse(text: str | None, connection: Connection) -> AccessToken | None:
    """Return the token of an access-token secret, or None if it holds none for the connection."""
    try:
        token = AccessToken(**json.loads(text or "{}"))
        token = replace(token, expires_at=int(token.expires_at))
    except (ValueError, TypeError):
        return None
    return token if token.value and token.audience == audience(connection) else None


def dump(token: AccessToken) -> str:
    """Return the text of an access-token secret."""
    return json.dumps(asdict(token))


def parse_credentials(text: str | None) -> Credentials | None:
    """Return the credentials of a secret, or None if they are not entered yet."""
    try:
        members = json.loads(text or "{}")
        credentials = Credentials(
            str(members["client_id"]).strip(), str(members["client_secret"]).strip()
        )
    except (ValueError, TypeError, KeyError):
        return None
    return credentials if credentials.client_id and credentials.client_secret else None


def fetch(http: requests.Session, connection: Connection, credentials: Credentials) -> AccessToken:
    """Ask the token endpoint for a token (OAuth 2.0, RFC 6749, section 4.4).

    That RainFocus uses the client-credentials grant is inferred from Adobe's form, not published.
    Raises TokenNotGrantedError, whose text holds nothing that was sent or received but codes.
    """
    if not connection.token_url:
        raise TokenNotGrantedError(
            "token_url", "the connection has no token_url; ask RainFocus for it"
        )
    asked_at = time.time()
    try:
        with http.post(
            connection.token_url,
            data={
                "grant_type": "client_credentials",
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret,
            },
            headers={"Accept": "application/json"},
            timeout=_TIMEOUTS,
            allow_redirects=False,
            stream=True,
        ) as response:
            received = receive(response, sum(_TIMEOUTS))
    except requests.RequestException as error:
        raise TokenNotGrantedError("network", f"token_url: {type(error).__name__}") from None
    members = _members(received)
    if received.status in (400, 401, 403):
        raise TokenNotGrantedError(
            "credentials", f"HTTP {received.status} {_oauth_error(members)}".rstrip()
        )
    value = members.get("access_token")
    if received.status != 200 or not isinstance(value, str) or not value:  # noqa: PLR2004
        raise TokenNotGrantedError(
            "network" if received.status >= 500 else "token_url",  # noqa: PLR2004
            f"HTTP {received.status} without an access token",
        )
    lifetime = _lifetime(members.get("expires_in"), connection.token_lifetime)
    return AccessToken(
        value,
        int(asked_at + lifetime),
        credentials.client_id,
        credentials.digest,
        audience(connection),
    )


def _members(received: Received) -> dict[str, Any]:
    try:
        value = json.loads(received.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _oauth_error(members: dict[str, Any]) -> str:
    """Return the `error` code of RFC 6749, section 5.2, if it looks like one."""
    error = members.get("error")
    return error if isinstance(error, str) and error.isidentifier() else ""


def _lifetime(expires_in: object, default: int) -> float:
    """Return a token's lifetime in seconds; what is no positive number gives the default."""
    try:
        seconds = float(str(expires_in))
    except ValueError:
        return default
    return seconds if 0 < seconds <= _MAX_LIFETIME else default


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
