"""Storing RainFocus's credentials. They come in, and never out again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from attendee_sync.aws.settings import api_profile_of, credentials_of
from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import Credentials
from attendee_sync_cli.stack.stack import Stack


@dataclass(frozen=True)
class Stored:
    """What became of credentials that were given."""

    is_changed: bool  # else nothing new was given
    words: str  # which of them are set now
    secret: str  # its name


def cleaned(text: str) -> str:
    """Return a credential without blanks around it. Raises ValueError, which does not tell it."""
    stripped = text.strip()
    if not stripped.isprintable():
        raise ValueError("credentials hold no control characters")
    return stripped


def store(stack: Stack, connection: str, given: Mapping[str, str]) -> Stored:
    """Store client_id, client_secret and profile_token.

    What is empty or left out stays as it is stored. Raises FailureError if there is no such
    connection.
    """
    stack.known_connection(connection)
    secret = credentials_of(connection)
    before = access_token.parse_credentials(stack.secret(secret))
    after = replace(before, **{name: text for name, text in given.items() if text})
    if after != before:
        stack.put_secret(secret, json.dumps(asdict(after)))
        stack.make_secret(api_profile_of(connection), "{}")
    return Stored(after != before, _words(after), f"{stack.name}/{secret}")


def _words(credentials: Credentials) -> str:
    return ", ".join(
        f"{name} {'set' if value else 'empty'}" for name, value in asdict(credentials).items()
    )
