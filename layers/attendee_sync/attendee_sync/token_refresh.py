"""Renewing access tokens before they run out, one fetch at a time for each connection."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from attendee_sync import access_token, aws
from attendee_sync.access_token import AccessToken, Cause, TokenNotGrantedError
from attendee_sync.connection import Connection
from attendee_sync.ledger import Ledger, LockedError
from attendee_sync.settings import Settings, SettingsUnavailableError

_ASK_SECONDS = 10.0
_THREADS = 10
_LOCK_SECONDS = 60  # longer than a fetch can take


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
    cause: Cause | None = None
    reason: str = ""


@dataclass(frozen=True)
class TokenRefresh:
    """Looks after the access tokens of a stack."""

    settings: Settings
    ledger: Ledger
    http: requests.Session
    interval: float  # seconds between two scheduled runs

    def run(self, only: str = "", refused: str = "") -> list[Result]:
        """Renew what ends within two intervals, or the one connection that is named.

        `refused` is the digest of a token that RainFocus did not take although it has not run
        out: if it is still the stored one, it is renewed. Connections are looked after side by
        side, so that none waits for another. Raises SettingsUnavailableError if they can't be
        listed; what concerns one of them is in its result.
        """
        connections = self.settings.connections()
        names = [only] if only else sorted(connections)
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(
                pool.map(lambda name: self._look_after(name, connections.get(name), refused), names)
            )

    def _look_after(self, name: str, text: str | None, refused: str) -> Result:
        try:
            with self.ledger.lock(f"access-token#{name}", _LOCK_SECONDS):
                return self._renew(name, text, refused)
        except LockedError:
            return Result(name, State.GOOD, reason="it is being renewed just now")
        except TokenNotGrantedError as error:
            cause, reason = error.cause, str(error)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            cause, reason = Cause.SETTINGS, f"the connection is not valid: {fields}"
        except SettingsUnavailableError as error:
            cause, reason = Cause.SETTINGS, str(error)
        except (BotoCoreError, ClientError) as error:
            cause, reason = Cause.NETWORK, f"AWS: {aws.cause(error)}"
        except Exception as error:  # noqa: BLE001 - one bad connection must not stop the others
            cause, reason = Cause.SETTINGS, f"internal error: {type(error).__name__}"
        return Result(name, State.FAILED, cause, reason)

    def _renew(self, name: str, text: str | None, refused: str) -> Result:
        if text is None:
            raise TokenNotGrantedError(Cause.SETTINGS, "there is no such connection")
        connection = Connection.model_validate_json(text)
        credentials = access_token.parse_credentials(
            self.settings.secret(f"credentials/{name}", max_age=0)
        )
        stored = self.settings.secret(f"access-token/{name}", max_age=0)
        token = access_token.parse(stored, connection)
        wanted = access_token.grant_digest(connection, credentials)
        is_refused = token is not None and token.digest == refused
        if token and token.granted_to == wanted and not is_refused and self._lives_on(token):
            return Result(name, State.GOOD)
        obtained, remark = access_token.obtain(self.http, connection, credentials)
        if is_refused:
            obtained = replace(obtained, replaces=refused)
        self.settings.put_secret(f"access-token/{name}", access_token.dump(obtained))
        return Result(name, State.REFRESHED, reason=remark)

    def _lives_on(self, token: AccessToken) -> bool:
        return token.seconds_left() > 2 * self.interval


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
