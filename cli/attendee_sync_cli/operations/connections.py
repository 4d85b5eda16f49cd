"""Connections: those there are, who uses them, and new settings with the secrets they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from attendee_sync.aws.settings import CONNECTIONS, DEFAULT, api_profile_of, credentials_of
from attendee_sync.mapping.destination import Destination
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.console import FailureError
from attendee_sync_cli.settings import secret_texts, setting_changes, setting_history, validation
from attendee_sync_cli.settings.setting_history import Change
from attendee_sync_cli.settings.validation import NotValidError, SettingFault
from attendee_sync_cli.stack.stack import Stack

# What is stored in the secrets of a connection before somebody enters anything, by their names.
SECRETS = {
    credentials_of: '{"client_id": "", "client_secret": ""}',
    api_profile_of: "{}",  # token_refresh writes what calls show of the credentials
}


@dataclass(frozen=True)
class StoredConnection:
    """A connection as it is stored, and the destinations that use it."""

    name: str
    text: str  # JSON
    settings: Connection | None  # None if they are not valid
    faults: Sequence[SettingFault]
    destinations: Sequence[str]

    def document(self) -> dict[str, Any]:
        """Return what programs read of it in a list."""
        return {
            "connection": self.name,
            "url": self.settings.url("") if self.settings else None,
            "auth": self.settings.auth.kind if self.settings else None,
            "destinations": list(self.destinations),
            "valid": self.settings is not None,
        }

    def shown(self) -> dict[str, Any]:
        """Return the settings as they are stored, with a mask for what looks like a secret."""
        return secret_texts.without(setting_changes.parsed(self.text))

    def rows(self) -> list[list[str]]:
        """Return path, value and origin of every setting, if they are valid; likewise masked."""
        if self.settings is None:
            return []
        given = setting_changes.parsed(self.text)
        hidden = secret_texts.paths_of(given)
        return [
            [path, secret_texts.SHOWN if path in hidden else value, origin]
            for path, value, origin in setting_changes.rows(self.settings, given)
        ]


@dataclass(frozen=True)
class Trial:
    """Settings that can be stored."""

    connection: str
    settings: Connection
    text: str
    before: str | None  # None if there is no such connection yet

    @property
    def changes(self) -> list[list[str]]:
        """Path, old and new value of what changes, as people may see it."""
        return setting_changes.shown_changes(self.before, self.settings)

    @property
    def reset(self) -> list[str]:
        """The settings that were set and are not any more, so that the default counts."""
        return setting_changes.reset(self.before, self.settings)

    def document(self) -> dict[str, Any]:
        """Return what programs read of it, once it is stored."""
        return {
            "connection": self.connection,
            "stored": bool(self.changes),
            "changes": setting_changes.document(self.changes),
        }


def listed(stack: Stack) -> list[StoredConnection]:
    """Return the connections of a stack in the order of their names."""
    users = users_of(stack)
    return [_stored(name, text, users) for name, text in sorted(stack.connections().items())]


def stored(stack: Stack, name: str) -> StoredConnection:
    """Return a connection. Raises FailureError if there is none of that name."""
    return _stored(name, stack.known_connection(name), users_of(stack))


def history(stack: Stack, name: str) -> list[Change]:
    """Return who stored a connection's settings, when, and what changed, the oldest first."""
    stack.known_connection(name)
    return setting_history.changes(stack.versions(CONNECTIONS, name), Connection)


def earlier(stack: Stack, name: str, version: str) -> str:
    """Return the settings of a version. Raises FailureError if there is none of that number."""
    stack.known_connection(name)
    return setting_history.text_of(stack.versions(CONNECTIONS, name), version)


def tried(stack: Stack, name: str, text: str) -> Trial:
    """Try settings. Raises NotValidError if they have a fault, FailureError for a secret."""
    before = stack.connection(name)
    if before is None:
        stack.described()  # of a stack that is not there, nobody would read them
    after = validation.read(Connection, text)
    if isinstance(after, list):
        raise NotValidError("The settings", after)
    _refuse_secrets(text)
    return Trial(name, after, setting_changes.compact(text), before)


def store(stack: Stack, trial: Trial) -> list[str]:
    """Store settings that were tried, if they change anything, and make secrets that are missing.

    Returns in words what was done about secrets.
    """
    if trial.changes:
        stack.put_connection(trial.connection, trial.text)
    done: list[str] = []
    for secret_of, text in SECRETS.items():
        name = secret_of(trial.connection)
        match stack.make_secret(name, text):
            case "made":
                done.append(f"Made the secret {stack.name}/{name}.")
            case "restored":
                done.append(
                    f"The secret {stack.name}/{name} was about to be deleted; it is restored "
                    "with what it held."
                )
    return done


def effects(stack: Stack, trial: Trial) -> list[str]:
    """Return in words what storing settings that were tried brings about."""
    users = users_of(stack).get(trial.connection, [])
    told = [
        f"Destinations that use it: {', '.join(users) or 'none'}. Deliveries go by it within a "
        "minute."
    ]
    before = validation.read(Connection, trial.before or "{}")
    if (
        isinstance(before, Connection)
        and before.deciding_settings() != trial.settings.deciding_settings()
    ):
        told.append(
            "Where attendees are stored, or as what, changes: who was delivered before is "
            "delivered again with the next push, also if nothing else changed."
        )
    if trial.connection == DEFAULT:
        told.append(setting_changes.KEPT_CONNECTION)
    return told


def users_of(stack: Stack) -> dict[str, list[str]]:
    """Return the names of the destinations that use a connection, by its name."""
    users: dict[str, list[str]] = {}
    for name, text in sorted(stack.destinations().items()):
        try:
            connection = Destination.model_validate_json(text).connection
        except ValidationError:
            members = setting_changes.parsed(text)
            connection = str(
                members.get("connection", Destination.model_fields["connection"].default)
            )
        users.setdefault(connection, []).append(name)
    return users


def _stored(name: str, text: str, users: Mapping[str, Sequence[str]]) -> StoredConnection:
    read = validation.read(Connection, text)
    settings, faults = (None, read) if isinstance(read, list) else (read, [])
    return StoredConnection(name, text, settings, faults, users.get(name, ()))


def _refuse_secrets(text: str) -> None:
    found = secret_texts.paths_of(setting_changes.parsed(text))
    if found:
        raise FailureError(
            f"What looks like a secret is no setting: {', '.join(sorted(found))}. `attendee-sync "
            "credentials set` stores secrets; {client_id}, {access_token} and others stand for "
            "them in `call` and `token_call`."
        )
