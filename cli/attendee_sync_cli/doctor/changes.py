"""Changes of a connection's settings, as they are tried, told and stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue, ValidationError

from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.settings import setting_changes

type Path = tuple[str, ...]
type Value = JsonValue
type Document = Mapping[str, Any]

_LONGEST = 60  # characters of a value that are told


@dataclass(frozen=True)
class Change:
    """New values of settings by their paths; null brings a default back.

    The first is the one to name; mostly there is one.
    """

    values: tuple[tuple[Path, Value], ...]
    parts: tuple["Change", ...] = ()  # it is made of; one of them may do
    is_guess: bool = False  # even if it leads to what looks like a success

    @property
    def setting(self) -> str:
        """Path of the setting, such as api_profile.place."""
        return ".".join(self.values[0][0])

    @property
    def words(self) -> str:
        """What is set to what."""
        return " and ".join(
            f"{'.'.join(path)} = {_shown(value)}"
            for path, value in self.values
            if value is not None
        )

    def touches(self, section: str) -> bool:
        """Tell whether a setting of a section such as auth changes."""
        return any(path[0] == section for path, _ in self.values)

    def needed(self, connection: Connection) -> "Change":
        """Return the change without the values that a connection has already."""
        known: Any = connection.model_dump(mode="json")
        kept = [
            each for each in self.values if each[1] is None or value_at(known, each[0]) != each[1]
        ]
        return replace(self, values=tuple(kept) or self.values)

    def applied(self, document: Document) -> dict[str, Any]:
        """Return settings, as they are stored, with the change."""
        changed = dict(document)
        for path, value in self.values:
            changed = setting_changes.put(changed, path, value, remove=value is None)
        return changed


def of(path: str, value: Value) -> Change:
    """Return the change of one setting, given by a path such as api_profile.place."""
    return Change(((tuple(path.split(".")), value),))


def both(*given: Change) -> Change:
    """Return several changes as one."""
    return Change(tuple(value for each in given for value in each.values))


def any_of(*parts: Change) -> Change:
    """Return several changes as one, of which one may do."""
    return Change(both(*parts).values, parts)


def as_header(name: str, text: str) -> Change:
    """Return the change that adds a header to calls."""
    return Change(((("call", "headers", name), text),))


def as_parameter(name: str, text: str) -> Change:
    """Return the change that adds a query parameter to calls."""
    return Change(((("call", "query", name), text),))


def moved(change: Change) -> Change:
    """Return a change that shows the token elsewhere, without its usual header."""
    return both(change, as_header("Authorization", ""))


def as_name(field: str, name: str) -> Change:
    """Return the change of what an attendee field is called."""
    return Change(((("fields", "names", field), name),))


def as_names(names: Mapping[str, str]) -> Change:
    """Return the change of what several attendee fields are called."""
    return both(*(as_name(field, name) for field, name in names.items()))


def connection_of(document: Document, name: str) -> Connection | None:
    """Return the connection that settings make, or None if they are not valid."""
    try:
        return Connection.model_validate(document).named(name)
    except ValidationError:
        return None


def now(connection: Connection, path: Path) -> str:
    """Return the value that a setting has, for people."""
    return _shown(value_at(connection.model_dump(mode="json"), path))


def value_at(value: Any, path: Path) -> Any:
    """Return what stands at a path in settings, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _shown(value: object) -> str:
    if value in ("", None, [], {}):
        return "(empty)"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
