"""Renewing access tokens before they run out, one fetch at a time for each connection."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import Enum

import requests
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from attendee_sync.aws import clients
from attendee_sync.aws.lock import LockedError
from attendee_sync.aws.settings import Settings, SettingsUnavailableError, credentials_of
from attendee_sync.rainfocus import access_token, token_endpoint
from attendee_sync.rainfocus.access_token import (
    AccessToken,
    Credentials,
    TokenFault,
    TokenNotGrantedError,
)
from attendee_sync.rainfocus.connection import Connection, connection_of, faults_of
from attendee_sync.rainfocus.token_store import TokenStore

# Connections looked after at once; each may wait for minutes.
_THREADS = 100
# From a run's planned time to the moment at which it has renewed a token at the latest: EventBridge
# Scheduler starts it within a minute, then come a cold start and a fetch.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_LATE_SECONDS = 60.0 + 30.0
_RETRY_SECONDS = 10.0
_LONGEST_LOOK_SECONDS = 60.0
# Of a token that ends soon: it ends within an hour, and is far beyond the half of its life at which
# it should have been renewed.
_SOON_SECONDS = 3600.0
_LITTLE_LIFE = 0.25
_PASSING = frozenset({TokenFault.NETWORK, TokenFault.AWS})


class TokenState(Enum):
    """What became of a connection's token."""

    REFRESHED = "refreshed"
    GOOD = "good"  # it still was, or somebody else just renewed it
    FAILED = "failed"


@dataclass(frozen=True)
class TokenResult:
    """What became of one connection's token, and if it failed, whose fault that is."""

    connection: str
    state: TokenState
    cause: TokenFault | None = None
    reason: str = ""
    # Beside what became of it: of the token that there is now, if one is known that ends.
    seconds_left: float | None = field(default=None, compare=False)
    ends_soon: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class TokenRefresh:
    """Looks after the access tokens of a stack."""

    settings: Settings
    tokens: TokenStore
    http: requests.Session
    interval: float  # seconds between two scheduled runs

    def run(
        self, only: str = "", refused: str = "", *, is_forced: bool = False
    ) -> list[TokenResult]:
        """Renew what has lived for half its time, or would not outlive the next scheduled run.

        That is of all connections, or of the one that is named. `refused` is the digest of a token
        that RainFocus did not take although it has not run out: if it is still the stored one, it
        is renewed. With `is_forced` a good token is renewed too, and credentials are tried that
        were refused lately. Connections are looked after side by side, so that none waits for
        another. Raises SettingsUnavailableError if they can't be listed; what concerns one of them
        is in its result.
        """
        connections = self.settings.connections()
        names = [only] if only else sorted(connections)
        with ThreadPoolExecutor(_THREADS) as pool:
            looks = pool.map(
                lambda name: self._look(name, connections.get(name), refused, is_forced=is_forced),
                names,
            )
            return [_with_end(result, token) for result, token in looks]

    def watch(
        self, seconds_left: Callable[[], float], report: Callable[[TokenResult], None]
    ) -> list[TokenResult]:
        """Do what run() does for all connections, and stay with tokens of the shortest lives.

        A schedule can't start a run more often than once a minute. So a token that even when new
        does not outlive the next run is renewed in this one until then. `report` gets each result
        at once, on any thread. Raises SettingsUnavailableError.
        """
        connections = self.settings.connections()

        def look_after(name: str) -> list[TokenResult]:
            results = []
            for result, wait in self.looks(name, connections[name]):
                report(result)
                results.append(result)
                if not wait or seconds_left() < wait + _LONGEST_LOOK_SECONDS:
                    break
                time.sleep(wait)
            return results

        with ThreadPoolExecutor(_THREADS) as pool:
            return [each for some in pool.map(look_after, sorted(connections)) for each in some]

    def looks(self, name: str, text: str) -> Iterator[tuple[TokenResult, float]]:
        """Look after one connection's token until the next scheduled run has done so.

        Yields what became of it, and the seconds to wait before the next look; 0 after the last.
        """
        until = time.time() + self.interval + _LATE_SECONDS
        wait = 1.0
        while wait:
            result, token = self._look(name, text)
            wait = _wait(result, token, until)
            yield _with_end(result, token), wait

    def _look(
        self, name: str, text: str | None, refused: str = "", *, is_forced: bool = False
    ) -> tuple[TokenResult, AccessToken | None]:
        """Renew a connection's token if need be; return the one that there is then, if known."""
        token = None
        try:
            connection, credentials = self._read(name, text)
            grant = access_token.grant_digest(connection, credentials)
            token = self.tokens.stored(connection)
            if not is_forced and self._is_good(token, grant, refused):
                self.tokens.keep_shown(name, credentials)
                return TokenResult(name, TokenState.GOOD), token
            with self.tokens.lock(name):
                token = self.tokens.stored(connection)
                if not is_forced and self._is_good(token, grant, refused):
                    return TokenResult(
                        name, TokenState.GOOD, reason="it was renewed just now"
                    ), token
                obtained, remark = self._obtain(connection, credentials, is_forced=is_forced)
                if token and token.digest == refused:
                    obtained = replace(obtained, replaces=refused)
                self.tokens.store(name, obtained, credentials)
                return TokenResult(name, TokenState.REFRESHED, reason=remark), obtained
        except LockedError:
            return TokenResult(name, TokenState.GOOD, reason="it is being renewed just now"), None
        except Exception as error:  # noqa: BLE001 - one bad connection must not stop the others
            cause, reason = _fault(error)
            return TokenResult(name, TokenState.FAILED, cause, reason), token

    def _obtain(
        self, connection: Connection, credentials: Credentials, *, is_forced: bool
    ) -> tuple[AccessToken, str]:
        """Return a new token and a remark; don't ask with credentials that were refused lately."""
        grant = access_token.grant_digest(connection, credentials)
        reason = "" if is_forced else self.tokens.refusal(connection.name, grant)
        if reason:
            raise TokenNotGrantedError(TokenFault.CREDENTIALS, reason)
        try:
            return token_endpoint.obtain(self.http, connection, credentials)
        except TokenNotGrantedError as error:
            if error.cause is TokenFault.CREDENTIALS:
                self.tokens.note_refusal(connection.name, grant, str(error))
            raise

    def _read(self, name: str, text: str | None) -> tuple[Connection, Credentials]:
        if text is None:
            raise TokenNotGrantedError(TokenFault.SETTINGS, "there is no such connection")
        connection = connection_of(name, text)
        secret = self.settings.secret(credentials_of(name), max_age=0)
        return connection, access_token.parse_credentials(secret)

    def _is_good(self, token: AccessToken | None, grant: str, refused: str) -> bool:
        """Tell whether a token may stay, given the digest of what one is granted to now.

        It may for half of its life, so that there is as much again for an endpoint that is out of
        order; for less where that is the only way to outlive the next scheduled run.
        """
        if token is None or token.granted_to != grant or token.digest == refused:
            return False
        if token.expires_at is None:
            return True
        to_next_run = self.interval + _LATE_SECONDS
        needed = token.lifetime / 2
        if token.lifetime > to_next_run:
            needed = max(needed, to_next_run)
        return token.seconds_left() > needed


