"""Renewing access tokens before they run out, one fetch at a time for each connection."""

import json
import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from attendee_sync import access_token, aws
from attendee_sync.access_token import AccessToken, Credentials, TokenNotGrantedError
from attendee_sync.connection import Connection
from attendee_sync.ledger import Ledger, LockedError
from attendee_sync.settings import Settings, SettingsUnavailableError

_ASK_SECONDS = 10.0
_LOCK_SECONDS = 30  # longer than a fetch can take


class State(Enum):
    """What became of a connection's token."""

    REFRESHED = "refreshed"
    GOOD = "good"  # it still was, or somebody else just renewed it
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What became of one connection's token, and if it failed, whose fault that is."""

    connection: str
    state: State
    cause: str = ""  # network, credentials, token_url or settings
    message: str = ""


class TokenRefresh:
    """Looks after the access tokens of a stack."""

    def __init__(
        self, settings: Settings, ledger: Ledger, http: requests.Session, interval: float
    ) -> None:
        """`interval` is the time between two scheduled runs in seconds."""
        self._settings = settings
        self._ledger = ledger
        self._http = http
        self._interval = interval

    def run(self, only: str = "", refused: str = "") -> list[Result]:
        """Renew what ends within two intervals, or the one connection that is named.

        `refused` is the digest of a token that RainFocus did not take although it has not run
        out: if it is still the stored one, it is renewed. Raises SettingsUnavailableError if the
        connections can't be listed; what concerns one of them is in its result.
        """
        connections = self._settings.connections()
        names = [only] if only else sorted(connections)
        return [self._look_after(name, connections.get(name), refused) for name in names]

    def _look_after(self, name: str, text: str | None, refused: str) -> Result:
        try:
            with self._ledger.lock(f"access-token#{name}", _LOCK_SECONDS):
                return self._renew(name, text, refused)
        except LockedError:
            return Result(name, State.GOOD)
        except TokenNotGrantedError as error:
            return Result(name, State.FAILED, error.cause, str(error))
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            return Result(name, State.FAILED, "settings", f"the connection is not valid: {fields}")
        except SettingsUnavailableError as error:
            return Result(name, State.FAILED, "settings", str(error))
        except (BotoCoreError, ClientError) as error:
            return Result(name, State.FAILED, "network", f"AWS: {aws.cause(error)}")

    def _renew(self, name: str, text: str | None, refused: str) -> Result:
        if text is None:
            raise TokenNotGrantedError("settings", "there is no such connection")
        connection = Connection.model_validate_json(text)
        credentials = access_token.parse_credentials(
            self._settings.secret(f"credentials/{name}", max_age=0)
        )
        if credentials is None:
            raise TokenNotGrantedError("credentials", "client id and secret are not stored yet")
        stored = self._settings.secret(f"access-token/{name}", max_age=0)
        token = access_token.parse(stored, connection)
        if token and self._is_good(token, credentials, refused):
            return Result(name, State.GOOD)
        fetched = access_token.fetch(self._http, connection, credentials)
        self._settings.put_secret(f"access-token/{name}", access_token.dump(fetched))
        return Result(name, State.REFRESHED)

    def _is_good(self, token: AccessToken, credentials: Credentials, refused: str) -> bool:
        return (
            token.digest != refused
            and token.credentials_digest == credentials.digest
            and token.expires_at - time.time() > 2 * self._interval
        )


class Request:
    """Asks the token-refresh function, in the background, to renew a token."""

    def __init__(self, client: Any, function: str) -> None:
        self._client = client
        self._function = function
        self._asked: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def __call__(self, connection: str, refused: str) -> None:
        """Ask once in ten seconds for the same connection and refused token.

        Raises botocore's errors.
        """
        now = time.monotonic()
        with self._lock:
            recent = {asked: at for asked, at in self._asked.items() if now - at < _ASK_SECONDS}
            if (connection, refused) in recent:
                return
            self._asked = recent | {(connection, refused): now}
        payload = json.dumps({"connection": connection, "refused": refused})
        self._client.invoke(
            FunctionName=self._function, InvocationType="Event", Payload=payload.encode()
        )
