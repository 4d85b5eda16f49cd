"""Reading settings and secrets: SSM parameters and Secrets Manager, cached for a minute.

One reader for all functions. It imports nothing but the standard library and botocore, because
ingest has no time for more, and unlike the usual caches it keeps the last value when a new one
can't be read: a moment without SSM must not turn pushes away.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync import aws

CACHE_SECONDS = 60.0
_PAUSE_SECONDS = 5.0  # after a failure, the last value serves
_MISSING_SECONDS = 5.0  # what is missing may be added at any moment
_ATTEMPTS = 2
_MAX_ENTRIES = 1_000
_NOT_FOUND = frozenset({"ParameterNotFound", "ResourceNotFoundException"})


class SettingsUnavailableError(Exception):
    """SSM or Secrets Manager did not answer, and no earlier value is known."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name} can't be read now: {cause}")


@dataclass(frozen=True)
class _Entry:
    value: str | None
    fresh_until: float
    read_at: float


class Settings:
    """The settings and secrets of one stack, by name. Safe to share between threads."""

    def __init__(
        self,
        stack: str,
        *,
        ssm: Any,
        secrets: Any,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stack = stack
        self._ssm = ssm
        self._secrets = secrets
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    @classmethod
    def of_stack(cls, stack: str) -> Self:
        """Return the settings of a stack, read with this process's own clients."""
        return cls(stack, ssm=aws.client("ssm"), secrets=aws.client("secretsmanager"))

    def destination(self, name: str) -> str | None:
        """Return the JSON text of a destination, or None if there is none of that name."""
        return self._parameter(f"/{self._stack}/destinations/{name}")

    def connection(self, name: str) -> str | None:
        """Return the JSON text of a connection, or None if there is none of that name."""
        return self._parameter(f"/{self._stack}/connections/{name}")

    def connections(self) -> dict[str, str]:
        """Return the JSON text of every connection by name, never cached.

        Raises SettingsUnavailableError.
        """
        path = f"/{self._stack}/connections"
        found: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            try:
                page = self._ssm.get_parameters_by_path(Path=path, **token)
            except (BotoCoreError, ClientError) as error:
                raise SettingsUnavailableError(path, aws.cause(error)) from error
            for parameter in page["Parameters"]:
                found[parameter["Name"].rsplit("/", 1)[-1]] = parameter["Value"]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def secret(
        self, name: str, *, stage: str = "AWSCURRENT", max_age: float | None = None
    ) -> str | None:
        """Return a secret's text, or None if it or that stage of it does not exist.

        `max_age` in seconds asks for a value that was read no longer ago than that.
        Raises SettingsUnavailableError.
        """
        secret_id = f"{self._stack}/{name}"

        def read() -> str:
            answer = self._secrets.get_secret_value(SecretId=secret_id, VersionStage=stage)
            return str(answer["SecretString"])

        return self._cached(f"{secret_id}#{stage}", read, max_age)

    def hash_key(self) -> str:
        """Return the key of the hashes that stand for people. Raises SettingsUnavailableError."""
        hash_key = self.secret("hash-key")
        if hash_key is None:
            raise SettingsUnavailableError("hash-key", "it does not exist")
        return hash_key

    def put_secret(self, name: str, text: str) -> None:
        """Make a text the current version of a secret, which is made if it does not exist.

        Raises SettingsUnavailableError.
        """
        secret_id = f"{self._stack}/{name}"
        try:
            self._put_secret(secret_id, text)
        except (BotoCoreError, ClientError) as error:
            raise SettingsUnavailableError(secret_id, aws.cause(error)) from error

    def _put_secret(self, secret_id: str, text: str) -> None:
        try:
            self._secrets.put_secret_value(SecretId=secret_id, SecretString=text)
        except ClientError as error:
            if aws.cause(error) not in _NOT_FOUND:
                raise
            self._secrets.create_secret(Name=secret_id, SecretString=text)

    def _parameter(self, name: str) -> str | None:
        def read() -> str:
            return str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])

        return self._cached(name, read, None)

    def _cached(self, key: str, read: Callable[[], str], max_age: float | None) -> str | None:
        now = self._clock()
        with self._lock:
            entry = self._entries.get(key)
        if (
            entry
            and now < entry.fresh_until
            and (max_age is None or now - entry.read_at <= max_age)
        ):
            return entry.value
        try:
            value = _attempt(read)
        except (BotoCoreError, ClientError) as error:
            if entry:
                self._keep(key, replace(entry, fresh_until=now + _PAUSE_SECONDS))
                return entry.value
            raise SettingsUnavailableError(key, aws.cause(error)) from error
        kept_for = CACHE_SECONDS if value is not None else _MISSING_SECONDS
        self._keep(key, _Entry(value, now + kept_for, now))
        return value

    def _keep(self, key: str, entry: _Entry) -> None:
        with self._lock:
            if len(self._entries) >= _MAX_ENTRIES:  # someone is trying out names
                self._entries.clear()
            self._entries[key] = entry


def _attempt(read: Callable[[], str]) -> str | None:
    for remaining in reversed(range(_ATTEMPTS)):
        try:
            return read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_FOUND:
                return None
            if not remaining:
                raise
        except BotoCoreError:
            if not remaining:
                raise
    return None
