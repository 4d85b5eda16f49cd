"""Reading settings and secrets: SSM parameters and Secrets Manager, cached for a minute.

One reader for all functions. It imports nothing but the standard library and botocore, because
ingest has no time for more, and unlike the usual caches it keeps the last value when a new one
can't be read: a moment without SSM must not turn pushes away.
"""

import copy
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from attendee_sync.aws import clients
from attendee_sync.aws.clients import Deadline, Timeouts

CACHE_SECONDS = 60.0
# The connection and the destination that a deploy makes, below template/, where it can't overwrite
# what people made of them.
DEFAULT = "default"
# Kinds of settings.
CONNECTIONS = "connections"
DESTINATIONS = "destinations"
# Secrets, by their names within a stack; each connection has two more.
HASH_KEY = "hash-key"
INGEST_TOKEN = "ingest-token"  # noqa: S105 - the secret's name
SENDERS = "senders"
_PAUSE_SECONDS = 5.0  # after a failure nothing is tried again; the last value serves, if any
_MISSING_SECONDS = 5.0  # what is missing may be added at any moment
_CURRENT = "AWSCURRENT"  # the stage of a secret's newest version
_ATTEMPTS = 2  # where no earlier value is known
_MAX_ENTRIES = 1_000
_MAX_BYTES = 4_000_000  # a secret has up to 64 KB
_MAX_UNKNOWN = 10  # names that do not exist, in the time that they are remembered
_NOT_FOUND = frozenset({"ParameterNotFound", "ResourceNotFoundException"})


def credentials_of(connection: str) -> str:
    """Return the name of the secret with what people entered for a connection."""
    return f"credentials/{connection}"


def api_profile_of(connection: str) -> str:
    """Return the name of the secret with what calls show of a connection's credentials."""
    return f"api-profile/{connection}"


def secret_id(stack: str, name: str) -> str:
    """Return a secret's id in Secrets Manager."""
    return f"{stack}/{name}"


def parameters_of(stack: str, kind: str, *, as_deployed: bool = False) -> str:
    """Return the path below which settings of a kind stand in SSM, as edited or as deployed."""
    return f"/{stack}/template/{kind}" if as_deployed else f"/{stack}/{kind}"


def parameter_of(stack: str, kind: str, name: str, *, as_deployed: bool = False) -> str:
    """Return the name of the SSM parameter with one setting, as edited or as deployed."""
    return f"{parameters_of(stack, kind, as_deployed=as_deployed)}/{name}"


class SettingsUnavailableError(Exception):
    """SSM or Secrets Manager did not answer, and no earlier value is known."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name} can't be read now: {cause}")


@dataclass(frozen=True)
class _Entry:
    value: str | None
    fresh_until: float
    tried_at: float
    fault: str = ""  # why there is no value

    @property
    def size(self) -> int:
        return len((self.value or "").encode())


class _Cache:
    """The entries that were kept last, by key, bounded in number and bytes."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}  # the oldest first
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> _Entry | None:
        with self._lock:
            return self._entries.get(key)

    def keep(self, key: str, entry: _Entry) -> None:
        with self._lock:
            self._drop(key)
            self._entries[key] = entry
            self._bytes += entry.size
            while len(self._entries) > _MAX_ENTRIES or self._bytes > _MAX_BYTES:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        dropped = self._entries.pop(key, None)
        self._bytes -= dropped.size if dropped else 0