def _with_end(result: TokenResult, token: AccessToken | None) -> TokenResult:
    """Return what became of a token, with when it ends."""
    if token is None or token.expires_at is None:
        return result
    left = max(token.seconds_left(), 0.0)
    ends_soon = left < min(_SOON_SECONDS, _LITTLE_LIFE * token.lifetime)
    return replace(result, seconds_left=left, ends_soon=ends_soon)


def _wait(result: TokenResult, token: AccessToken | None, until: float) -> float:
    """Return the seconds to the next look at a token that ends before `until`; 0 for no look."""
    now = time.time()
    if token is None:  # the lock is another's, or nothing is known of a token to keep alive
        wait = _RETRY_SECONDS if result.state is TokenState.GOOD else 0.0
    elif token.expires_at is None or token.expires_at > until:
        wait = 0.0
    elif result.state is TokenState.FAILED:
        wait = _RETRY_SECONDS if result.cause in _PASSING else 0.0
    else:
        wait = max(token.seconds_left() - token.lifetime / 2, _RETRY_SECONDS / 2)
    return wait if now + wait < until else 0.0


def _fault(error: Exception) -> tuple[TokenFault, str]:
    """Return whose fault an error is, and what is said of it: never what was sent."""
    match error:
        case TokenNotGrantedError():
            return error.cause, str(error)
        case ValidationError():
            return TokenFault.SETTINGS, f"the connection is not valid: {faults_of(error)}"
        case SettingsUnavailableError():
            return TokenFault.AWS, str(error)
        case BotoCoreError() | ClientError():
            return TokenFault.AWS, f"the token table can't be used now: {clients.cause(error)}"
        case _:
            return TokenFault.SETTINGS, f"internal error: {type(error).__name__}"
