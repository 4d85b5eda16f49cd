"""The settings of a connection that people change most as a form, in Adobe's words, and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData

from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.settings import descriptions, secret_texts, setting_changes, validation
from attendee_sync_cli.settings.validation import SettingFault
from attendee_sync_cli.web_console import page
from attendee_sync_cli.web_console.settings_form import FormField, Kind, fault_at, value_at


@dataclass(frozen=True)
class _Spec:
    path: str
    label: str
    kind: Kind


_FIELDS: Final = (
    _Spec("environment", "Environment", "select"),
    _Spec("org_id", "Org ID", "text"),
    _Spec("base_url", "Base URL", "text"),
    _Spec("preset", "Preset", "select"),
    _Spec("version", "API version", "select"),
    _Spec("auth.kind", "Authentication", "select"),
    _Spec("auth.token_url", "Token URL", "text"),
    _Spec("auth.client_auth", "How the client is authenticated", "select"),
    _Spec("auth.scope", "Scope", "text"),
    _Spec("limits.requests_per_second", "Calls a second", "text"),
)
_NUMBERS = frozenset({"limits.requests_per_second"})
_DEFAULTS: Final[Mapping[str, Any]] = Connection(org_id="-").model_dump(
    mode="json", exclude={"org_id"}
)


def fields(text: str | None, faults: Sequence[SettingFault] = ()) -> list[FormField]:
    """Return the form for a connection's settings as they are stored; None: there are none yet.

    What looks like a secret is not shown; left empty it stays as it is.
    """
    return [
        FormField(
            spec.path,
            spec.label,
            spec.kind,
            _shown(text, spec.path),
            _help(text, spec.path),
            fault_at(spec.path, faults, first=spec.path == "auth.kind"),
            descriptions.choices(Connection, spec.path),
        )
        for spec in _FIELDS
    ]


def settings_in(form: FormData, text: str | None) -> dict[str, Any]:
    """Return stored settings with what a form says differently."""
    members = setting_changes.parsed(text or "{}")
    for spec in _FIELDS:
        given = page.field(form, spec.path)
        if given == _shown(text, spec.path):
            continue
        value = _number(given) if spec.path in _NUMBERS else given
        is_default = value == value_at(_DEFAULTS, spec.path) and not members.get("preset")
        members = setting_changes.put(members, spec.path.split("."), value, remove=is_default)
    return members


def _shown(text: str | None, path: str) -> str:
    """Return a setting as the form has it at first."""
    members = setting_changes.parsed(text or "{}")
    if path in secret_texts.paths_of(members):
        return ""
    read = validation.read(Connection, text or "{}")
    known = read.model_dump(mode="json") if isinstance(read, Connection) else members
    value = value_at(known, path)
    if value is None:
        value = value_at(_DEFAULTS, path)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _help(text: str | None, path: str) -> str:
    told = descriptions.description(Connection, path)
    if path in secret_texts.paths_of(setting_changes.parsed(text or "{}")):
        return f"{told} What is stored {secret_texts.SHOWN.strip('()')}; empty leaves it."
    return told


def _number(text: str) -> object:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
