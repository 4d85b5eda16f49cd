"""Settings of a destination, made of options of a command."""

import json
from collections.abc import Sequence
from typing import Any

import typer

from attendee_sync.mapping.destination import Destination
from attendee_sync_cli.settings import audience_filter, setting_changes


def settings(
    event: str, connection: str, audiences: Sequence[str], condition: str, fields: Sequence[str]
) -> dict[str, Any]:
    """Return the members of settings that options say. Raises typer.BadParameter."""
    members: dict[str, Any] = {"event_code": event}
    if connection != Destination.model_fields["connection"].default:
        members["connection"] = connection
    if fields:
        members["mapping"] = _mapping(fields)
    wanted = _condition(audiences, condition)
    return members | ({"filter": wanted} if wanted else {})


def with_required_consents(text: str, paths: Sequence[str]) -> str:
    """Return settings in which these consents are required, if any is named."""
    if not paths or not (members := setting_changes.parsed(text)):
        return text
    return json.dumps(members | {"required_consents": list(dict.fromkeys(paths))})


def _mapping(fields: Sequence[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for each in fields:
        name, _, expression = (part.strip() for part in each.partition("="))
        if not name or not expression:
            raise typer.BadParameter(
                "NAME=EXPR is expected, such as companyname=employer.name", param_hint="--field"
            )
        if name in mapping:
            raise typer.BadParameter(f"{name} is there twice", param_hint="--field")
        mapping[name] = expression
    return mapping


def _condition(audiences: Sequence[str], condition: str) -> str:
    try:
        return audience_filter.combined(audiences, condition)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--audience") from None
