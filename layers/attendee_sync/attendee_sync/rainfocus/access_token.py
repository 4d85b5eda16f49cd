"""Access tokens: what one is, and what is kept of it between token_refresh and delivery."""

import functools
import hashlib
import json
import math
import time
from dataclasses import dataclass, replace
from enum import StrEnum

from attendee_sync.rainfocus.connection import Connection, TokenCall

TOKEN_MARGIN = 5.0  # seconds before its end from which a token is not used any more
_USUAL_CALL = TokenCall()


@dataclass(frozen=True)
class Credentials:
    """What RainFocus generated for an API profile. What it did not is empty."""

    client_id: str = ""
    client_secret: str = ""
    profile_token: str = ""


@dataclass(frozen=True)
class AccessToken:
    """What a call shows to RainFocus, and what it is good for.

    What people entered of it, client id and profile token, is kept apart: see complete().
    """

    value: str  # empty without OAuth
    expires_at: int | None  # epoch seconds; None: never
    issued_at: int  # epoch seconds
    granted_to: str  # digest of the credentials and settings with which it was asked for
    audience: str  # the API that it was issued for; see audience()
    shown: str  # digest of the client id and profile token that go with it; see shown_digest()
    replaces: str = ""  # digest of a token that RainFocus refused, if that is why it was fetched
    client_id: str = ""
    profile_token: str = ""

    @property
    def digest(self) -> str:
        """A name for the token that does not give it away."""
        return _digest(self.value, self.shown, str(self.issued_at))

    @property
    def lifetime(self) -> float:
        """How long it lives from its beginning to its end, in seconds."""
        return math.inf if self.expires_at is None else self.expires_at - self.issued_at

    def seconds_left(self) -> float:
        """Return how long it lives yet."""
        return math.inf if self.expires_at is None else self.expires_at - time.time()


class TokenFault(StrEnum):
    """Whose fault it is that no token was granted."""

    NETWORK = "network"  # the token endpoint can't be reached, or is out of order
    CREDENTIALS = "credentials"
    TOKEN_URL = "token_url"  # noqa: S105 - what answers there is no token endpoint
    SETTINGS = "settings"  # how the token is asked for, or what is stored in AWS
    AWS = "aws"  # AWS did not read or write something: a quota, a permission, an outage


class TokenNotGrantedError(Exception):
    """No token was granted. The text holds nothing that was sent, and of the answer codes only."""

    def __init__(self, cause: TokenFault, message: str) -> None:
        super().__init__(message)
        self.cause = cause


def audience(connection: Connection) -> str:
    """Return what a connection's tokens are good for: tokens of stg don't work in prod."""
    return f"{connection.base}/{connection.org_id}"


def grant_digest(connection: Connection, credentials: Credentials) -> str:
    """Return what changes when a token must be asked for anew, without giving anything away."""
    asked = [connection.auth.model_dump_json()]
    if connection.token_call != _USUAL_CALL:  # as before there was one: no token is asked for anew
        asked.append(connection.token_call.model_dump_json())
    return _digest(*asked, *vars(credentials).values())


@functools.lru_cache(maxsize=16)
def shown_digest(credentials: Credentials) -> str:
    """Return a digest of what calls show of credentials."""
    return _digest(credentials.client_id, credentials.profile_token)


def parse(text: str | None, connection: Connection) -> AccessToken | None:
    """Return a token that was stored, or None if it is none for the connection."""
    if not text:
        return None
    try:
        members = json.loads(text)
        members["issued_at"] = int(members["issued_at"])
        if members["expires_at"] is not None:
            members["expires_at"] = int(members["expires_at"])
        token = AccessToken(**members)
    except (ValueError, TypeError, KeyError):
        return None
    return token if token.audience == audience(connection) else None


def dump(token: AccessToken) -> str:
    """Return the text that is stored of a token: nothing that people entered."""
    entered = ("client_id", "profile_token")
    return json.dumps({name: value for name, value in vars(token).items() if name not in entered})


def complete(token: AccessToken, shown: Credentials) -> AccessToken | None:
    """Return a stored token with what a call shows beside it, or None if they don't fit."""
    if token.shown != shown_digest(shown):
        return None
    return replace(token, client_id=shown.client_id, profile_token=shown.profile_token)


def dump_shown(credentials: Credentials) -> str:
    """Return the text of an api-profile secret: what calls show, without the client secret."""
    shown = {"client_id": credentials.client_id, "profile_token": credentials.profile_token}
    return json.dumps(shown)


@functools.lru_cache(maxsize=16)
def parse_credentials(text: str | None) -> Credentials:
    """Return the credentials of a secret; what is not entered yet is empty."""
    if not text:
        return Credentials()
    try:
        members = json.loads(text)
        return Credentials(
            **{
                name: str(members.get(name) or "").strip()
                for name in ("client_id", "client_secret", "profile_token")
            }
        )
    except (ValueError, AttributeError):
        return Credentials()


def made_for(
    connection: Connection, credentials: Credentials, value: str, now: int, lifetime: float | None
) -> AccessToken:
    """Return a token that was asked for now, an epoch second; `lifetime` in seconds, or endless."""
    return AccessToken(
        value=value,
        expires_at=None if lifetime is None else int(now + lifetime),
        issued_at=now,
        granted_to=grant_digest(connection, credentials),
        audience=audience(connection),
        shown=shown_digest(credentials),
        client_id=credentials.client_id,
        profile_token=credentials.profile_token,
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
