"""Settings that look like secrets: they are not taken, and not shown where they are stored."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attendee_sync.rainfocus import templates

SHOWN = "(looks like a secret; not shown)"
_URLS = frozenset({"base_url", "path", "auth.token_url", "call.url"})
# Those of a server, in whose paths stand the names of tenants.
_SERVERS = frozenset({"base_url", "auth.token_url"})
_TENANT = re.compile(r"(?<=/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|$)", re.IGNORECASE)
_WRITTEN = tuple(
    f"{call}.{part}." for call in ("call", "token_call") for part in ("query", "headers", "body")
)


def paths_of(settings: Mapping[str, Any]) -> set[str]:
    """Return the paths of settings of a connection that look like a secret."""
    return {path for path, text in templates.texts_in(dict(settings)) if _is_secret(path, text)}


def without(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with a mask for each that looks like a secret; no mask can be stored."""
    return _masked(settings, paths_of(settings), "")


def _masked(members: Mapping[str, Any], hidden: set[str], prefix: str) -> dict[str, Any]:
    return {name: _mask(value, hidden, f"{prefix}{name}") for name, value in members.items()}


def _mask(value: Any, hidden: set[str], path: str) -> Any:
    if not any(each == path or each.startswith(f"{path}.") for each in hidden):
        return value
    return _masked(value, hidden, f"{path}.") if isinstance(value, dict) else templates.MASKED


def _is_secret(path: str, text: str) -> bool:
    if path in _URLS:
        named = _TENANT.sub("", text) if path in _SERVERS else text
        return templates.looks_secret("", named) or any(
            templates.looks_secret(name, value) for name, value in _parameters(text)
        )
    return path.startswith(("auth.parameters.", *_WRITTEN)) and templates.looks_secret(path, text)


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:  # no URL, which the settings tell
        return []
