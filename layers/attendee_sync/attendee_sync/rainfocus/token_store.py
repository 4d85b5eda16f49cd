"""Where access tokens are kept: what is renewed often in a table, what people entered in secrets.

Secrets Manager keeps at most 100 versions of a secret and removes none that is younger than a day
(https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html), so that a
token can't be written there every few minutes. What a call shows beside the token, client id and
profile token, stays there, in a secret of its own that holds no client secret: delivery reads it.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws.lock import lock
from attendee_sync.aws.settings import CACHE_SECONDS, Settings, api_profile_of
from attendee_sync.rainfocus import access_token
from attendee_sync.rainfocus.access_token import AccessToken, Credentials
from attendee_sync.rainfocus.connection import Connection

_LOCK_SECONDS = 60  # longer than a fetch can take
# Credentials that were refused are not tried again for so long, unless they change: an account
# may be locked after a few wrong ones.
REFUSAL_SECONDS = 900
_FIT_SECONDS = 1.0  # so often a secret is read again for a token that does not fit


class TokenStore:
    """The access tokens of one stack, by connection. Safe to share between threads."""

    def __init__(
        self,
        client: Any,
        table: str,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._table = table
        self._settings = settings
        self._clock = clock
        self._kept: dict[str, tuple[str | None, float]] = {}  # with the time of reading

    def usable(self, connection: Connection, max_age: float = CACHE_SECONDS) -> AccessToken | None:
        """Return a connection's token with all that a call shows, or None if there is none yet.

        `max_age` in seconds asks for one that was read no longer ago than that. While it can't be
        read, the last one serves. Raises SettingsUnavailableError and botocore's errors.
        """
        token = access_token.parse(self._cached(connection.name, max_age), connection)
        if token is None:
            return None
        # Of two writes the secret's comes first: it may be newer than what is kept of it here.
        return self._complete(connection.name, token, None) or self._complete(
            connection.name, token, _FIT_SECONDS
        )

    def stored(self, connection: Connection) -> AccessToken | None:
        """Return a connection's token as the table holds it now, without what calls show.

        Raises botocore's errors.
        """
        return access_token.parse(self.text(connection.name), connection)

    def text(self, name: str) -> str | None:
        """Return what the table holds now for a connection. Raises botocore's errors."""
        answer = self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        text = answer.get("Item", {}).get("token", {}).get("S")
        return None if text is None else str(text)

    def store(self, name: str, token: AccessToken, credentials: Credentials) -> None:
        """Store a token, and before it what calls show of the credentials that it was granted to.

        Raises SettingsUnavailableError and botocore's errors.
        """
        self.keep_shown(name, credentials)
        item = _key(name) | {"token": {"S": access_token.dump(token)}}
        if token.expires_at is not None:
            item["expires_at"] = {"N": str(token.expires_at)}
        self._client.put_item(TableName=self._table, Item=item)

    def note_refusal(self, name: str, grant: str, reason: str) -> None:
        """Note that a connection's credentials were refused, in words that hold none of them.

        Raises botocore's errors.
        """
        now = int(time.time())
        self._client.put_item(
            TableName=self._table,
            Item=_refusal_key(name)
            | {
                "grant": {"S": grant},
                "reason": {"S": reason},
                "expires_at": {"N": str(now + REFUSAL_SECONDS)},
            },
        )

    def refusal(self, name: str, grant: str) -> str:
        """Return how credentials were refused lately, by their digest; empty if they were not.

        Raises botocore's errors.
        """
        answer = self._client.get_item(
            TableName=self._table, Key=_refusal_key(name), ConsistentRead=True
        )
        item = answer.get("Item", {})
        is_over = int(item.get("expires_at", {}).get("N", 0)) <= time.time()
        is_other = item.get("grant", {}).get("S") != grant
        return "" if is_over or is_other else str(item["reason"]["S"])

    def keep_shown(self, name: str, credentials: Credentials) -> None:
        """Write what calls show of credentials if it is not what is stored.

        Raises SettingsUnavailableError.
        """
        stored = access_token.parse_credentials(
            self._settings.secret(api_profile_of(name), max_age=0)
        )
        if access_token.shown_digest(stored) != access_token.shown_digest(credentials):
            self._settings.put_secret(api_profile_of(name), access_token.dump_shown(credentials))

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock under which a connection's token is renewed. Raises LockedError."""
        return lock(self._client, self._table, name, _LOCK_SECONDS)

    def _cached(self, name: str, max_age: float) -> str | None:
        now = self._clock()
        text, read_at = self._kept.get(name, (None, float("-inf")))
        if now - read_at <= max_age:
            return text
        try:
            text = self.text(name)
        except (BotoCoreError, ClientError):
            if name not in self._kept:
                raise
        self._kept[name] = (text, now)
        return text

    def _complete(self, name: str, token: AccessToken, max_age: float | None) -> AccessToken | None:
        text = self._settings.secret(api_profile_of(name), max_age=max_age)
        return access_token.complete(token, access_token.parse_credentials(text))


def _refusal_key(name: str) -> dict[str, dict[str, str]]:
    return {"key": {"S": f"token#{name}#refused"}}  # no name holds #


def _key(name: str) -> dict[str, dict[str, str]]:
    return {"key": {"S": f"token#{name}"}}