class Settings:
    """The settings and secrets of one stack, by name. Safe to share between threads."""

    def __init__(
        self,
        stack: str,
        *,
        ssm: Any,
        secrets: Any,
        clock: Callable[[], float] = time.monotonic,
        kms_key: str = "",
    ) -> None:
        self._stack = stack
        self._kms_key = kms_key
        self._ssm = ssm
        self._secrets = secrets
        self._clock = clock
        self._cache = _Cache()
        self._unknown: deque[float] = deque(maxlen=_MAX_UNKNOWN)  # when one was looked for
        self._deadline = clients.NO_DEADLINE
        self._has_failed = False

    @classmethod
    def of_stack(
        cls, stack: str, timeouts: Timeouts = clients.PATIENT, *, kms_key: str = ""
    ) -> Self:
        """Return the settings of a stack, read with this process's own clients.

        `kms_key` is the ARN of the key of secrets that are made; without it, AWS's own is.
        """
        return cls(
            stack,
            ssm=clients.client("ssm", timeouts),
            secrets=clients.client("secretsmanager", timeouts),
            kms_key=kms_key,
        )

    def until(self, deadline: Deadline) -> Self:
        """Return the same settings, with the same cache, for work that must end in time.

        After a first read that failed, they serve every value that is held as it is.
        """
        bounded = copy.copy(self)
        bounded._deadline = deadline
        return bounded

    def destination(self, name: str) -> str | None:
        """Return the JSON text of a destination, or None if there is none of that name."""
        return self._setting(DESTINATIONS, name)

    def connection(self, name: str) -> str | None:
        """Return the JSON text of a connection, or None if there is none of that name."""
        return self._setting(CONNECTIONS, name)

    def connections(self) -> dict[str, str]:
        """Return the JSON text of every connection by name, never cached.

        Raises SettingsUnavailableError.
        """
        deployed = self._below(parameters_of(self._stack, CONNECTIONS, as_deployed=True))
        return deployed | self._below(parameters_of(self._stack, CONNECTIONS))

    def _below(self, path: str) -> dict[str, str]:
        found: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            try:
                page = self._ssm.get_parameters_by_path(Path=path, **token)
            except (BotoCoreError, ClientError) as error:
                raise SettingsUnavailableError(path, clients.cause(error)) from error
            for parameter in page["Parameters"]:
                found[parameter["Name"].rsplit("/", 1)[-1]] = parameter["Value"]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def secret(
        self, name: str, *, stage: str = _CURRENT, max_age: float | None = None
    ) -> str | None:
        """Return a secret's text, or None if it or that stage of it does not exist.

        `max_age` in seconds asks for a value that was read, or at least asked for, no longer ago
        than that. Another stage than the current one is never older than what is known of that,
        since both change at once. Raises SettingsUnavailableError.
        """
        id_ = secret_id(self._stack, name)
        if stage != _CURRENT and (current := self._cache.get(f"{id_}#{_CURRENT}")):
            age = self._clock() - current.tried_at
            max_age = age if max_age is None else min(age, max_age)

        def read() -> str:
            answer = self._secrets.get_secret_value(SecretId=id_, VersionStage=stage)
            return str(answer["SecretString"])

        return self._cached(f"{id_}#{stage}", read, max_age)

    def hash_key(self) -> str:
        """Return the key of the hashes that stand for people. Raises SettingsUnavailableError."""
        hash_key = self.secret(HASH_KEY)
        if hash_key is None:
            raise SettingsUnavailableError(HASH_KEY, "it does not exist")
        return hash_key

    def put_secret(self, name: str, text: str) -> None:
        """Make a text the current version of a secret, which is made if it does not exist.

        Raises SettingsUnavailableError.
        """
        id_ = secret_id(self._stack, name)
        try:
            self._put_secret(id_, text)
        except (BotoCoreError, ClientError) as error:
            raise SettingsUnavailableError(id_, clients.cause(error)) from error

    def _put_secret(self, id_: str, text: str) -> None:
        try:
            self._secrets.put_secret_value(SecretId=id_, SecretString=text)
        except ClientError as error:
            if clients.cause(error) not in _NOT_FOUND:
                raise
            key = {"KmsKeyId": self._kms_key} if self._kms_key else {}
            self._secrets.create_secret(Name=id_, SecretString=text, **key)

    def _setting(self, kind: str, name: str) -> str | None:
        edited = parameter_of(self._stack, kind, name)

        def read() -> str:
            try:
                return self._parameter(edited)
            except ClientError as error:
                if name != DEFAULT or clients.cause(error) not in _NOT_FOUND:
                    raise
                return self._parameter(parameter_of(self._stack, kind, name, as_deployed=True))

        return self._cached(edited, read, None)

    def _parameter(self, name: str) -> str:
        return str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])

    def _cached(self, key: str, read: Callable[[], str], max_age: float | None) -> str | None:
        now = self._clock()
        entry = self._cache.get(key)
        if (
            entry
            and now < entry.fresh_until
            and (max_age is None or now - entry.tried_at <= max_age)
        ):
            return _value(key, entry)
        held = entry if entry and not entry.fault else None
        if why := self._reason_not_to_read(key, held, now):
            if held is None:
                raise SettingsUnavailableError(_shown(key), why)
            return self._keep(key, replace(held, fresh_until=now + _PAUSE_SECONDS, tried_at=now))
        try:
            value = self._attempt(read, attempts=1 if held else _ATTEMPTS)
        except (BotoCoreError, ClientError) as error:
            self._has_failed = self._deadline is not clients.NO_DEADLINE
            known = held or _Entry(None, now, now, clients.cause(error))
            paused_until = self._clock() + _PAUSE_SECONDS
            return self._keep(key, replace(known, fresh_until=paused_until, tried_at=now))
        if value is None and _is_setting(key):
            self._unknown.append(now)
        kept_for = CACHE_SECONDS if value is not None else _MISSING_SECONDS
        return self._keep(key, _Entry(value, now + kept_for, now))

    def _reason_not_to_read(self, key: str, held: _Entry | None, now: float) -> str:
        """Return why a call would be too late or one too many, or nothing."""
        # What is held must leave time for the call that the settings are read for.
        if not self._deadline.allows(2 if held else 1):
            return "out of time"
        if held and self._has_failed:
            return "another read failed"
        is_guess = _is_setting(key) and (held is None or held.value is None)
        tried = self._unknown
        if not is_guess or len(tried) < _MAX_UNKNOWN or now >= tried[0] + _MISSING_SECONDS:
            return ""
        # However many are tried, one look a second may be for a name that does exist.
        return "" if now >= tried[-1] + 1 else "too many names that do not exist"

    def _attempt(self, read: Callable[[], str], attempts: int) -> str | None:
        """Return what is read, or None if it does not exist; raises botocore's errors."""
        while True:
            attempts -= 1
            try:
                return read()
            except (BotoCoreError, ClientError) as error:
                if isinstance(error, ClientError) and clients.cause(error) in _NOT_FOUND:
                    return None
                if not attempts or not self._deadline.allows():
                    raise

    def _keep(self, key: str, entry: _Entry) -> str | None:
        self._cache.keep(key, entry)
        return _value(key, entry)


def _value(key: str, entry: _Entry) -> str | None:
    """Return an entry's value. Raises SettingsUnavailableError if it has none for a fault."""
    if entry.fault:
        raise SettingsUnavailableError(_shown(key), entry.fault)
    return entry.value


def _shown(key: str) -> str:
    """Return a key as a log may show it: a setting's name that is not known could hold anything."""
    kind, _, name = key.rpartition("/")
    return kind if _is_setting(key) and name != DEFAULT else key


def _is_setting(key: str) -> bool:
    """Tell a setting, whose name a sender may choose, from a secret."""
    return key.startswith("/")
